"""Running an evaluation of sequences: from a plan to a folder with scores, results and a page."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pluralign.errors import ConfigurationError, StorageError
from pluralign.evals.scores import Scores
from pluralign.evaluation.finished import FinishedRun, flags_of, run_command
from pluralign.evaluation.folders import evaluator_of, read_run_record, run_folder
from pluralign.evaluation.results import side_by_side, write_scores
from pluralign.evaluation.sequences.config import DEFAULT_SEQUENCES, SequencesConfig, SequencesSettings
from pluralign.evaluation.sequences.planning import PreparedSequences, SequenceSet, prepare_sequences
from pluralign.evaluation.sequences.results import (
    ScoredSequences,
    compare_scored,
    score_rows,
    scored_report,
    scored_results,
)
from pluralign.evaluation.spec import SEQUENCES, SequencesSpec
from pluralign.models.protocol import LanguageModel
from pluralign.records import Comparison
from pluralign.reports import Report
from pluralign.runs import Progress, SequenceStore, run_facts, work_off, write_json_atomically
from pluralign.spectrum.scoring import score_sequences

SEQUENCES_JSON = "sequences.json"
# Read together and then written: a kill loses so many, and on an accelerator they make one batch.
_UNITS_PER_CALL = {"cpu": 4}
_UNITS_ON_ACCELERATOR = 32


@dataclass(frozen=True)
class SequencesRun(FinishedRun):
    """A finished evaluation of sequences.

    Attributes:
        scored: What was read, how, and what was foretold.
        folder: Where the run lies.
    """

    counted = "sequences"

    scored: ScoredSequences
    folder: Path

    @property
    def config(self) -> SequencesConfig:
        """What was run, how, and the name of the model."""
        return self.scored.config

    @property
    def spec(self) -> SequencesSpec:
        """What was run."""
        return self.config.spec

    @property
    def scores(self) -> Scores:
        """Estimates over all sequences."""
        return self.scored.scores

    @property
    def label(self) -> str:
        """Model and layout."""
        return self.scored.label

    @property
    def command(self) -> str:
        """The command that runs the same evaluation again."""
        settings = self.config.settings
        return run_command(
            self.spec.id, model=self.config.model, flags=flags_of(settings), data=settings.data
        )

    def results(self) -> dict[str, Any]:
        """results.json of the run."""
        return {"status": self.status.value} | scored_results(self.scored)


def is_sequences(folder: Path) -> bool:
    """Whether a folder holds a run of sequences.

    Raises:
        StorageError: It holds no run.
    """
    return evaluator_of(folder) == SEQUENCES


def evaluate_sequences(
    spec: str | Path | SequencesSpec,
    *,
    model: str | LanguageModel,
    settings: SequencesSettings = DEFAULT_SEQUENCES,
    out: Path | None = None,
    fresh: bool = False,
    progress: Progress | None = None,
) -> SequencesRun:
    """Let a model read sequences, or go on with a run that was stopped, and score what it foretold.

    Args:
        spec: Id, path or spec.
        model: A model in memory, or a name for `load_model`.
        settings: What else may be set.
        out: Folder of the run. Default: one under `runs/` named after evaluation, model and plan.
        fresh: Take a new folder rather than going on in the old one.
        progress: Called with (finished, planned) sequences.

    Raises:
        PluralignError: One of its kinds, see `prepare_sequences` and `run_sequences`.
    """
    prepared = prepare_sequences(spec, model=model, settings=settings)
    return run_sequences(prepared, out=out, fresh=fresh, progress=progress)


def run_sequences(
    prepared: PreparedSequences,
    *,
    out: Path | None = None,
    fresh: bool = False,
    progress: Progress | None = None,
) -> SequencesRun:
    """Work off a prepared evaluation; see `evaluate_sequences`.

    Raises:
        StorageError: The folder holds another run, or cannot be written.
        InterruptedRunError: Ctrl-C; what was finished is on disk, and the same call goes on.
    """
    config, model = prepared.config, prepared.model
    folder = run_folder(config.spec.id, model=model.id, digest=prepared.plan.digest, out=out, fresh=fresh)
    facts = run_facts() | {"sequences_digest": prepared.sequences.digest}
    store = SequenceStore.open(folder, plan=prepared.plan, facts=facts, config=config.model_dump(mode="json"))
    # Kept with the scores, so that these can be summed up again without the data.
    write_json_atomically(folder / SEQUENCES_JSON, prepared.sequences.model_dump(mode="json"))
    rows = work_off(
        prepared.plan,
        ask=lambda units: score_sequences(
            model, units, layout=prepared.layout, bfloat16=config.settings.bfloat16
        ),
        units_per_call=_UNITS_PER_CALL.get(model.model.device.type, _UNITS_ON_ACCELERATOR),
        run=store,
        rows=store.rows,
        progress=progress,
    )
    finished = SequencesRun(score_rows(config, sequences=prepared.sequences, rows=rows), folder)
    report = scored_report({finished.label: finished.scored}, reproduce=finished.command)
    write_scores(folder, scores=finished.scores, report=report)
    store.finish(finished.results(), status=finished.status)
    return finished


def resume_sequences(folder: Path, *, progress: Progress | None = None) -> SequencesRun:
    """Go on with a run that was stopped, with the model and the settings of its config.json.

    Raises:
        StorageError: There is no run, or the model, data or code have changed so that its plan is another.
    """
    config = read_run_record(folder / "config.json", SequencesConfig)
    prepared = prepare_sequences(config.spec, model=config.model, settings=config.settings)
    return run_sequences(prepared, out=folder, progress=progress)


def load_sequences_run(folder: Path) -> SequencesRun:
    """Read a run from its folder and sum its scores up; no model is loaded.

    Raises:
        StorageError: There is no run in the folder, or it holds no scores yet.
    """
    config = read_run_record(folder / "config.json", SequencesConfig)
    sequences = read_run_record(folder / SEQUENCES_JSON, SequenceSet)
    found = {row.sequence_id: row for row in SequenceStore(folder).rows.read().values()}
    rows = [found[each.id] for each in sequences.sequences if each.id in found]
    if not rows:
        raise StorageError(f"{folder} holds no scores yet.")
    return SequencesRun(score_rows(config, sequences=sequences, rows=rows), folder)


def compare_sequences_runs(first: SequencesRun, second: SequencesRun) -> tuple[Comparison, ...]:
    """Paired differences, first minus second, of two runs on the same sequences.

    Raises:
        ConfigurationError: The runs read other sequences.
    """
    theirs, ours = second.scored.sequences.digest, first.scored.sequences.digest
    if theirs != ours:
        raise ConfigurationError(
            f"{first.folder} and {second.folder} read different sequences: other seeds, numbers or lengths."
        )
    return compare_scored(first.scored, second.scored)


def sequences_comparison_report(first: SequencesRun, second: SequencesRun) -> Report:
    """The page of two runs side by side, with their paired differences; raises as `compare_sequences_runs`."""
    comparisons = compare_sequences_runs(first, second)
    return scored_report(
        dict(zip(side_by_side(first.label, second.label), (first.scored, second.scored), strict=True)),
        reproduce=shlex.join(["pluralign", "compare", str(first.folder), str(second.folder)]),
        comparisons=comparisons,
    )
