import json

import numpy as np
import pytest

from pluralign.data.modular_pluralism import load_modular_pluralism
from pluralign.errors import DataError
from pluralign.metrics.distances import js_distance_nats, total_variation
from pluralign.records import Severity

OPINIONQA = "steerable_test_opinionqa_small.json"
GLOBALOPINIONQA = "distributional_test_globalopinionqa_small.json"
MORALCHOICE = "distributional_test_moralchoice.json"


def row(attribute, gold, *, text="Is it?", options=("Yes", "No", "DK/Refused"), **other):
    listed = " ".join(f"{letter}. {option}" for letter, option in zip("ABCDE", options, strict=False))
    return {
        "question": f"Question: {text}\nOptions: {listed}\nAnswer:",
        "options": list(options),
        "attribute": attribute,
        "gold_distribution": gold,
        "pred_distribution": None,
        "id": 7,
        **other,
    }


def scenario(label, gold):
    return {
        "question": "Below is a scenario, please select.\nScenario: You drive.\nA. I stop.\nB. I go on.\nAnswer:",
        "options": ["I stop.", "I go on."],
        "attribute": label,
        "gold_distribution": gold,
        "pred_distribution": None,
        "id": "C_001",
    }


@pytest.fixture
def load(tmp_path):
    path = tmp_path / "rows.json"

    def load_rows(*rows, **arguments):
        path.write_text(json.dumps(rows))
        return load_modular_pluralism(path=path, **arguments)

    return load_rows


def test_rows_of_one_question_are_its_groups(load):
    loaded = load(
        row("Japan", [0.5, 0.3, 0.2]),
        row("Kenya", [0.1, 0.9], text="Or not?", options=("Yes", "No")),
        row("India (Non-national sample)", [0.2, 0.3, 0.5]),
    )
    first, second = loaded.questions.questions
    assert first.text == "Is it?"
    assert first.option_texts == ("Yes", "No", "DK/Refused")
    assert [option.refusal for option in first.options] == [False, False, True]
    assert first.shares == {
        "country=Japan": (0.5, 0.3, 0.2),
        "country=India (Non-national sample)": (0.2, 0.3, 0.5),
    }
    assert second.shares == {"country=Kenya": (0.1, 0.9)}
    assert [group.text for group in loaded.questions.groups] == [
        "live in Japan",
        "live in Kenya",
        "live in India",
    ]
    assert loaded.findings == ()


def test_spaces_around_options_do_not_count(load):
    [question] = load(row("Japan", [0.1, 0.9], options=("Yes ", "No"))).questions.questions
    assert question.option_texts == ("Yes", "No")


def test_groups_of_opinionqa(load):
    loaded = load(row("RELIG_Atheist", [0.5, 0.3, 0.2]), row("INCOME_Less than $30,000", [0.2, 0.3, 0.5]))
    assert [(group.id, group.text) for group in loaded.questions.groups] == [
        ("RELIG=Atheist", "are atheists"),
        ("INCOME=Less than $30,000", "have a family income of less than $30,000 a year"),
    ]


def test_the_golds_of_moralchoice_are_truths_and_no_peoples(load):
    loaded = load(scenario("low_ambiguity", [1, 0]))
    [question] = loaded.questions.questions
    assert question.text == "Below is a scenario, please select.\nScenario: You drive."
    assert question.option_texts == ("I stop.", "I go on.")
    assert (question.truth, question.shares, loaded.questions.groups) == ((1, 0), {}, ())
    assert question.id.startswith("low_ambiguity/")


def test_ids_depend_on_text_and_options_alone(load):
    first = load(row("Japan", [0.5, 0.3, 0.2]), row("Japan", [0.1, 0.9], options=("Yes", "No")))
    second = load(row("Kenya", [0.1, 0.9], options=("Yes", "No")), row("Kenya", [0.2, 0.3, 0.5]))
    ids = [question.id for question in first.questions.questions]
    assert ids == [question.id for question in reversed(second.questions.questions)]
    assert len(set(ids)) == 2


def test_a_group_that_is_asked_again_makes_a_second_question(load):
    golds = [[0.5, 0.3, 0.2], [0.4, 0.4, 0.2], [0.3, 0.5, 0.2]]
    loaded = load(*(row("Japan", gold) for gold in golds), row("Kenya", [0.2, 0.3, 0.5]))
    first, second, third = loaded.questions.questions
    assert list(first.shares) == ["country=Japan", "country=Kenya"]
    assert (second.id, third.id) == (f"{first.id}#2", f"{first.id}#3")
    assert third.shares == {"country=Japan": (0.3, 0.5, 0.2)}


def test_questions_that_cannot_be_asked_are_kept(load):
    loaded = load(
        row("SEX_Male", [1], options=("Not selected",)),
        row("SEX_Male", [0.2, 0.3, 0.5], options=("Ye", "requently", "Ye")),
    )
    assert [question.unaskable is None for question in loaded.questions.questions] == [False, False]


@pytest.mark.parametrize(
    ("changes", "fault", "detail"),
    [
        ({"gold_distribution": [0.5, 0.5]}, "wrong_length", "2 shares for 3 options"),
        (
            {"gold_distribution": [0.5, 0.3, 0.3]},
            "not_normalised",
            "gold_distribution: the shares sum to 1.1",
        ),
        ({"gold_distribution": [0.5, 0.5, None]}, "not_numbers", "shares are numbers"),
        ({"gold_distribution": None}, "not_numbers", "a list of 3 shares is needed, not None"),
        (
            {"options": ["Yes", "No", "Never"]},
            "options_mismatch",
            "the prompt lists 'A. Yes B. No C. DK/Refused'",
        ),
        ({"question": "Is it?"}, "unreadable", "not a prompt with options and 'Answer:': 'Is it?'"),
        ({"question": "Question: \nOptions: A. Yes\nAnswer:"}, "unreadable", "not a prompt with options"),
    ],
)
def test_unusable_rows(load, changes, fault, detail):
    good, bad = row("Japan", [0.5, 0.3, 0.2]), row("Kenya", [0.5, 0.3, 0.2])
    loaded = load(good, {**bad, **changes})
    assert loaded.questions.groups[0].id == "country=Japan"
    assert len(loaded.questions.groups) == 1
    [finding] = loaded.findings
    assert (finding.fault, finding.severity) == (fault, Severity.UNUSABLE)
    assert finding.where.endswith("rows.json, row 2")
    assert detail in finding.detail


@pytest.mark.parametrize(
    ("rows", "arguments", "message"),
    [
        ([], {}, "rows.json: holds no list of rows."),
        (
            [{"situation": "Helping"}],
            {},
            "rows.json, row 1: not a row of Modular Pluralism: question: Field required",
        ),
        (
            [row("RELIG_Atheist", [0.5, 0.3, 0.2]), row("RELIG_Stoic", [0.5, 0.3, 0.2])],
            {},
            "rows.json, row 2: attribute 'RELIG_Stoic' is unknown in opinionqa. It would be: CREGION_Northeast, ",
        ),
        (
            [row("Japan", [0.5, 0.3, 0.2]), row("SEX_Male", [0.5, 0.3, 0.2])],
            {},
            "row 2: attribute 'SEX_Male' is unknown in globalopinionqa. It would be: a country.",
        ),
        (
            [row("Japan", [0.5, 0.3, 0.2])],
            {"kind": "moralchoice"},
            "row 1: attribute 'Japan' is unknown in moralchoice. It would be: low_ambiguity, high_ambiguity.",
        ),
        (
            [row("Japan", [0.5, 0.5])],
            {},
            "rows.json: holds no usable row. The first fault: ",
        ),
    ],
)
def test_files_that_cannot_be_read(load, rows, arguments, message):
    with pytest.raises(DataError) as error:
        load(*rows, **arguments)
    assert message in str(error.value)


@pytest.fixture(scope="module")
def published(shared_data):
    return {
        name: load_modular_pluralism(path=shared_data / "modular_pluralism" / name)
        for name in (OPINIONQA, GLOBALOPINIONQA, MORALCHOICE)
    }


def cells(loaded):
    """Question, group and target of every cell; a truth is a cell without group."""
    for question in loaded.questions.questions:
        if question.truth is not None:
            yield question, None, np.array(question.truth)
        for group in question.groups:
            yield question, group, np.array(question.target(group))


@pytest.mark.parametrize(
    ("name", "n_cells", "n_texts", "n_questions", "n_groups"),
    [
        (GLOBALOPINIONQA, 5752, 1270, 1270, 130),
        (MORALCHOICE, 1367, 1367, 1367, 0),
        (OPINIONQA, 4475, 1011, 1013, 22),
    ],
)
def test_every_row_is_a_cell(published, name, n_cells, n_texts, n_questions, n_groups):
    loaded = published[name]
    assert loaded.findings == ()
    assert len(list(cells(loaded))) == n_cells
    assert len(loaded.questions.questions) == n_questions
    assert len({(question.text, question.option_texts) for question in loaded.questions.questions}) == n_texts
    assert sum(question.id.endswith("#2") for question in loaded.questions.questions) == n_questions - n_texts
    assert len(loaded.questions.groups) == n_groups


def test_no_prompt_is_left_in_a_text(published):
    for loaded in published.values():
        for question in loaded.questions.questions:
            assert not question.text.startswith("Question:")
            assert "Answer:" not in question.text
            assert f"A. {question.option_texts[0]}" not in question.text


def test_every_group_is_in_words(published):
    for loaded in published.values():
        for group in loaded.questions.groups:
            assert group.text.split()[0] in {"are", "did", "describe", "have", "identify", "live"}
            assert "_" not in group.text
            assert "sample" not in group.text


# Trivial baselines on the published files: JS distance in nats and total variation.
@pytest.mark.parametrize(
    ("name", "js_uniform", "tv_uniform", "js_first", "tv_first"),
    [
        (MORALCHOICE, 0.2334, 0.2513, 0.2311, 0.2487),
        (GLOBALOPINIONQA, 0.2905, 0.3429, 0.5396, 0.6163),
        (OPINIONQA, 0.2491, 0.2941, 0.5625, 0.6538),
    ],
)
def test_trivial_baselines(published, name, js_uniform, tv_uniform, js_first, tv_first):
    targets = [target for _, _, target in cells(published[name])]

    def mean(distance, prediction):
        return np.mean([distance(prediction(len(target)), target) for target in targets])

    def uniform(n):
        return np.full(n, 1 / n)

    def first(n):
        return np.eye(n)[0]

    assert mean(js_distance_nats, uniform) == pytest.approx(js_uniform, abs=5e-5)
    assert mean(total_variation, uniform) == pytest.approx(tv_uniform, abs=5e-5)
    assert mean(js_distance_nats, first) == pytest.approx(js_first, abs=5e-5)
    assert mean(total_variation, first) == pytest.approx(tv_first, abs=5e-5)
