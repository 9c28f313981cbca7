"""From a spec to results: the one place where data, model, elicitation, run folder and evaluator meet."""

from pluralign.evaluation.planning import Prepared, prepare
from pluralign.evaluation.profiles import profile_settings, read_profiles
from pluralign.evaluation.rescoring import (
    Rescored,
    compare_runs,
    comparison_report,
    load_source,
    score_file,
)
from pluralign.evaluation.running import EvalRun, evaluate, load_run, report_of, resume, run
from pluralign.evaluation.spec import (
    DEFAULT_SETTINGS,
    EvalSpec,
    RunConfig,
    Settings,
    list_specs,
    load_spec,
)

__all__ = [
    "DEFAULT_SETTINGS",
    "EvalRun",
    "EvalSpec",
    "Prepared",
    "Rescored",
    "RunConfig",
    "Settings",
    "compare_runs",
    "comparison_report",
    "evaluate",
    "list_specs",
    "load_run",
    "load_source",
    "load_spec",
    "prepare",
    "profile_settings",
    "read_profiles",
    "report_of",
    "resume",
    "run",
    "score_file",
]
