from collections.abc import Callable

import pytest

from pluralign.guard.policy import Policy, load_policy
from pluralign.guard.verdict import Document, Passage


def a_document(*statements: str, denied: tuple[str, ...] = (), language: str | None = "en") -> Document:
    return Document(
        passages=tuple(
            Passage(field=f"values[{number}].statement", text=text) for number, text in enumerate(statements)
        ),
        denied=tuple(
            Passage(field=f"does_not_hold[{number}]", text=text) for number, text in enumerate(denied)
        ),
        language=language,
    )


@pytest.fixture
def document() -> Callable[..., Document]:
    return a_document


@pytest.fixture(scope="session")
def policy() -> Policy:
    return load_policy()
