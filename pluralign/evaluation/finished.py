"""What every finished evaluation has: whether it is complete, its results, and the command that runs it again."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol

from pydantic import BaseModel

from pluralign.evals import Scores
from pluralign.evaluation.spec import Spec
from pluralign.runs import Status


class Finished(Protocol):
    """A finished evaluation, of whatever kind.

    Attributes:
        counted: What its cells are called.
    """

    counted: ClassVar[str]

    @property
    def spec(self) -> Spec:
        """What was run."""
        ...

    @property
    def scores(self) -> Scores:
        """All estimates."""
        ...

    @property
    def label(self) -> str:
        """What the run is called beside others."""
        ...

    @property
    def folder(self) -> Path:
        """Where the run lies."""
        ...

    @property
    def complete(self) -> bool:
        """Whether no more cells are unscored than the spec allows."""
        ...

    def results(self) -> dict[str, Any]:
        """results.json of the run."""
        ...


class FinishedRun:
    """What follows for every `Finished` from what each kind has of its own."""

    counted: ClassVar[str] = "cells"

    @property
    def complete(self: Finished) -> bool:
        """Whether no more cells are unscored than the spec allows."""
        return self.scores.is_complete(max_unscored_share=self.spec.max_unscored_share)

    @property
    def status(self: Finished) -> Status:
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


def flags_of(settings: BaseModel) -> dict[str, object]:
    """The flags of settings that are not as by default, where each field is a flag but the arguments of the data."""
    given = settings.model_dump(exclude_defaults=True, exclude={"data"})
    return {f"--{name.replace('_', '-')}": value for name, value in given.items()}
