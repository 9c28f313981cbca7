"""Works a plan off: asks what is not yet answered and leaves every row on disk at once."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from pluralign.elicitation import Ask, Elicitation
from pluralign.errors import InterruptedRunError, ModelError
from pluralign.models.protocol import LanguageModel
from pluralign.records import Answer, Outcome
from pluralign.runs.plan import Plan, U
from pluralign.runs.rows import R, RowFile
from pluralign.runs.store import RunFolder, RunStore, Status

# (units finished, units planned)
Progress = Callable[[int, int], None]


def execute(
    plan: Plan[Ask],
    *,
    model: LanguageModel,
    elicitation: Elicitation,
    store: RunStore,
    progress: Progress | None = None,
) -> list[Answer]:
    """Ask every unit of the plan that the store does not hold yet.

    Args:
        plan: What to ask.
        model: Who is asked.
        elicitation: How.
        store: Where the rows go.
        progress: Called after each step with (finished, planned).

    Returns:
        One answer a unit, in the order of the plan, old and new alike.

    Raises:
        InterruptedRunError: Ctrl-C; what was answered is on disk.
        StorageError: Rows cannot be written.
    """
    return work_off(
        plan,
        ask=partial(_ask, model=model, elicitation=elicitation),
        units_per_call=elicitation.units_per_call,
        run=store,
        rows=store.rows,
        progress=progress,
    )


def work_off(
    plan: Plan[U],
    *,
    ask: Callable[[Sequence[U]], Sequence[R]],
    units_per_call: int,
    run: RunFolder,
    rows: RowFile[R],
    progress: Progress | None = None,
) -> list[R]:
    """Ask the units that have no row yet, or one that says error, and append their rows.

    Args:
        plan: What to ask.
        ask: Asks some units together; one row a unit, in order.
        units_per_call: How many.
        run: The run's folder.
        rows: Its rows.
        progress: Called after each step with (finished, planned).

    Returns:
        One row a unit, in the order of the plan, old and new alike.

    Raises:
        InterruptedRunError: Ctrl-C; what was answered is on disk.
        StorageError: Rows cannot be written.
    """
    units = plan.units
    rows.repair()
    known = rows.read()
    finished = {key for key, row in known.items() if row.outcome is not Outcome.ERROR}
    owed = [unit for unit in units if unit.key not in finished]
    n_done = len(units) - len(owed)
    try:
        for chunk in _chunks(owed, units_per_call):
            new = ask(chunk)
            rows.append(new)
            known |= {row.key: row for row in new}
            n_done += len(chunk)
            if progress:
                progress(n_done, len(units))
    except KeyboardInterrupt:
        run.mark(Status.INTERRUPTED)
        raise InterruptedRunError(
            f"Interrupted after {n_done} of {len(units)} units. They are in {run.folder}; "
            "run the same command again to go on."
        ) from None
    return [known[unit.key] for unit in units]


def _chunks(owed: Sequence[U], size: int) -> Iterator[Sequence[U]]:
    return (owed[start : start + size] for start in range(0, len(owed), size))


def _ask(units: Sequence[Ask], *, model: LanguageModel, elicitation: Elicitation) -> list[Answer]:
    """Ask units together; where that fails, one by one, so that one bad unit does not cost its neighbours."""
    try:
        return elicitation.answers(model, units)
    except ModelError as error:
        if len(units) > 1:
            return [_ask([unit], model=model, elicitation=elicitation)[0] for unit in units]
        (unit,) = units
        return [
            Answer(
                key=unit.key,
                question_id=unit.question.id,
                model_id=model.id,
                condition=unit.condition,
                elicitation=elicitation.name,
                outcome=Outcome.ERROR,
                error=str(error),
            )
        ]
