"""Scoring responses that were recorded elsewhere, and comparing two runs: the models that wrote them are not loaded."""

import shlex
from pathlib import Path

from pluralign.errors import ConfigurationError, DataError
from pluralign.evals.overton.comparing import compare_overton
from pluralign.evals.overton.presets import find_preset
from pluralign.evals.overton.reading import comparison_readings
from pluralign.evaluation.overton.config import DEFAULT_OVERTON, OvertonSettings
from pluralign.evaluation.overton.planning import read_windows
from pluralign.evaluation.overton.results import judged_section
from pluralign.evaluation.overton.running import OvertonRun
from pluralign.evaluation.overton.scoring import JudgedSet, judge_and_score
from pluralign.evaluation.spec import OvertonSpec, load_overton_spec
from pluralign.judges import load_entailment
from pluralign.judges.entailment import Entailment
from pluralign.records import Comparison, Response, read_jsonl
from pluralign.reports import Report
from pluralign.runs import Progress, flat_facts, run_facts


def score_responses(
    path: Path,
    *,
    spec: str | Path | OvertonSpec,
    judge: str | Entailment,
    settings: OvertonSettings = DEFAULT_OVERTON,
    verdicts: Path | None = None,
    progress: Progress | None = None,
) -> JudgedSet:
    """Score responses of one model, condition and way.

    Args:
        path: JSONL of `Response` rows, such as responses.jsonl of a run.
        spec: Whose windows they answer.
        judge: A judge, or a name for `load_entailment`.
        settings: Limit, window arguments, preset and seed; everything else is of no use here.
        verdicts: File that keeps the judge's verdicts. Default: one beside the responses.
        progress: Called with (judged, all) responses.

    Raises:
        DataError: A row is wrong (file and line are named), answers no window, or is of another model, condition
            or way than the first.
        ConfigurationError: An unknown spec, judge or preset.
    """
    spec = load_overton_spec(spec)
    windows = read_windows(spec, settings)
    responses = list(read_jsonl(path, Response))
    if not responses:
        raise DataError(f"{path}: holds no response.")
    kinds = {(each.model_id, each.condition.id, each.way): None for each in responses}
    if len(kinds) > 1:
        first, second, *_ = (f"{model!r} under {condition!r}, {way}" for model, condition, way in kinds)
        raise DataError(f"{path}: holds responses of {first} and of {second}. Keep one a file.")
    name, loaded = (judge, load_entailment(judge)) if isinstance(judge, str) else (judge.id, judge)
    return judge_and_score(
        windows,
        responses,
        judge=loaded,
        name=name,
        verdicts=verdicts or path.with_name(f"{path.stem}.verdicts.jsonl"),
        preset=settings.preset or spec.preset,
        seed=settings.seed,
        progress=progress,
    )


def compare_overton_runs(
    first: OvertonRun, second: OvertonRun, *, preset: str | None = None
) -> tuple[tuple[Comparison, ...], tuple[str, ...]]:
    """Paired differences, first minus second, of two runs on the same windows by one judge.

    Args:
        first: The minuend, for example syntheses.
        second: The subtrahend, for example plain answers.
        preset: A published definition to be compared as well; not one that reads verdicts the other way round.

    Returns:
        The differences, and what they say in words.

    Raises:
        ConfigurationError: The runs have other windows or another judge, or the preset cannot be compared.
    """
    if first.windows.digest != second.windows.digest:
        raise ConfigurationError(
            f"{first.folder} and {second.folder} did not ask the same: {first.windows.id} "
            f"({len(first.windows.windows)} windows) and {second.windows.id} ({len(second.windows.windows)})."
        )
    if first.judge.fingerprint != second.judge.fingerprint:
        raise ConfigurationError(
            f"{first.folder} was judged by {first.judge.id}, {second.folder} by {second.judge.id}: name one judge "
            "for both with --judge."
        )
    if preset and find_preset(preset).reversed:
        raise ConfigurationError(
            f"preset: {preset!r} has verdicts of its own, which are not compared; take modular_pluralism_corrected."
        )
    comparisons = compare_overton(
        first=(overton_labels(first, second)[0], first.judged.judged),
        second=(overton_labels(first, second)[1], second.judged.judged),
        threshold=first.judge.threshold,
        seed=first.config.settings.seed,
        preset=preset,
    )
    return comparisons, (*first.judge.readings, *comparison_readings(comparisons))


def overton_labels(first: OvertonRun, second: OvertonRun) -> tuple[str, str]:
    """What two runs are called side by side: model and way, or their folders where these are the same."""
    if first.label != second.label:
        return first.label, second.label
    return str(first.folder), str(second.folder)


def overton_comparison_report(first: OvertonRun, second: OvertonRun, *, preset: str | None = None) -> Report:
    """The page of two runs side by side, with their paired differences; raises as `compare_overton_runs`."""
    comparisons, readings = compare_overton_runs(first, second, preset=preset)
    labels = overton_labels(first, second)
    section = judged_section(
        dict(zip(labels, (first.judged, second.judged), strict=True)),
        title=first.spec.title,
        readings=readings,
        comparisons=comparisons,
    )
    return Report(
        title=f"{labels[0]} and {labels[1]}: {first.spec.title}",
        summary=(),
        sections=(section,),
        run_facts=flat_facts(run_facts() | {"judge": first.judge.id}),
        reproduce=shlex.join(["pluralign", "compare", str(first.folder), str(second.folder)]),
    )
