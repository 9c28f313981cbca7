"""What a run records about the world it ran in, so that its numbers can be traced."""

import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = (
    "pluralign",
    "torch",
    "transformers",
    "tokenizers",
    "trl",
    "peft",
    "accelerate",
    "numpy",
    "scipy",
    "pydantic",
    "statsmodels",
)


def run_facts() -> dict[str, Any]:
    """Versions, platform, git state, arguments and the time, as JSON values."""
    return {
        "started": datetime.now(tz=UTC).isoformat(timespec="seconds"),
        "argv": sys.argv,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "versions": package_versions(),
        "git": git_state(),
    }


def package_versions() -> dict[str, str | None]:
    """Installed version of each package that can move a number; None where it is not installed."""
    versions: dict[str, str | None] = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = None
    return versions


def git_state() -> dict[str, Any] | None:
    """Commit and whether the checkout of pluralign is changed; None where it runs outside a checkout."""
    folder = Path(__file__).resolve().parents[2]
    if not (folder / ".git").exists():
        return None
    try:
        commit = _git("rev-parse", "HEAD", folder=folder)
        return {"commit": commit, "dirty": bool(_git("status", "--porcelain", folder=folder))}
    except (OSError, subprocess.SubprocessError):
        # No git on this machine, or no commit yet: the versions above still identify the code.
        return None


def _git(*arguments: str, folder: Path) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=10).stdout.strip()


def flat_facts(facts: dict[str, Any]) -> dict[str, str]:
    """Facts as name -> text, nested names joined by dots, for a table; what is unknown is left out."""
    flat: dict[str, str] = {}
    for name, value in facts.items():
        if isinstance(value, dict):
            flat |= {f"{name}.{inner}": text for inner, text in flat_facts(value).items()}
        elif value is not None:
            flat[name] = " ".join(map(str, value)) if isinstance(value, list) else str(value)
    return flat
