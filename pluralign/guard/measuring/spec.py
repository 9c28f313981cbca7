"""What a test of the guard is made of: its texts, where they come from, and the targets its figures are held to."""

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, StringConstraints, ValidationError, model_validator

from pluralign.errors import ConfigurationError, did_you_mean
from pluralign.guard.measuring.figures import Figure, Test
from pluralign.plain_yaml import read_plain_yaml
from pluralign.records.base import Probability, Record, Text
from pluralign.records.jsonl import describe
from pluralign.resources import resource_folder

_Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(_[a-z0-9]+)*$")]


class SourceFile(Record):
    """A file of texts.

    Attributes:
        path: In `evals/guard/data` if shipped, else in the folder of published files; "*" stands for any name.
        shipped: Whether it is a part of the project.
        source: Who wrote the texts, as figures name it.
        licence: Of the texts.
    """

    path: Text
    shipped: bool = False
    source: Text
    licence: Text


class Target(Record):
    """What figures must reach.

    Attributes:
        figure: Name of the figures: "refused".
        source: Their source; None: any.
        part: Their part, with "*" for any text; None: any.
        at_least: The target, or
        at_most: the target.
    """

    figure: Text
    source: Text | None = None
    part: Text | None = None
    at_least: Probability | None = None
    at_most: Probability | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("a target says either at_least or at_most")
        return self

    def is_for(self, figure: Figure) -> bool:
        """Whether it is meant for a figure."""
        return (
            figure.name == self.figure
            and self.source in {None, figure.source}
            and (self.part is None or fnmatchcase(figure.part, self.part))
        )


class GuardSpec(Record):
    """A test of the guard.

    Attributes:
        id: "guard/" and the name of its file.
        version: "N-X": N rises when figures stop being comparable, X when the call changes.
        test: "T1" to "T7".
        title: One line for tables.
        description: What the test finds out, and what not to read from it.
        files: Name -> file of texts.
        targets: The first that fits a figure counts.
    """

    id: Annotated[str, StringConstraints(pattern=r"^guard/[a-z0-9]+(-[a-z0-9]+)*$")]
    version: Annotated[str, StringConstraints(pattern=r"^\d+-[A-Z]+$")]
    test: Test
    title: Text
    description: Text
    files: Mapping[_Key, SourceFile] = Field(min_length=1)
    targets: tuple[Target, ...] = ()

    def with_targets(self, figures: Iterable[Figure]) -> list[Figure]:
        """Figures with the targets that are meant for them."""
        found = []
        for figure in figures:
            target = next((each for each in self.targets if each.is_for(figure)), None)
            limits = {"at_least": target.at_least, "at_most": target.at_most} if target else {}
            found.append(figure.model_copy(update=limits))
        return found


def list_guard_specs() -> dict[str, Path]:
    """Id -> file of every shipped test of the guard, in the order of the tests."""
    folder = resource_folder("evals") / "guard"
    files = {f"guard/{path.stem}": path for path in sorted(folder.glob("*.yaml"))}
    return dict(sorted(files.items(), key=lambda item: _read(item[1]).test))


def load_guard_spec(name: str | Path) -> GuardSpec:
    """A shipped test by its id ("guard/contrast", or "contrast"), or any by the path of its YAML file.

    Raises:
        ConfigurationError: There is no such test, or the file is none; says where and why.
    """
    shipped = list_guard_specs()
    path = shipped.get(str(name)) or shipped.get(f"guard/{name}") or Path(name)
    if not path.is_file():
        raise ConfigurationError(
            f"There is no test of the guard {str(name)!r}.{did_you_mean(str(name), shipped)}"
        )
    return _read(path)


def load_guard_specs(names: Sequence[str | Path] = ()) -> list[GuardSpec]:
    """Tests by name; none named: all shipped ones.

    Raises:
        ConfigurationError: As `load_guard_spec`; or one is named twice.
    """
    specs = [load_guard_spec(name) for name in names or list_guard_specs()]
    ids = [spec.id for spec in specs]
    if len(set(ids)) < len(ids):
        raise ConfigurationError(f"A test is named twice: {', '.join(ids)}.")
    return specs


def _read(path: Path) -> GuardSpec:
    try:
        return GuardSpec.model_validate(read_plain_yaml(path))
    except ValidationError as error:
        raise ConfigurationError(f"{path}: {describe(error)}") from error
