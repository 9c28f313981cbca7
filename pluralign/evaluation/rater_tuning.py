"""Training rows for a decoder of raters: what it will be given, and the rating that it should predict."""

from collections.abc import Mapping

from pluralign.elicitation import PromptStyle, prompt_for
from pluralign.elicitation.logprob import listed_orders
from pluralign.models.protocol import Chat
from pluralign.raters import Case, Encoding, Fold, Given, cases_of
from pluralign.records import Condition, content_hash
from pluralign.spectrum import Example, SpectrumSequence

TASK = "raters"


def decoder_rows(
    fold: Fold,
    encodings: Mapping[str, Encoding],
    *,
    given: Given = Given.PROFILE,
    n_examples: int | None = None,
    seed: int = 0,
) -> list[SpectrumSequence]:
    """One row for each held-out rating of the train raters: profile as description, item as input, rating as output.

    A row is word for word what the tuned model is asked later. Test raters are in none of them, and train raters' fit
    ratings only where the representation shows them. As in Sorensen et al. 2025, a decoder is tuned for one
    representation.

    Args:
        fold: The division; tune for one division only, as the test raters of one are train raters of another.
        encodings: Rater -> encoding, of the train raters at least.
        given: What the decoder is given of a rater; "cluster" and "another's profile" are measured, not trained on.
        n_examples: Fit ratings shown at most, for "examples".
        seed: Seed of the order in which each row lists the options.

    Returns:
        The rows; raters without the representation have none.
    """
    return [
        _row(case, case.given[given], seed=seed)
        for rater in fold.train
        for case in cases_of(rater, profile=encodings[rater.id].profile, n_examples=n_examples)
        if given in case.given
    ]


def _row(case: Case, condition: Condition, *, seed: int) -> SpectrumSequence:
    question = case.rating.question
    # The decoder will be asked under every cyclic order: here each row has one of them.
    orders = listed_orders(question, max_orders=None)
    order = orders[int(content_hash([seed, case.rater, question.id]), 16) % len(orders)]
    prompt = prompt_for(question, order=order, condition=condition, style=PromptStyle.SPECTRUM)
    assert isinstance(prompt, Chat)
    description, *turns = [message.content for message in prompt.messages]
    outputs = [*turns[1::2], question.option_texts[case.rating.choice]]
    return SpectrumSequence(
        description=description,
        examples=tuple(
            Example(input=asked, output=answer) for asked, answer in zip(turns[::2], outputs, strict=True)
        ),
        task=TASK,
    )
