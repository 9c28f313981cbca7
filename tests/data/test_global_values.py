import json

import pytest

from pluralign.data.global_values import load_global_values
from pluralign.errors import DataError
from pluralign.records import Severity


def entry(options="['Good', 'Bad', \"Don't know\"]", **shares):
    return {**shares, "MC_options": options, "countries": list(shares)}


GOOD = entry(Japan=[0.5, 0.3, 0.2], Kenya=[0.1, 0.2, 0.7])


@pytest.fixture
def load(tmp_path):
    path = tmp_path / "data.json"

    def load_content(content):
        path.write_text(json.dumps(content))
        return load_global_values(path=path)

    return load_content


def test_questions_with_the_shares_of_countries(load):
    loaded = load({" Is it? ": GOOD})
    [question] = loaded.questions.questions
    assert (question.id, question.text) == ("global_values-1", "Is it?")
    assert question.option_texts == ("Good", "Bad", "Don't know")
    assert [option.refusal for option in question.options] == [False, False, True]
    assert question.shares == {"country=Japan": (0.5, 0.3, 0.2), "country=Kenya": (0.1, 0.2, 0.7)}
    assert [group.text for group in loaded.questions.groups] == ["live in Japan", "live in Kenya"]
    assert loaded.findings == ()


def test_rounded_shares_are_divided_by_their_sum_and_noted(load):
    loaded = load({"Is it?": entry(Japan=[0.5, 0.3, 0.201], Kenya=[0.1, 0.2, 0.7])})
    assert sum(loaded.questions.questions[0].shares["country=Japan"]) == pytest.approx(1, abs=1e-12)
    [finding] = loaded.findings
    assert (finding.fault, finding.severity, finding.n_items) == ("rounded_shares", Severity.NOTE, 1)


@pytest.mark.parametrize(
    ("shares", "fault"),
    [([0.5, 0.5], "wrong_length"), ([0.5, 0.5, 0.5], "not_normalised"), ([0.5, 0.6, -0.1], "not_numbers")],
)
def test_a_country_without_a_distribution_is_left_out(load, shares, fault):
    loaded = load({"Is it?": entry(Japan=[0.5, 0.3, 0.2], Kenya=shares)})
    assert [group.id for group in loaded.questions.groups] == ["country=Japan"]
    [finding] = loaded.findings
    assert (finding.fault, finding.severity) == (fault, Severity.UNUSABLE)
    assert (finding.question_id, finding.group) == ("global_values-1", "country=Kenya")
    assert finding.where.endswith("data.json, question 1")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "holds list, a mapping from question to shares is needed."),
        ({}, "holds no usable question."),
        ({" ": GOOD}, "question 1: has no words."),
        ({"Is it?": entry("__import__('os')", Japan=[1])}, "question 1: MC_options: no list or mapping: "),
        ({"Is it?": entry("['Good'", Japan=[1])}, "question 1: MC_options: no list or mapping: "),
        (
            {"Is it?": entry("[1, 2]", Japan=[0.5, 0.5])},
            "question 1: MC_options.0: Input should be a valid string",
        ),
        ({"Is it?": {"MC_options": "['Good']"}}, "question 1: countries: Field required"),
        (
            {"Is it?": GOOD | {"countries": ["Japan"]}},
            "question 1: ['Kenya'] either lack shares or do not stand",
        ),
        ({"Is it?": entry(Japan=[0.5, 0.5])}, "holds no usable question. The first fault: "),
    ],
)
def test_files_that_cannot_be_read(load, content, message):
    with pytest.raises(DataError) as error:
        load(content)
    assert message in str(error.value)


def test_the_published_file(shared_data):
    loaded = load_global_values(path=shared_data / "global_values" / "data.json")
    n_countries = [len(question.groups) for question in loaded.questions.questions]
    assert (len(n_countries), sum(n_countries), n_countries.count(4)) == (100, 302, 2)
    assert [(finding.fault, finding.n_items) for finding in loaded.findings] == [("rounded_shares", 38)]
    # Total variation of uniform answers; the published 0.4814 takes the shares before they are divided by their sum.
    distances = [
        sum(abs(share - 1 / len(question.options)) for share in question.target(group)) / 2
        for question in loaded.questions.questions
        for group in question.groups
    ]
    assert sum(distances) / len(distances) == pytest.approx(0.4814, abs=1e-4)
