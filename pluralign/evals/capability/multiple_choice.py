"""Scores of questions with one right option: how often it is the likeliest, and how probable it is."""

from collections.abc import Collection, Iterable, Sequence
from math import log

import numpy as np

from pluralign.errors import ConfigurationError, DataError
from pluralign.evals.capability.proportions import share_estimate
from pluralign.evals.cells import Array, Cell, make_cells, sound_slices, unscored
from pluralign.evals.per_prompt import Measure, compare_cells, estimate
from pluralign.evals.scores import Scores
from pluralign.records import Answer, CellScore, Comparison, Estimate, QuestionSet

ACCURACY, PROB, ANSWERED, NLL, MASS = (
    "accuracy",
    "right_option_prob",
    "right_answer_prob",
    "right_option_nll_nats",
    "valid_mass_prob",
)
CHANCE, LONGEST = "chance", "longest option"
# Probabilities closer than that are a tie: the order of sums is not to decide.
_TIE = 1e-12

ACCURATE = Measure(
    ACCURACY,
    "probability",
    "questions whose likeliest option is the right one; of n options that tie, the right one counts 1/n",
    False,
)
MEASURES = (
    ACCURATE,
    Measure(PROB, "probability", "probability of the right option, normalised over the options", False),
    Measure(
        NLL,
        "nats",
        "-log of the right option's probability, normalised over the options",
        True,
        undefined="the right option has probability 0",
    ),
    Measure(
        MASS,
        "probability",
        "probability that the model answers with one of the options, before normalising",
        False,
        undefined="no mass is known",
    ),
    Measure(
        ANSWERED,
        "probability",
        "probability that the model answers with the right option, before normalising",
        False,
        undefined="no mass is known",
    ),
)


def score_multiple_choice(
    questions: QuestionSet,
    answers: Iterable[Answer],
    *,
    groups: Collection[str] | None = None,
    preset: str | None = None,
    faulty: Collection[tuple[str, str | None]] = (),
    drop_faulty: bool = False,
    seed: int = 0,
) -> Scores:
    """Score answers to questions with one right option.

    Args:
        questions: Questions whose `truth` is 1 for one option.
        answers: The model's answers.
        groups: None: nobody but the truth is met here.
        preset: None: no published definition is known here.
        faulty: (question id, None) of items that lint found faulty; with them and without, where there are any.
        drop_faulty: Whether the slice "all" leaves them out.
        seed: Seed of the intervals, which resample questions.

    Raises:
        ConfigurationError: Groups or a preset.
        DataError: There is nothing to score, or a question has not one right option.
    """
    _refuse(groups=groups, preset=preset)
    for question in questions.questions:
        if sorted(question.truth or ())[-2:] != [0.0, 1.0]:
            raise DataError(f"truth: question {question.id!r} needs two options or more, and one right one.")
    cells = make_cells(questions, answers)
    parts = sound_slices(cells, faulty=set(faulty), drop_faulty=drop_faulty)
    rows = {cell.key: _row(cell) for cell in cells}
    estimates = [
        (share_estimate if measure is ACCURATE else estimate)(
            measure,
            [rows[cell.key] for cell in part],
            of="questions",
            slice_name=name,
            seed=seed,
            with_baselines=measure is ACCURATE,
        )
        for name, part in parts.items()
        for measure in MEASURES
    ]
    return Scores(
        primary=ACCURACY,
        estimates=tuple(estimates),
        cells=tuple(rows.values()),
        n_unscored=unscored(parts["all"]),
        readings=_readings(estimates[: len(MEASURES)]),
    )


def compare_multiple_choice(
    questions: QuestionSet,
    *,
    first: tuple[str, Sequence[Answer]],
    second: tuple[str, Sequence[Answer]],
    groups: Collection[str] | None = None,
    preset: str | None = None,
    seed: int = 0,
) -> tuple[Comparison, ...]:
    """Paired differences, first minus second, over the questions that both answered.

    Args:
        questions: As `score_multiple_choice`.
        first: Label and answers of the minuend.
        second: Label and answers of the subtrahend.
        groups: None.
        preset: None.
        seed: Seed of the bootstrap.

    Raises:
        ConfigurationError: Groups or a preset.
    """
    _refuse(groups=groups, preset=preset)
    sides = [
        (label, [_row(cell) for cell in make_cells(questions, answers)]) for label, answers in (first, second)
    ]
    return compare_cells(first=sides[0], second=sides[1], measures=MEASURES, of="questions", seed=seed)


def _refuse(*, groups: Collection[str] | None, preset: str | None) -> None:
    if groups is not None or preset is not None:
        raise ConfigurationError(
            "Questions with one right option are met by neither groups of people nor presets."
        )


def _row(cell: Cell) -> CellScore:
    common = {"question_id": cell.question.id, "group": cell.group, "n_people": None}
    right = int(np.argmax(cell.target))
    own = cell.probabilities
    if own is None:
        return CellScore(**common, unscored=cell.unscored_reason)
    mass = cell.answer.valid_mass_prob if cell.answer else None
    prob = float(own[right])
    values = {ACCURACY: _share_of_best(own, right=right), PROB: prob}
    values |= {NLL: -log(prob)} if prob > 0 else {}
    values |= {MASS: mass, ANSWERED: mass * prob} if mass is not None else {}
    lengths = np.array([len(text) for text in cell.question.option_texts], dtype=float)
    return CellScore(
        **common,
        sample_size=cell.answer.sample_size if cell.answer else 0,
        values=values,
        baselines={CHANCE: 1 / len(own), LONGEST: _share_of_best(lengths, right=right)},
    )


def _share_of_best(values: Array, *, right: int) -> float:
    """1 where the right one is the highest, 1/n where n tie and it is among them, else 0."""
    best = values >= values.max() - _TIE
    return float(best[right] / best.sum())


def _readings(estimates: Sequence[Estimate]) -> tuple[str, ...]:
    """What the numbers say."""
    by_name = {each.name: each for each in estimates}
    accuracy, mass = by_name[ACCURACY], by_name[MASS].value
    if accuracy.value is None or accuracy.interval is None:
        return ()
    chance = accuracy.baselines[CHANCE]
    verdict = (
        "above"
        if accuracy.interval.low > chance
        else "below"
        if accuracy.interval.high < chance
        else "not told from"
    )
    found = [
        f"The right option is the likeliest of {100 * accuracy.value:.1f}%, {verdict} chance ({100 * chance:.1f}%)."
    ]
    if mass is not None:
        found.append(
            f"With probability {mass:.3g} the model answers with an option at all; accuracy is about what it prefers "
            "among them."
        )
    return tuple(found)
