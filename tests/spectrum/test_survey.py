from collections import Counter

import numpy as np
import pytest

from pluralign.errors import DataError
from pluralign.records import Group, Option, Question, QuestionSet
from pluralign.spectrum.survey import N_WORDINGS, describe_question, survey_task
from pluralign.spectrum.tasks import TaskSettings

QUESTIONS = QuestionSet(
    id="poll",
    questions=(
        Question(
            id="tea",
            text="Tea or coffee?",
            options=(Option(text="Tea"), Option(text="Coffee"), Option(text="Neither")),
            counts={"all": (30, 50, 20), "old": (20, 5, 0), "few": (1, 0, 0)},
        ),
        Question(
            id="sleep",
            text="Do you sleep well?",
            options=(Option(text="Yes"), Option(text="No")),
            counts={"old": (6.5, 19.5)},
            effective_n={"old": 20},
        ),
    ),
    groups=(Group(id="all"), Group(id="old", text="are over 60"), Group(id="few", text="are rare")),
)


def test_the_wording_of_evaluation():
    text = describe_question("Tea or coffee?", options=["Tea", "Coffee"], group="are over 60")

    assert text == "Tea or coffee?\nOptions: Tea; Coffee\nRespondents: people who are over 60"
    assert describe_question("Tea?") == "Tea?"


def test_it_is_the_wording_that_elicitation_asks_with():
    from pluralign.elicitation.asking import PromptStyle, prompt_for
    from pluralign.records import Condition

    prompt = prompt_for(
        QUESTIONS.questions[0],
        order=[2, 0, 1],
        condition=Condition(kind="persona", id="old", text="are over 60"),
        style=PromptStyle.SPECTRUM,
    )

    assert prompt.messages[0].content == describe_question(
        "Tea or coffee?", options=["Neither", "Tea", "Coffee"], group="are over 60"
    )


@pytest.mark.parametrize("wording", range(N_WORDINGS))
def test_every_wording_holds_question_options_and_group(wording):
    text = describe_question("Tea?", options=["Yes", "No"], group="are over 60", wording=wording)

    for part in ("Tea?", "Yes", "No", "people who are over 60"):
        assert part in text


def test_answers_are_people_of_the_group_drawn_without_replacement():
    task = survey_task(QUESTIONS, settings=TaskSettings(mean_examples=200, max_examples=500))
    seen = set()
    for index in range(60):
        row = task.row(index, seed=0)
        answers = Counter(example.output for example in row.examples)
        process = task.process(index, seed=0)
        if process.limit == 100:
            assert answers["Tea"] <= 30
        everybody = Counter(process.draw(np.random.default_rng(0), process.limit))
        if set(everybody) <= {"Yes", "No"}:
            assert process.limit == 20
        else:
            assert everybody in ({"Tea": 30, "Coffee": 50, "Neither": 20}, {"Tea": 20, "Coffee": 5})
        seen.add(process.limit)
    assert seen == {100, 25, 20}  # the group of one person is left out


def test_options_are_listed_in_changing_order_and_sometimes_not():
    task = survey_task(QUESTIONS, settings=TaskSettings(description_keep_prob=1.0))
    texts = [task.row(index, seed=0).description for index in range(200)]
    evaluation = {text.split("\n")[1] for text in texts if "\nOptions: " in text and ";" in text}

    assert len(evaluation) == 6 + 2
    assert any("Options" not in text and "Tea" in text for text in texts)


def test_no_group_large_enough():
    with pytest.raises(DataError, match="no question of 'poll' has counts of a group of at least 1000"):
        survey_task(QUESTIONS, min_people=1000)
