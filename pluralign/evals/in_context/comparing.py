"""The paired comparison of two sets of answers after the same people's answers."""

from collections.abc import Iterable, Mapping, Sequence
from math import isfinite

from pluralign.evals.in_context.baselines import PersonBaselines
from pluralign.evals.in_context.measures import MEASURES, Measure, Value
from pluralign.evals.in_context.scoring import METHOD, check_preset
from pluralign.evals.in_context.turns import Turn, make_turns, turn_slices
from pluralign.evals.paired import paired_comparison
from pluralign.records import Answer, Comparison, QuestionSet

_Values = Mapping[tuple[str, str, int], Value]


def compare_in_context(
    questions: QuestionSet,
    *,
    first: tuple[str, Iterable[Answer]],
    second: tuple[str, Iterable[Answer]],
    groups: Sequence[str] | None = None,
    preset: str | None = None,
    seed: int = 0,
) -> tuple[Comparison, ...]:
    """Paired differences, first minus second, of every metric and slice on the turns that both answered.

    Args:
        questions: What both were asked.
        first: Label and answers of the minuend.
        second: Label and answers of the subtrahend.
        groups: Ids of the people; None: everybody for whom there are answers.
        preset: There is none; see `check_preset`.
        seed: Seed of the bootstrap over people.

    Raises:
        ConfigurationError: A preset.
        DataError: One of the two holds nothing that can be scored.
    """
    check_preset(preset)
    turns, others = (make_turns(questions, answers, groups=groups) for _, answers in (first, second))
    baselines = PersonBaselines(questions, people={turn.person for turn in (*turns, *others)})
    comparisons = []
    for measure in MEASURES:
        own, their = (
            {one.turn.key: one for one in measure.values(part, baselines)} for part in (turns, others)
        )
        comparisons += [
            _compare(measure, rows, slice_name=name, labels=(first[0], second[0]), seed=seed)
            for name, part in turn_slices(turns).items()
            if (rows := _rows(part, own, their))
        ]
    return tuple(comparisons)


def _rows(turns: Sequence[Turn], own: _Values, their: _Values) -> list[tuple[Turn, float, float]]:
    """The turns at which both have a finite value, with both values."""
    keys = [turn.key for turn in turns if turn.key in own and turn.key in their]
    rows = [(own[key].turn, own[key].model, their[key].model) for key in keys]
    return [row for row in rows if isfinite(row[1]) and isfinite(row[2])]


def _compare(
    measure: Measure,
    rows: Sequence[tuple[Turn, float, float]],
    *,
    slice_name: str,
    labels: tuple[str, str],
    seed: int,
) -> Comparison:
    turns, first, second = zip(*rows, strict=True)
    return paired_comparison(
        measure.name,
        first=(labels[0], first),
        second=(labels[1], second),
        clusters=[turn.person for turn in turns],
        method=METHOD,
        unit=measure.unit,
        lower_is_better=measure.lower_is_better,
        slice_name=slice_name,
        n_questions=len({turn.question.id for turn in turns}),
        seed=seed,
    )
