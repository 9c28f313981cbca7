"""What every finished evaluation has: whether it is complete, and the command that runs it again."""

import shlex
from collections.abc import Mapping
from typing import Protocol

from pluralign.evals import Scores
from pluralign.evaluation.spec import Spec
from pluralign.runs import Status


class _Scored(Protocol):
    @property
    def spec(self) -> Spec: ...

    @property
    def scores(self) -> Scores: ...

    @property
    def complete(self) -> bool: ...


class FinishedRun:
    """A finished evaluation, of whatever kind; what it has of its own are `spec` and `scores`."""

    @property
    def complete(self: _Scored) -> bool:
        """Whether no more cells are unscored than the spec allows."""
        return self.scores.is_complete(max_unscored_share=self.spec.max_unscored_share)

    @property
    def status(self: _Scored) -> Status:
        """Status in run.json and results.json."""
        return Status.COMPLETE if self.complete else Status.INCOMPLETE


def run_command(
    evaluation: str, *, model: str, flags: Mapping[str, object], data: Mapping[str, object]
) -> str:
    """The command that runs an evaluation.

    Args:
        evaluation: Its id.
        model: Name of the model.
        flags: Flag -> value; True for a flag without a value, and None, False, "" or () for one that is not given.
        data: Arguments of the data.
    """
    words = ["pluralign", "eval", "run", evaluation, "--model", model]
    for flag, value in flags.items():
        if value is True:
            words.append(flag)
        elif value is not None and value is not False and value not in ("", ()):
            words += [flag, ",".join(value) if isinstance(value, tuple) else str(value)]
    words += [word for key, value in data.items() for word in ("--data", f"{key}={value}")]
    return shlex.join(words)
