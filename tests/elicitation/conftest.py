import pytest

from pluralign.elicitation import Ask
from pluralign.records import Condition, Option, Question


@pytest.fixture
def rating() -> Question:
    """A question with three listed options."""
    return Question(
        id="rating", text="How is it?", options=tuple(Option(text=text) for text in ("Good", "Fair", "Poor"))
    )


@pytest.fixture
def democrats() -> Condition:
    return Condition(kind="persona", id="party=Democrat", text="identify as Democrats")


@pytest.fixture
def ask_about():
    """A unit of work for a question, under no condition unless one is given."""

    def make(question: Question, condition: Condition | None = None) -> Ask:
        condition = condition or Condition()
        return Ask(key=f"{question.id}/{condition.id}", question=question, condition=condition)

    return make
