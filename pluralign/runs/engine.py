"""Works a plan off: asks what is not yet answered and leaves every answer on disk at once."""

from collections.abc import Callable, Iterator, Sequence

from pluralign.elicitation import Ask, Elicitation
from pluralign.errors import InterruptedRunError, ModelError
from pluralign.models.protocol import LanguageModel
from pluralign.records import Answer, Outcome
from pluralign.runs.plan import Plan
from pluralign.runs.store import RunStore, Status

# (units finished, units planned)
Progress = Callable[[int, int], None]


def execute(
    plan: Plan,
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
    rows = store.answers()
    finished = {key for key, answer in rows.items() if answer.outcome is not Outcome.ERROR}
    owed = [unit for unit in plan.units if unit.key not in finished]
    n_done = len(plan.units) - len(owed)
    try:
        for chunk in _chunks(owed, elicitation.units_per_call):
            answers = _ask(chunk, model=model, elicitation=elicitation)
            store.append(answers)
            rows |= {answer.key: answer for answer in answers}
            n_done += len(chunk)
            if progress:
                progress(n_done, len(plan.units))
    except KeyboardInterrupt:
        store.mark(Status.INTERRUPTED)
        raise InterruptedRunError(
            f"Interrupted after {n_done} of {len(plan.units)} units. They are in {store.folder}; "
            "run the same command again to go on."
        ) from None
    return [rows[unit.key] for unit in plan.units]


def _chunks(units: Sequence[Ask], size: int) -> Iterator[Sequence[Ask]]:
    return (units[start : start + size] for start in range(0, len(units), size))


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
