"""Evaluations that ask each open prompt many times: coverage of right answers, homogeneity of answers."""

from pluralign.evaluation.repeated.config import DEFAULT_REPEATED, RepeatedConfig, RepeatedSettings
from pluralign.evaluation.repeated.planning import PreparedRepeated, prepare_repeated
from pluralign.evaluation.repeated.results import AnswerSet, score_answers
from pluralign.evaluation.repeated.running import (
    RepeatedRun,
    compare_repeated_runs,
    evaluate_repeated,
    is_repeated,
    load_repeated_run,
    repeated_comparison_report,
    resume_repeated,
    run_repeated,
    similarity_of_runs,
)

__all__ = [
    "DEFAULT_REPEATED",
    "AnswerSet",
    "PreparedRepeated",
    "RepeatedConfig",
    "RepeatedRun",
    "RepeatedSettings",
    "compare_repeated_runs",
    "evaluate_repeated",
    "is_repeated",
    "load_repeated_run",
    "prepare_repeated",
    "repeated_comparison_report",
    "resume_repeated",
    "run_repeated",
    "score_answers",
    "similarity_of_runs",
]
