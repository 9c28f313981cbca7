"""What tells variety from noise, as far as no reward model is needed: answers that are empty, cut or repeat themselves."""

from collections.abc import Sequence
from dataclasses import dataclass

from pluralign.records import Outcome, Response

# A text repeats itself where fewer than half of its word trigrams are different, from twelve words on.
MIN_WORDS, N_GRAM, MIN_DISTINCT = 12, 3, 0.5


@dataclass(frozen=True)
class Quality:
    """What became of the answers to one prompt.

    Attributes:
        empty_share: Share without a word.
        truncated_share: Share cut by the token limit.
        repeating_share: Share that repeats itself.
        degenerate_share: Share that is empty or repeats itself.
        mean_words: Mean number of words.
    """

    empty_share: float
    truncated_share: float
    repeating_share: float
    degenerate_share: float
    mean_words: float


def quality_of(responses: Sequence[Response]) -> Quality:
    """The quality of at least one response to a prompt, none of outcome `error`."""
    n = len(responses)
    n_empty = sum(is_empty(each) for each in responses)
    n_repeating = sum(is_repeating(each.text) for each in responses)
    return Quality(
        empty_share=n_empty / n,
        truncated_share=sum(each.outcome is Outcome.TRUNCATED for each in responses) / n,
        repeating_share=n_repeating / n,
        degenerate_share=(n_empty + n_repeating) / n,
        mean_words=sum(len(each.text.split()) for each in responses) / n,
    )


def is_empty(response: Response) -> bool:
    """Whether a response holds no word."""
    return response.outcome is Outcome.REFUSED or not response.text.strip()


def is_repeating(text: str) -> bool:
    """Whether a text of at least twelve words says the same words over and over."""
    words = text.casefold().split()
    if len(words) < MIN_WORDS:
        return False
    grams = [tuple(words[i : i + N_GRAM]) for i in range(len(words) - N_GRAM + 1)]
    return len(set(grams)) < MIN_DISTINCT * len(grams)
