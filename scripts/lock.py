"""Print the lock file: the exact version of every package that the project's `dev` extra brings.

Walks the metadata of the running environment from pyproject.toml's `dev` extra through everything it requires, so
a package that is installed but not needed stays out. `make lock` writes the result to requirements.lock.
"""

import sys
import tomllib
from collections import deque
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

PROJECT = Path(__file__).resolve().parent.parent
HEADER = """\
# The exact versions that run, test and lint the project. Written by `make lock` from the environment in .venv:
# upgrade a package there with pip, run `make lock`, then `make check test`. Install through `make install`.
"""


def requirements_of(name: str, extra: str) -> list[str]:
    """What a package, or one of its extras, requires on any platform; pyproject.toml answers for the project."""
    if name == "pluralign":
        project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        return list(project["optional-dependencies"][extra] if extra else project["dependencies"])
    return distribution(name).requires or []


def closure() -> dict[str, str]:
    """Name and public version of every package that the `dev` extra needs here, in alphabetical order."""
    versions: dict[str, str] = {}
    queue, seen = deque([("pluralign", ""), ("pluralign", "dev")]), set()
    while queue:
        name, extra = item = queue.popleft()
        if item in seen:
            continue
        seen.add(item)
        if name != "pluralign":
            # A local suffix ("+cpu") names one index's build; the lock must install from any.
            versions[name] = Version(distribution(name).version).public
        for line in requirements_of(name, extra):
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                required = canonicalize_name(requirement.name)
                queue.extend((required, canonicalize_name(wanted)) for wanted in ("", *requirement.extras))
    return dict(sorted(versions.items()))


def main() -> None:
    """Print the lock file.

    Raises:
        SystemExit: A required package is not installed.
    """
    try:
        pins = closure()
    except PackageNotFoundError as error:
        raise SystemExit(
            f"{error.name} is required but not installed; run: pip install -e '.[dev]'"
        ) from error
    sys.stdout.write(HEADER + "".join(f"{name}=={version}\n" for name, version in pins.items()))


if __name__ == "__main__":
    main()
