"""What tells variety from noise, as far as no reward model is needed: answers that are empty, cut or repeat themselves."""

from collections.abc import Sequence
from dataclasses import dataclass

from pluralign.evals.coverage.replies import TRUNCATED, UNPARSED, WayName, said_in
from pluralign.records import Outcome, Response

# A text repeats itself where fewer than half of its word trigrams are different, from twelve words on.
MIN_WORDS, N_GRAM, MIN_DISTINCT = 12, 3, 0.5


@dataclass(frozen=True)
class Given:
    """One answer that was asked for.

    Attributes:
        text: The answer, without white space around it; empty where it holds no word, or was lost.
        is_cut: Whether the token limit cut it, or the reply that was to hold it.
        is_lost: Whether it cannot be known, as its reply could not be read.
    """

    text: str
    is_cut: bool = False
    is_lost: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether there is an answer, without a word."""
        return not self.text and not self.is_lost


@dataclass(frozen=True)
class Quality:
    """What became of the answers to one prompt.

    Attributes:
        empty_share: Share without a word.
        truncated_share: Share cut by the token limit.
        unparsed_share: Share lost in replies that came to their end and could not be read.
        repeating_share: Share that repeats itself.
        degenerate_share: Share that is empty or repeats itself.
        mean_words: Mean number of words of those that are known; None where none is.
    """

    empty_share: float
    truncated_share: float
    unparsed_share: float
    repeating_share: float
    degenerate_share: float
    mean_words: float | None


def answers_in(response: Response, *, way: WayName = "plain", k: int = 1) -> tuple[Given, ...]:
    """The answers in a reply.

    A plain reply is its answer, cut or not: what the token limit left of a long text still shows how alike texts are.
    A reply that holds its answers in a form is read as a whole or not at all.

    Args:
        response: The reply; not one of outcome `error`.
        way: How it was asked for, see `said_in`.
        k: How many answers it was to hold.
    """
    if way == "plain":
        text = "" if response.outcome is Outcome.REFUSED else response.text.strip()
        return (Given(text, is_cut=response.outcome is Outcome.TRUNCATED),)
    return tuple(
        Given(said.text, is_cut=said.lost == TRUNCATED, is_lost=said.lost in {TRUNCATED, UNPARSED})
        for said in said_in(response, way=way, k=k)
    )


def quality_of(answers: Sequence[Given]) -> Quality:
    """The quality of at least one answer to a prompt."""
    n = len(answers)
    n_empty = sum(each.is_empty for each in answers)
    n_repeating = sum(is_repeating(each.text) for each in answers)
    lengths = [len(each.text.split()) for each in answers if not each.is_lost]
    return Quality(
        empty_share=n_empty / n,
        truncated_share=sum(each.is_cut for each in answers) / n,
        unparsed_share=sum(each.is_lost and not each.is_cut for each in answers) / n,
        repeating_share=n_repeating / n,
        degenerate_share=(n_empty + n_repeating) / n,
        mean_words=sum(lengths) / len(lengths) if lengths else None,
    )


def is_repeating(text: str) -> bool:
    """Whether a text of at least twelve words says the same words over and over."""
    words = text.casefold().split()
    if len(words) < MIN_WORDS:
        return False
    grams = [tuple(words[i : i + N_GRAM]) for i in range(len(words) - N_GRAM + 1)]
    return len(set(grams)) < MIN_DISTINCT * len(grams)
