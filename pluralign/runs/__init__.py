"""A run on disk: the plan of work units, the rows they leave, and the engine that works the plan off."""

from pluralign.runs.engine import Progress, execute
from pluralign.runs.facts import run_facts
from pluralign.runs.plan import Plan, make_plan
from pluralign.runs.store import RunStore, Status, write_json_atomically

__all__ = [
    "Plan",
    "Progress",
    "RunStore",
    "Status",
    "execute",
    "make_plan",
    "run_facts",
    "write_json_atomically",
]
