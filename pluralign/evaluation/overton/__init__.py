"""Evaluations of free responses: from a spec over drawn responses and a judge's verdicts to scores."""

from pluralign.evaluation.overton.config import (
    DEFAULT_OVERTON,
    OvertonConfig,
    OvertonSettings,
    is_overton,
)
from pluralign.evaluation.overton.planning import PreparedOverton, prepare_overton
from pluralign.evaluation.overton.rescoring import (
    compare_overton_runs,
    overton_comparison_report,
    overton_labels,
    score_responses,
)
from pluralign.evaluation.overton.results import judged_results, write_judged
from pluralign.evaluation.overton.running import (
    OvertonRun,
    evaluate_overton,
    load_overton_run,
    resume_overton,
    run_overton,
)
from pluralign.evaluation.overton.scoring import JudgedSet, JudgeRecord, judge_and_score

__all__ = [
    "DEFAULT_OVERTON",
    "JudgeRecord",
    "JudgedSet",
    "OvertonConfig",
    "OvertonRun",
    "OvertonSettings",
    "PreparedOverton",
    "compare_overton_runs",
    "evaluate_overton",
    "is_overton",
    "judge_and_score",
    "judged_results",
    "load_overton_run",
    "overton_comparison_report",
    "overton_labels",
    "prepare_overton",
    "resume_overton",
    "run_overton",
    "score_responses",
    "write_judged",
]
