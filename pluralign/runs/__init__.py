"""A run on disk: the plan of work units, the rows they leave, and the engine that works the plan off."""

from pluralign.runs.engine import Progress, execute, work_off
from pluralign.runs.facts import flat_facts, run_facts
from pluralign.runs.plan import Plan, make_plan
from pluralign.runs.store import (
    ResponseStore,
    RunStore,
    SequenceStore,
    Status,
    read_json,
    write_json_atomically,
)

__all__ = [
    "Plan",
    "Progress",
    "ResponseStore",
    "RunStore",
    "SequenceStore",
    "Status",
    "execute",
    "flat_facts",
    "make_plan",
    "read_json",
    "run_facts",
    "work_off",
    "write_json_atomically",
]
