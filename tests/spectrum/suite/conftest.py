"""Rows of a source by name, with data in a folder."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pluralign.spectrum.suite import DataPlace, Rows, Share, SuiteRecipe, open_part, plan_suite


@pytest.fixture
def rows_of() -> Callable[..., Rows]:
    def opened(name: str, folder: Path | None = None, *, seed: int = 0, **share: object) -> Rows:
        recipe = SuiteRecipe(sources={name: Share(**share)}, seed=seed)
        return open_part(plan_suite(recipe, place=DataPlace(folder=folder)), 0)

    return opened
