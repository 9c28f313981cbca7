"""Evaluations in which a model reads sequences: in-context steerability and calibration."""

from pluralign.evaluation.sequences.config import DEFAULT_SEQUENCES, SequencesConfig, SequencesSettings
from pluralign.evaluation.sequences.planning import (
    NamedSequence,
    PreparedSequences,
    SequenceSet,
    make_sequences,
    prepare_sequences,
)
from pluralign.evaluation.sequences.results import ScoredSequences, score_rows
from pluralign.evaluation.sequences.running import (
    SequencesRun,
    compare_sequences_runs,
    evaluate_sequences,
    is_sequences,
    load_sequences_run,
    resume_sequences,
    run_sequences,
    sequences_comparison_report,
)

__all__ = [
    "DEFAULT_SEQUENCES",
    "NamedSequence",
    "PreparedSequences",
    "ScoredSequences",
    "SequenceSet",
    "SequencesConfig",
    "SequencesRun",
    "SequencesSettings",
    "compare_sequences_runs",
    "evaluate_sequences",
    "is_sequences",
    "load_sequences_run",
    "make_sequences",
    "prepare_sequences",
    "resume_sequences",
    "run_sequences",
    "score_rows",
    "sequences_comparison_report",
]
