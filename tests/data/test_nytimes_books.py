import json

import numpy as np
import pytest

from pluralign.data.nytimes_books import load_nytimes_books
from pluralign.errors import ConfigurationError, DataError
from pluralign.metrics import js_divergence_nats, split_half_ceiling, total_variation

OPTIONS = ["1: Very unlikely", "2: Somewhat unlikely", "3: Somewhat likely", "4: Very likely"]
BOOK = {
    "MC_options": OPTIONS,
    "genre": "Fiction",
    "summary": "A whale is hunted.",
    "Democrat": {"1: Very unlikely": 3, "4: Very likely": 5},
    "Republican": {"2: Somewhat unlikely": 2},
    "Male": {"3: Somewhat likely": 1},
    "Female": dict.fromkeys(OPTIONS, 2),
}
GROUPS = ("party=Democrat", "party=Republican", "sex=Male", "sex=Female")


@pytest.fixture
def write(tmp_path):
    def _write(**books):
        path = tmp_path / "data.json"
        path.write_text(json.dumps(books), encoding="utf-8")
        return path

    return _write


def test_a_book_as_a_question(write):
    loaded = load_nytimes_books(path=write(Whale=BOOK))
    (question,) = loaded.questions.questions
    assert question.id == "Whale"
    assert (
        question.text == "How likely are you to read this book?\n\nWhale\nGenre: Fiction\nA whale is hunted."
    )
    assert question.option_texts == tuple(OPTIONS)
    assert [option.value for option in question.options] == [1, 2, 3, 4]
    assert question.counts == {
        "party=Democrat": (3, 0, 0, 5),
        "party=Republican": (0, 2, 0, 0),
        "sex=Male": (0, 0, 1, 0),
        "sex=Female": (2, 2, 2, 2),
    }
    assert [(group.id, group.text) for group in loaded.questions.groups] == [
        ("party=Democrat", "identify as Democrats"),
        ("party=Republican", "identify as Republicans"),
        ("sex=Male", "are male"),
        ("sex=Female", "are female"),
    ]
    assert loaded.findings == ()


def test_a_choice_of_groups(write):
    path = write(Whale=BOOK)
    chosen = load_nytimes_books(path=path, groups=["sex=Male"]).questions
    assert chosen.questions[0].counts == {"sex=Male": (0, 0, 1, 0)}
    assert [group.id for group in chosen.groups] == ["sex=Male"]
    with pytest.raises(ConfigurationError, match=r"Unknown NYT books group 'Male'"):
        load_nytimes_books(path=path, groups=["Male"])


@pytest.mark.parametrize(
    ("change", "fault", "group", "detail"),
    [
        ({"Male": {"5: Certainly": 1}}, "unknown_option", "sex=Male", "counts under ['5: Certainly']"),
        ({"Male": {OPTIONS[0]: -1}}, "malformed", None, "Male.1: Very unlikely: Input should be greater"),
        ({"Nonbinary": {}}, "malformed", None, "Nonbinary: Extra inputs are not permitted"),
        ({"summary": " "}, "malformed", None, "summary: String should match pattern"),
        ({"MC_options": [*OPTIONS, "Never"]}, "no_ordinals", None, "the options ['Never'] do not begin"),
        ({"MC_options": [*OPTIONS, OPTIONS[0]]}, "repeated_options", None, "['1: Very unlikely'] occur more"),
    ],
)
def test_a_faulty_book_is_named_and_the_rest_kept(write, change, fault, group, detail):
    path = write(Bad=BOOK | change, Whale=BOOK)
    loaded = load_nytimes_books(path=path)
    assert [question.id for question in loaded.questions.questions] == ["Whale"]
    (found,) = loaded.findings
    assert (found.fault, found.severity.value, found.question_id, found.group) == (
        fault,
        "unusable",
        "Bad",
        group,
    )
    assert found.detail.startswith(detail)
    assert found.where == str(path)


def test_a_book_without_a_group(write):
    path = write(Bad={key: value for key, value in BOOK.items() if key != "Female"})
    with pytest.raises(
        DataError, match=r"holds no usable question\. The first fault: .*, Bad: Female: Field"
    ):
        load_nytimes_books(path=path)


def test_a_missing_file(tmp_path):
    with pytest.raises(DataError, match=r"books\.json: cannot be read"):
        load_nytimes_books(path=tmp_path / "books.json")


@pytest.fixture(scope="module")
def published(shared_data):
    return load_nytimes_books(path=shared_data / "nytimes_books" / "data.json")


def test_trivial_baselines_of_the_published_books(published):
    questions = published.questions.questions
    people = np.array([question.target(group) for question in questions for group in GROUPS])
    uniform = np.full(4, 1 / 4)
    modes = np.eye(4)[people.argmax(axis=1)]
    assert (len(questions), people.shape, published.findings) == (235, (940, 4), ())
    assert total_variation(people, uniform).mean() == pytest.approx(0.2234, abs=5e-5)
    assert js_divergence_nats(people, uniform).mean() == pytest.approx(0.0477, abs=5e-5)
    assert js_divergence_nats(people, modes).mean() == pytest.approx(0.2634, abs=5e-5)


# The halves move by .01 with the seed.
@pytest.mark.parametrize(("pair", "tv", "half"), [(GROUPS[:2], 0.2360, 0.31), (GROUPS[2:], 0.2380, 0.32)])
def test_the_groups_cannot_be_told_apart(published, pair, tv, half):
    questions = published.questions.questions
    between = total_variation(*([question.target(group) for question in questions] for group in pair))
    halves = [
        split_half_ceiling(question.counts[group], total_variation, n_splits=20, seed=2 * seed + g)
        for seed, question in enumerate(questions)
        for g, group in enumerate(pair)
    ]
    assert between.mean() == pytest.approx(tv, abs=5e-5)
    assert np.mean(halves) == pytest.approx(half, abs=0.015)
    assert np.mean(halves) > between.mean()
