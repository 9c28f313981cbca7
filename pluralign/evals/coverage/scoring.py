"""Scores of valid output coverage (Sorensen et al. 2025, arXiv:2510.06084): valid share, unique share, yield."""

from collections import Counter
from collections.abc import Mapping, Sequence

from pluralign.data.verifiable import VerifiableTask
from pluralign.errors import DataError
from pluralign.evals.coverage.replies import EMPTY, TRUNCATED, UNPARSED, Said
from pluralign.evals.per_prompt import ERROR, Measure, compare_cells, estimate, unscored
from pluralign.evals.scores import Scores
from pluralign.records import POPULATION, CellScore, Comparison, Estimate

YIELD, VALID, UNIQUE, COLLISION, LISTED = (
    "yield",
    "valid_share",
    "unique_share",
    "collision_prob",
    "list_share",
)
UNIFORM, UNFINISHED = "uniform", "not finished"
# With more right answers than that, how many of them were found says nothing.
LONGEST_LIST = 1000

MEASURES = (
    Measure(YIELD, "answers", "number of different right answers among n draws", False),
    Measure(VALID, "probability", "right answers over draws; what was cut or empty is not right", False),
    Measure(
        UNIQUE,
        "probability",
        "different right answers over right answers",
        False,
        undefined="no right answer",
    ),
    Measure(
        COLLISION,
        "probability",
        "chance that two of the right answers, drawn without replacement, are the same: "
        "sum of c (c - 1) over m (m - 1), for m right answers of which c are alike",
        True,
        undefined="fewer than two right answers",
    ),
    Measure(
        LISTED,
        "probability",
        f"different right answers over all that there are, where these are at most {LONGEST_LIST}",
        False,
    ),
    Measure("truncated_share", "probability", "answers that the token limit cut over draws", True),
    Measure("empty_share", "probability", "empty answers over draws", True),
    Measure(
        "unparsed_share", "probability", "answers lost in replies that could not be read, over draws", True
    ),
)
_OVER_TASKS = (YIELD, VALID)


def score_coverage(
    tasks: Sequence[VerifiableTask], said: Mapping[str, Sequence[Said] | None], *, seed: int = 0
) -> Scores:
    """Score answers to tasks with many right answers.

    Yield, which is put first, grows with the number of draws: it is compared at the same number only, so every task
    must have as many. A task of which a draw failed is not scored.

    Args:
        tasks: The tasks.
        said: Task -> its draws in order, None where a draw failed; a task that is not there was not finished.
        seed: Seed of the intervals, which resample whole tasks.

    Raises:
        DataError: There is no draw, or tasks have different numbers of draws.
    """
    sizes = {len(draws) for draws in said.values() if draws is not None}
    if not tasks or sizes == {0}:
        raise DataError("There is nothing to score: no draw of any task.")
    if len(sizes) > 1:
        raise DataError(f"Tasks have {min(sizes)} to {max(sizes)} draws; yield needs as many for each.")
    cells = tuple(
        _cell(task, said.get(task.id), lost=ERROR if task.id in said else UNFINISHED) for task in tasks
    )
    measures = _measures(n=next(iter(sizes), 0))
    # A task without a list has no share of it to lose.
    listed = [cell for cell in cells if cell.unscored or LISTED in cell.values]
    estimates = [
        estimate(
            measure,
            listed if measure.name == LISTED else cells,
            of="tasks",
            seed=seed,
            with_baselines=measure.name == YIELD,
        )
        for measure in measures
        if measure.name != LISTED or listed
    ]
    by_task = [
        estimate(
            measure,
            [cell],
            of="tasks",
            slice_name=f"family={cell.question_id}",
            with_baselines=measure.name == YIELD,
        )
        for measure in measures
        if measure.name in _OVER_TASKS
        for cell in cells
    ]
    return Scores(
        primary=YIELD,
        estimates=(*estimates, *(by_task if len(cells) > 1 else ())),
        cells=cells,
        n_unscored=unscored(cells),
        readings=_readings(tasks, estimates, said=said),
    )


def compare_coverage(
    *,
    first: tuple[str, Scores],
    second: tuple[str, Scores],
    seed: int = 0,
) -> tuple[Comparison, ...]:
    """Paired differences, first minus second, over the tasks that both answered with as many draws.

    Raises:
        DataError: The numbers of draws differ.
    """
    sizes = {cell.sample_size for _, scores in (first, second) for cell in scores.cells if not cell.unscored}
    if len(sizes) > 1:
        raise DataError(f"Yield of {min(sizes)} and of {max(sizes)} draws cannot be compared.")
    return compare_cells(
        first=(first[0], first[1].cells),
        second=(second[0], second[1].cells),
        measures=_measures(n=next(iter(sizes), 0)),
        of="tasks",
        seed=seed,
    )


def _measures(*, n: int) -> list[Measure]:
    """The measures; yield says of how many draws."""
    return [
        Measure(each.name, f"of {n} draws", each.definition, False) if each.name == YIELD else each
        for each in MEASURES
    ]


def _cell(task: VerifiableTask, draws: Sequence[Said] | None, *, lost: str) -> CellScore:
    if draws is None:
        return CellScore(question_id=task.id, group=POPULATION, n_people=None, unscored=lost)
    n = len(draws)
    counts = Counter(
        answer for each in draws if not each.lost and (answer := task.read(each.text)) is not None
    )
    n_valid, n_unique = counts.total(), len(counts)
    reasons = Counter(each.lost for each in draws)
    values = {YIELD: float(n_unique), VALID: n_valid / n}
    values |= {f"{reason}_share": reasons[reason] / n for reason in (TRUNCATED, EMPTY, UNPARSED)}
    if n_valid:
        values[UNIQUE] = n_unique / n_valid
    if n_valid > 1:
        values[COLLISION] = sum(c * (c - 1) for c in counts.values()) / (n_valid * (n_valid - 1))
    if task.n_answers is not None and task.n_answers <= LONGEST_LIST:
        values[LISTED] = n_unique / task.n_answers
    chance = task.expected_by_chance(n)
    return CellScore(
        question_id=task.id,
        group=POPULATION,
        n_people=None,
        sample_size=n,
        values=values,
        baselines={} if chance is None else {UNIFORM: chance},
    )


def _readings(
    tasks: Sequence[VerifiableTask],
    estimates: Sequence[Estimate],
    *,
    said: Mapping[str, Sequence[Said] | None],
) -> tuple[str, ...]:
    """What the numbers say, and what is to be said against them."""
    first = estimates[0]
    draws = [each for some in said.values() if some for each in some]
    found = []
    if first.value is not None:
        n = len(draws) // first.n_cells
        found.append(
            f"Of {n} draws {first.value:.1f} are right and different, on average over {first.n_cells} tasks."
        )
        if UNIFORM in first.baselines:
            n_counted = first.baseline_cells.get(UNIFORM, first.n_cells)
            found.append(
                f"As many draws, even and independent over all right answers, would find {first.baselines[UNIFORM]:.1f} "
                f"different ones, on average over the {n_counted} tasks whose right answers are counted ('uniform')."
            )
    lost = Counter(each.lost for each in draws if each.lost)
    if lost:
        counts = ", ".join(f"{n:,} {reason}" for reason, n in sorted(lost.items()))
        found.append(f"Not right because there is no whole answer: {counts} of {len(draws):,} draws.")
    if noted := [task.id for task in tasks if task.note]:
        found.append(
            f"Of {', '.join(noted)} the rule differs from the published one, so that their figures compare with each "
            "other and not with the paper's: pluralign eval show coverage/valid-outputs names each rule."
        )
    return tuple(found)
