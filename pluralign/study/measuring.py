"""One measure of a model under one seed: the evaluation is run once, and its estimates are kept."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from pluralign.errors import ConfigurationError
from pluralign.evals import Scores
from pluralign.evaluation import EvalSpec, Settings, evaluate, load_spec
from pluralign.evaluation.repeated import RepeatedSettings, evaluate_repeated
from pluralign.evaluation.sequences import SequencesSettings, evaluate_sequences
from pluralign.evaluation.spec import RepeatedSpec, SequencesSpec
from pluralign.models.protocol import LanguageModel
from pluralign.records import Estimate
from pluralign.records.jsonl import describe
from pluralign.runs import Progress, read_json, write_json_atomically

KEPT = "estimates.json"


def measure_once(
    evaluation: str,
    *,
    settings: Mapping[str, Any],
    model: Callable[[], LanguageModel],
    out: Path,
    progress: Progress | None = None,
) -> tuple[Estimate, ...]:
    """Run an evaluation, or read what it found before in the same folder.

    Args:
        evaluation: Id, or path of a specification.
        settings: Its settings.
        model: Loads the model; called only where something is left to do.
        out: The run's folder.
        progress: Called with (finished, planned) units.

    Raises:
        ConfigurationError: A setting that the evaluation does not know, or a value that it does not take.
        PluralignError: One of its kinds, as the evaluation raises it.
    """
    kept = out / KEPT
    if kept.exists():
        return tuple(Estimate.model_validate(row) for row in read_json(kept)["estimates"])
    run = _runner(evaluation, settings)
    scores: Scores = run(model=model(), out=out, progress=progress).scores
    write_json_atomically(
        kept, {"estimates": [estimate.model_dump(mode="json") for estimate in scores.estimates]}
    )
    return scores.estimates


def check_measure(evaluation: str, settings: Mapping[str, Any]) -> None:
    """Refuse an evaluation that cannot be part of a study, or settings that it does not take.

    Raises:
        ConfigurationError: Says which.
    """
    _runner(evaluation, settings)


def _runner(evaluation: str, settings: Mapping[str, Any]) -> Callable[..., Any]:
    """The evaluation with its settings, to be called with model, out and progress."""
    spec = load_spec(evaluation)
    kinds: dict[type, tuple[type[BaseModel], Callable[..., Any]]] = {
        EvalSpec: (Settings, evaluate),
        RepeatedSpec: (RepeatedSettings, evaluate_repeated),
        SequencesSpec: (SequencesSettings, evaluate_sequences),
    }
    if type(spec) not in kinds:
        raise ConfigurationError(
            f"measures: {evaluation!r} needs a judge and cannot be part of a study; run it on its own."
        )
    kind, run = kinds[type(spec)]
    try:
        return partial(run, spec, settings=kind.model_validate(dict(settings)))
    except ValidationError as error:
        raise ConfigurationError(f"measures: {evaluation}: settings: {describe(error)}") from error
