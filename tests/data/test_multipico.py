import json
import re
import time
from collections import Counter
from statistics import median

import pytest

from pluralign.data.lint import lint
from pluralign.data.multipico import load_multipico
from pluralign.errors import ConfigurationError, DataError

# As published: ids of items are numbers, an unknown age is NaN, and facts that were withdrawn have expired.
PEOPLE = {
    "0": {"Age": 34.0, "Gender": "Female", "Nationality": "India", "Country of residence": "United Kingdom"},
    "1": {
        "Age": float("nan"),
        "Gender": "Male",
        "Nationality": "DATA_EXPIRED",
        "Country of residence": "Spain",
    },
    "2": {
        "Age": 61.0,
        "Gender": "Prefer not to say",
        "Nationality": "Spain",
        "Country of residence": "Spain",
    },
    "10": {
        "Age": float("nan"),
        "Gender": "DATA_EXPIRED",
        "Nationality": "DATA_EXPIRED",
        "Country of residence": "DATA_EXPIRED",
    },
    "11": {
        "Age": 44.0,
        "Gender": "Male",
        "Nationality": "Netherlands",
        "Country of residence": "Netherlands",
    },
}


def item(lang="en", variety="in", *, post="Rain again.", reply=" Lovely weather! ", **annotations):
    return {
        "annotation task": "irony detection",
        "text": {"post": post, "reply": reply},
        "annotators": ",".join(annotations),
        "number of annotations": len(annotations),
        "annotations": annotations,
        "soft_label": {},
        "split": "dev",
        "lang": lang,
        "other_info": {"source": "reddit", "level": 1.0, "language_variety": variety},
    }


DEV = {
    "2": item(Ann0="1", Ann1="0", Ann10="1"),
    "5": item(post="Hi.", reply="Hello.", Ann0="0"),
    "7": item("es", "mx", post="Hola.", reply="Genial.", Ann2="1", Ann10="0"),
}
TEST = {"3": item("en", "us", post="Bye.", reply="No!", Ann0="0", Ann11="0")}


@pytest.fixture
def write(tmp_path):
    def _write(*, people=PEOPLE, **splits):
        for name, items in (splits or {"dev": DEV, "test": TEST}).items():
            (tmp_path / f"MP_{name}.json").write_text(json.dumps(items), encoding="utf-8")
        (tmp_path / "MP_annotators_meta.json").write_text(json.dumps(people), encoding="utf-8")
        return tmp_path

    return _write


def group_ids(loaded):
    return [group.id.removeprefix("annotator=") for group in loaded.questions.groups]


def question_ids(loaded):
    return [question.id for question in loaded.questions.questions]


def test_a_reply_is_a_question_and_a_rater_a_group_of_one(write):
    loaded = load_multipico(path=write())
    first = loaded.questions.questions[0]
    assert first.text == "Post: Rain again.\n\nReply: Lovely weather!\n\nIs the reply ironic?"
    assert first.option_texts == ("Ironic", "Not ironic")
    assert first.counts == {"annotator=Ann0": (1, 0), "annotator=Ann1": (0, 1), "annotator=Ann10": (1, 0)}
    assert first.topic == "en"
    assert question_ids(loaded) == ["2", "5", "7", "3"]
    assert group_ids(loaded) == ["Ann0", "Ann1", "Ann2", "Ann10", "Ann11"]
    assert loaded.findings == ()
    assert loaded.questions.id == "multipico"
    assert "none stated" in loaded.questions.source


def test_people_in_words_and_by_the_groups_they_belong_to(write):
    groups = load_multipico(path=write()).questions.groups
    assert [(group.text, group.member_of) for group in groups] == [
        (
            "are women of 34, come from India and live in the United Kingdom",
            ("gender=Female", "age=30-44", "country=India"),
        ),
        ("are men and live in Spain", ("gender=Male", "country=Spain")),
        ("are 61 years old and come from Spain", ("age=60 and over", "country=Spain")),
        (None, ()),
        ("are men of 44 and come from the Netherlands", ("gender=Male", "age=30-44", "country=Netherlands")),
    ]


def test_a_rater_of_whom_no_facts_are_there(write):
    groups = load_multipico(path=write(people={"0": PEOPLE["0"]}), split="test").questions.groups
    assert [(group.id, group.text) for group in groups][1] == ("annotator=Ann11", None)


def test_a_split_and_languages(write):
    folder = write()
    test = load_multipico(path=folder, split="test")
    assert (question_ids(test), group_ids(test), test.questions.id) == (
        ["3"],
        ["Ann0", "Ann11"],
        "multipico-test",
    )
    assert question_ids(load_multipico(path=folder, languages=["en"])) == ["2", "5", "3"]
    assert question_ids(load_multipico(path=folder, languages=["es-mx", "en-us"])) == ["7", "3"]
    with pytest.raises(ConfigurationError, match="Unknown MultiPICo language 'sp'"):
        load_multipico(path=folder, languages=["sp"])


def test_raters_with_few_ratings_are_left_out_and_counted(write):
    folder = write()
    loaded = load_multipico(path=folder, min_ratings=2)
    # Ann0 rated three, Ann10 two; the item of Ann11 keeps its other rating.
    assert group_ids(loaded) == ["Ann0", "Ann10"]
    assert loaded.questions.questions[-1].counts == {"annotator=Ann0": (0, 1)}
    [finding] = loaded.findings
    assert (finding.fault, finding.severity.value, finding.n_items) == ("few_answers", "note", 3)
    assert finding.detail == "3 people gave fewer than 2 answers"
    # Of the English items alone Ann10 rated one.
    assert group_ids(load_multipico(path=folder, min_ratings=2, languages=["en"])) == ["Ann0"]
    with pytest.raises(DataError, match="nobody rated 4 of these items; the most is 3"):
        load_multipico(path=folder, min_ratings=4)


def test_some_of_the_raters_are_drawn_with_the_seed(write):
    folder = write()
    draws = {seed: group_ids(load_multipico(path=folder, annotators=2, seed=seed)) for seed in range(8)}
    assert all(len(drawn) == 2 for drawn in draws.values())
    assert len({tuple(drawn) for drawn in draws.values()}) > 1
    for seed, drawn in draws.items():
        more = load_multipico(path=folder, annotators=3, seed=seed)
        assert set(drawn) < set(group_ids(more))
        assert {group for each in more.questions.questions for group in each.groups} == {
            f"annotator={rater}" for rater in group_ids(more)
        }
    assert len(group_ids(load_multipico(path=folder, annotators=99))) == 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"min_ratings": 0}, "min_ratings must be at least 1, not 0"),
        ({"annotators": 0}, "annotators must be at least 1, not 0"),
        ({"languages": "en"}, r"Give a list of MultiPICo language names, not the text 'en': \['en'\]"),
    ],
)
def test_arguments_that_cannot_be(write, arguments, message):
    with pytest.raises(ConfigurationError, match=message):
        load_multipico(path=write(), **arguments)


def test_items_that_cannot_be_read_are_left_out(write):
    broken = {"8": item(Ann0="2"), "9": {"text": "Hi"}}
    loaded = load_multipico(path=write(dev=DEV | broken, test=TEST | {"5": DEV["5"]}))
    assert question_ids(loaded) == ["2", "5", "7", "3"]
    assert [(found.fault, found.question_id) for found in loaded.findings] == [
        ("malformed", "8"),
        ("malformed", "9"),
        ("duplicate_id", "5"),
    ]
    assert "annotations.Ann0: Input should be '0' or '1'" in loaded.findings[0].detail
    with pytest.raises(DataError, match=r"holds no usable question. The first fault: .*MP_dev.json, 8: "):
        load_multipico(path=write(dev=broken), split="dev")


def test_files_that_are_missing_or_of_another_form(write, tmp_path):
    with pytest.raises(DataError, match=r"no MultiPICo; it needs MP_dev\.json or MP_test\.json"):
        load_multipico(path=tmp_path)
    folder = write(dev=DEV)
    with pytest.raises(DataError, match=r"MP_test\.json: cannot be read"):
        load_multipico(path=folder, split="test")
    (folder / "MP_annotators_meta.json").write_text('{"0": 5}')
    with pytest.raises(DataError, match=r"MP_annotators_meta\.json: not an object of facts by person: 0: "):
        load_multipico(path=folder)
    (folder / "MP_annotators_meta.json").unlink()
    with pytest.raises(DataError, match=r"MP_annotators_meta\.json: cannot be read"):
        load_multipico(path=folder)


def test_lint_takes_people_for_people(write):
    assert lint(load_multipico(path=write()).questions) == ()


@pytest.mark.parametrize(
    ("split", "n_items", "n_ratings", "middle"), [("dev", 3005, 15178, 30), ("test", 3756, 18693, 37)]
)
def test_the_published_files(shared_data, split, n_items, n_ratings, middle):
    questions = load_multipico(path=shared_data / "multipico", split=split).questions
    per_person = Counter(group for question in questions.questions for group in question.groups)
    assert len(questions.questions) == n_items
    assert len(questions.groups) == len(per_person) == 506
    assert median(per_person.values()) == middle
    assert per_person.total() == n_ratings


def test_all_published_ratings_in_seconds(shared_data):
    started = time.perf_counter()
    loaded = load_multipico(path=shared_data / "multipico")
    faults = Counter(finding.fault for finding in lint(loaded.questions))
    # 0.7 s here on one core; minutes where anything were quadratic in the people.
    assert time.perf_counter() - started < 20
    assert (len(loaded.questions.questions), loaded.findings) == (6761, ())
    languages = {"ar", "de", "en", "es", "fr", "hi", "it", "nl", "pt"}
    assert {question.topic for question in loaded.questions.questions} == languages
    # Two pairs of items with the same words, of which four people rated both; and one finding on base rates.
    assert faults == {"duplicates": 4, "gold_position": 1}


def test_the_code_for_ironic(shared_data):
    """Where a reply marks its own irony with "/s", most raters give the option that the code 1 stands for."""
    questions = load_multipico(path=shared_data / "multipico").questions.questions
    marked = [question for question in questions if re.search(r"\nReply:.*\s/s\b", question.text, re.DOTALL)]
    ironic, plain = map(
        sum, zip(*(counts for each in marked for counts in each.counts.values()), strict=True)
    )
    assert len(marked) >= 5
    assert ironic > 2 * plain
