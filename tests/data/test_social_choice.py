import csv
from collections import Counter

import numpy as np
import pytest

from pluralign.data.social_choice import rating_matrix, read_survey
from pluralign.errors import DataError

COLUMNS = (
    *("user_id", "step", "question_type", "question_text", "button_label", "json_choices", "choice"),
    *("choice_numeric", "text", "answer_date", "sample_type"),
)
FREE = "<h3>Your Position</h3>\n<p>Summarize <strong>your</strong> view &amp; reasons.</p><p><em>(Two sentences.)</em></p>"
RATED = "<h3>Summaries</h3>\n<p>Here is one:</p>\n<blockquote><em>“Cats “rule”.”</em></blockquote>\n<p>How well?</p>"
LEVELS = "['poorly', 'well', 'very well']"


def free(user="g1", *, text="I like cats.", sample="generation", question=FREE):
    return {
        "user_id": user,
        "question_type": "text",
        "question_text": question,
        "text": text,
        "sample_type": sample,
    }


def rated(user="g1", *, level=1, choice=None, question=RATED, levels=LEVELS, **changes):
    return {
        "user_id": user,
        "question_type": "multiple choice + text",
        "question_text": question,
        "json_choices": levels,
        "choice": choice if choice is not None else ["poorly", "well", "very well"][level],
        "choice_numeric": f"{level}.0",
        "text": " Because. ",
        "sample_type": "generation",
    } | changes


@pytest.fixture
def read(tmp_path):
    def _read(*rows):
        path = tmp_path / "cats.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
        return read_survey(path)

    return _read


def test_answers_and_ratings(read):
    survey = read(
        {
            "user_id": "g1",
            "question_type": "reading",
            "question_text": "Welcome",
            "sample_type": "generation",
        },
        free(),
        rated(),
        free("g2", text="  "),
        rated("v1", level=2, sample_type="validation", text=""),
    )
    assert survey.id == "cats"
    assert survey.questions == ("Summarize your view & reasons.\n(Two sentences.)",)
    assert survey.asked == "How well?"
    assert survey.levels == ("poorly", "well", "very well")
    assert survey.n_blank == 1
    assert [answer.model_dump() for answer in survey.answers] == [
        {"user": "g1", "sample": "generation", "question": survey.questions[0], "text": "I like cats."}
    ]
    assert [rating.model_dump() for rating in survey.ratings] == [
        {
            "user": "g1",
            "sample": "generation",
            "statement": "Cats “rule”.",
            "level": 1,
            "n_levels": 3,
            "reason": "Because.",
        },
        {
            "user": "v1",
            "sample": "validation",
            "statement": "Cats “rule”.",
            "level": 2,
            "n_levels": 3,
            "reason": "",
        },
    ]
    assert "Licence: none stated" in survey.source


def test_plain_text_and_levels_in_json(read):
    question = (
        'Rating\nConsider the following statement:\n\n"Dogs, for example: good."\n\nTo what extent?\nExplain.'
    )
    survey = read(rated(question=question, levels='["poorly", "well", "very well"]'))
    assert survey.ratings[0].statement == "Dogs, for example: good."
    assert survey.asked == "To what extent?\nExplain."


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([free()], "holds no rating"),
        ([free(question="<p>Heading only</p>"), rated()], "column question_text: a heading"),
        (
            [rated(question="Heading\nNo statement here.")],
            "column question_text: no statement in quotation marks",
        ),
        ([rated(question="Heading\nStatement: “Nothing asked.”")], "column question_text: no statement"),
        ([rated(user="")], "column user_id: is blank"),
        ([rated(sample_type=" ")], "column sample_type: is blank"),
        ([rated(question_type="slider")], "column question_type: one of 'reading'"),
        ([rated(levels="poorly")], "column json_choices: a list"),
        ([rated(levels="['one']", choice="one", level=0)], "column json_choices: a list"),
        ([rated(levels="['well', 'well']")], "column json_choices: a list"),
        ([rated(choice="so-so")], "column choice: one of poorly, well, very well is needed, not 'so-so'"),
        ([rated(choice_numeric="2")], "column choice_numeric: 'well' is level 1, not '2'"),
        ([rated(choice_numeric="")], "column choice_numeric"),
        (
            [rated(), rated("g2", levels="['well', 'poorly']", level=0, choice="well")],
            "above they were poorly",
        ),
        ([rated(), rated("g2", question=RATED.replace("How well?", "How?"))], "it is asked 'How.'"),
        ([rated(), rated(level=2)], "'g1' rated this statement before"),
    ],
)
def test_a_malformed_row_is_named(read, rows, words):
    with pytest.raises(DataError, match=words) as caught:
        read(*rows)
    assert "cats.csv" in str(caught.value)
    assert ", line " in str(caught.value) or "holds no rating" in str(caught.value)


def test_the_line_is_that_of_the_file(read):
    # The header, a reading page over two lines, and a rating over three.
    page = {"user_id": "g1", "question_type": "reading", "question_text": "a\nb", "sample_type": "x"}
    question = "Heading\nStatement: “Yes.”\nHow well?"
    with pytest.raises(DataError, match=r"cats.csv, line 6, column choice:"):
        read(page, rated(question=question, choice="?"))


def test_the_matrix_of_a_sample(read):
    other = RATED.replace("Cats", "Dogs")
    survey = read(
        rated("b", level=2),
        rated("a", question=other, level=0),
        rated("v", sample_type="validation"),
        rated("a"),
    )
    found = rating_matrix(survey, sample="generation")
    assert found.people == ("b", "a")
    assert found.statements == ("Cats “rule”.", "Dogs “rule”.")
    np.testing.assert_array_equal(found.levels, [[2, np.nan], [1, 0]])
    assert rating_matrix(survey, sample="pilot").levels.shape == (0, 0)


@pytest.mark.parametrize(
    ("name", "n_answers", "n_blank", "n_levels", "ratings", "statements"),
    [
        (
            "abortion_survey",
            500,
            0,
            7,
            {"generation": 500, "validation": 1000},
            {"generation": 5, "validation": 10},
        ),
        (
            "chatbot_personalization_survey",
            799,
            1,
            5,
            {"generation": 600, "validation": 500},
            {"generation": 6, "validation": 5},
        ),
    ],
)
def test_the_published_surveys(shared_data, name, n_answers, n_blank, n_levels, ratings, statements):
    survey = read_survey(shared_data / "generative_social_choice" / f"{name}.csv")
    assert (len(survey.answers), survey.n_blank) == (n_answers, n_blank)
    assert Counter(rating.sample for rating in survey.ratings) == ratings
    for sample, number in statements.items():
        rated_here = [rating for rating in survey.ratings if rating.sample == sample]
        assert len({rating.user for rating in rated_here}) == 100
        assert len({rating.statement for rating in rated_here}) == number
        assert {rating.level for rating in rated_here} == set(range(n_levels))
    assert {rating.n_levels for rating in survey.ratings} == {n_levels}
    assert {answer.sample for answer in survey.answers} == {"generation"}
    assert not any("<" in question for question in survey.questions)
