"""From rows to scores, and the scores as they are written and shown."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pluralign.evals.scores import Scores
from pluralign.evals.sequences import (
    Calibration,
    calibration,
    compare_sequence_outputs,
    score_sequence_outputs,
)
from pluralign.evaluation.results import score_results, side_by_side
from pluralign.evaluation.sequences.config import SequencesConfig
from pluralign.evaluation.sequences.planning import SequenceSet
from pluralign.records import Comparison, SequenceScore
from pluralign.reports import AnswersSection, Report, Series
from pluralign.runs import flat_facts, run_facts


@dataclass(frozen=True)
class ScoredSequences:
    """Sequences that a model has read, with what it foretold.

    Attributes:
        config: How they were read.
        sequences: What was read.
        rows: In the order of the sequences, at least one.
        scores: Over all sequences.
        calibration: The reliability table and its error.
    """

    config: SequencesConfig
    sequences: SequenceSet
    rows: tuple[SequenceScore, ...]
    scores: Scores
    calibration: Calibration

    @property
    def model_id(self) -> str:
        """Who read them: model and adapter with their revisions."""
        return self.rows[0].model_id

    @property
    def label(self) -> str:
        """Model, layout, and what else sets the run apart."""
        marks = {f"layout {self.rows[0].layout}": True, "bfloat16": self.config.settings.bfloat16}
        return ", ".join([self.model_id, *(mark for mark, is_set in marks.items() if is_set)])


def score_rows(
    config: SequencesConfig, *, sequences: SequenceSet, rows: Sequence[SequenceScore]
) -> ScoredSequences:
    """Score what a model foretold.

    Args:
        config: How the sequences were read.
        sequences: What was read.
        rows: At least one.

    Raises:
        DataError: There is nothing to score.
    """
    seed = config.settings.seed
    scores = score_sequence_outputs(rows, outputs=sequences.outputs(), options=sequences.options, seed=seed)
    return ScoredSequences(config, sequences, tuple(rows), scores, calibration(rows, seed=seed))


def compare_scored(first: ScoredSequences, second: ScoredSequences) -> tuple[Comparison, ...]:
    """Paired differences, first minus second, over the sequences that both read."""
    labels = side_by_side(first.label, second.label)
    return compare_sequence_outputs(
        first=(labels[0], first.scores), second=(labels[1], second.scores), seed=first.config.settings.seed
    )


def scored_results(scored: ScoredSequences) -> dict[str, Any]:
    """What results.json holds."""
    spec, made = scored.config.spec, scored.sequences
    outcomes = Counter(row.outcome.value for row in scored.rows)
    return {
        "evaluation": spec.id,
        "version": spec.version,
        "sequences": made.model_dump(mode="json", exclude={"sequences"})
        | {"n": len(made.sequences), "digest": made.digest},
        "layout": scored.rows[0].layout,
        "settings": scored.config.settings.model_dump(mode="json"),
        "rows": dict(sorted(outcomes.items())),
        "n_tokens": sum(row.n_tokens for row in scored.rows),
        "reliability": [vars(each) for each in scored.calibration.bins],
        **score_results(scored.scores, model=scored.model_id, findings=()),
    }


def scored_report(
    sets: Mapping[str, ScoredSequences], *, reproduce: str, comparisons: Sequence[Comparison] = ()
) -> Report:
    """The page of one set of sequences read, or of several of the same sequences.

    Args:
        sets: Label -> what was read; at least one.
        reproduce: The command that makes the page again.
        comparisons: Paired differences between the labels.
    """
    first = next(iter(sets.values()))
    spec, made = first.config.spec, first.sequences
    section = AnswersSection(
        title=spec.title,
        source=f"{len(made.sequences):,} sequences of {made.n_examples} examples. {made.source}",
        series=tuple(Series(label=label, estimates=each.scores.estimates) for label, each in sets.items()),
        comparisons=tuple(comparisons),
        readings=tuple(
            f"{label}: {reading}" if len(sets) > 1 else reading
            for label, each in sets.items()
            for reading in each.scores.readings
        ),
    )
    return Report(
        title=f"{' and '.join(sets)}: {spec.title}",
        summary=(spec.description.strip(),) if spec.description else (),
        sections=(section,),
        run_facts=flat_facts(run_facts()),
        reproduce=reproduce,
    )
