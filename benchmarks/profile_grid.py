"""Every profile with every question: pluralign's elicitation against one full forward pass for each option.

Both get the same distributions out of the same model in one run, by turns: the elicitation `logprob`, asked as a run
asks, a few units a call; and every profile x question x option read as a whole, sorted by length and batched, as
evaluation harnesses do. They must agree.
"""

import argparse
import statistics
from collections.abc import Sequence

import numpy as np
from option_scoring import BATCH_TOKENS, measure, score_rows

from pluralign.elicitation import Ask
from pluralign.elicitation.asking import UNITS_PER_CALL
from pluralign.elicitation.conditions import profile
from pluralign.elicitation.logprob import SURFACE_PREFIXES, LogProb
from pluralign.models import LoadedWeights, TransformersModel, load_weights
from pluralign.models.chat_template import turn_format
from pluralign.profiles import list_profiles, load_profile, system_prompt
from pluralign.records import Option, Question

TOLERANCE = 1e-4
TOPICS = [
    "health insurance",
    "public schools",
    "defence",
    "the environment",
    "crime",
    "jobs",
    "trade",
    "pensions",
]
OPTIONS = ("More", "As much as now", "Less")


def units(n_profiles: int, n_questions: int) -> list[Ask]:
    """Every question under every profile, the profiles outermost, as a plan has them."""
    texts = [
        f"Should the government spend more or less on {TOPICS[i % len(TOPICS)]}?" for i in range(n_questions)
    ]
    # A topic that comes again is another question: what was read of the first one must not serve it.
    questions = [
        Question(
            id=f"q{i}",
            text=text if i < len(TOPICS) else f"In {2000 + i}: {text}",
            options=tuple(Option(text=option) for option in OPTIONS),
        )
        for i, text in enumerate(texts)
    ]
    names = sorted(list_profiles())
    chosen = [names[i * len(names) // n_profiles] for i in range(n_profiles)]
    conditions = [profile(f"profile={name}", system_prompt(load_profile(name))) for name in chosen]
    return [
        Ask(key=f"{condition.id}/{question.id}", question=question, condition=condition)
        for condition in conditions
        for question in questions
    ]


def elicit(model: TransformersModel, asks: Sequence[Ask], elicitation: LogProb) -> np.ndarray:
    """The distributions that pluralign gets, in calls of as many units as a run makes."""
    answers = [
        answer
        for start in range(0, len(asks), UNITS_PER_CALL)
        for answer in elicitation.answers(model, asks[start : start + UNITS_PER_CALL])
    ]
    return np.array([answer.probabilities for answer in answers])


def naively(model: TransformersModel, asks: Sequence[Ask], elicitation: LogProb) -> np.ndarray:
    """The same distributions, every option read with its whole prompt."""
    end = turn_format(model.tokenizer).end
    rows = [
        (len(model.tokenizer(text, add_special_tokens=False)["input_ids"]), text + prefix + option + end)
        for ask in asks
        for prompt in elicitation.prompts(ask.question, ask.condition)
        for text in [model.render(prompt)]
        for option in ask.question.option_texts
        for prefix in SURFACE_PREFIXES
    ]
    ids = model.tokenizer([text for _, text in rows], add_special_tokens=False)["input_ids"]
    scores = np.array(score_rows(model, ids, starts=[start for start, _ in rows]))
    shape = (len(asks), -1, len(OPTIONS), len(SURFACE_PREFIXES))
    raw = np.exp(scores).reshape(shape).sum(-1).mean(1)
    return raw / raw.sum(-1, keepdims=True)


def compare(weights: LoadedWeights, asks: Sequence[Ask], *, elicitation: LogProb, n_repeats: int) -> None:
    """Time both by turns, check that they agree, and print the ratio."""
    # The first pass of a process also pays for memory that is touched for the first time: it is not timed.
    elicit(TransformersModel(weights, batch_tokens=BATCH_TOKENS), asks, elicitation)
    ours, naive = [], []
    for _ in range(n_repeats):
        # A model of its own each time: nothing has been read yet.
        model = TransformersModel(weights, batch_tokens=BATCH_TOKENS)
        ours.append(measure(model, lambda model=model: elicit(model, asks, elicitation)))
        naive.append(measure(model, lambda model=model: naively(model, asks, elicitation)))
    gap = max(np.abs(a[2] - b[2]).max() for a, b in zip(ours, naive, strict=True))
    if gap > TOLERANCE:
        raise AssertionError(f"The distributions differ by up to {gap:.1e}.")
    for label, runs in (("pluralign", ours), ("whole prompts", naive)):
        seconds = statistics.median(run[0] for run in runs)
        print(f"  {label:14} {len(asks) / seconds:7.2f} answers/s, {runs[0][1]:9,} tokens computed")
    ratio = statistics.median(slow[0] / fast[0] for fast, slow in zip(ours, naive, strict=True))
    print(f"  ratio (median of {n_repeats}) {ratio:.2f}x, probabilities equal to {gap:.0e}")


def main() -> None:
    """Run the grid."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profiles", type=int, default=2)
    parser.add_argument("--questions", type=int, default=6)
    parser.add_argument("--max-orders", type=int, default=1, help="orders of the options a question")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--model", default="embedded")
    arguments = parser.parse_args()
    weights = load_weights(arguments.model, dtype="float32", device="cpu")
    asks = units(arguments.profiles, arguments.questions)
    n_words = statistics.mean(
        len(weights.tokenizer(ask.condition.text, add_special_tokens=False)["input_ids"]) for ask in asks
    )
    print(
        f"{arguments.profiles} profiles of {n_words:.0f} tokens x {arguments.questions} questions x "
        f"{len(OPTIONS)} options in {len(SURFACE_PREFIXES)} forms, {arguments.max_orders} order(s)"
    )
    compare(weights, asks, elicitation=LogProb(max_orders=arguments.max_orders), n_repeats=arguments.repeats)


if __name__ == "__main__":
    main()
