"""T2 on scripted guards and small files: who is refused, group by group."""

from dataclasses import replace

import pytest

from pluralign.errors import DataError
from pluralign.guard.library import load_reviewed
from pluralign.guard.measuring.must_serve import fold_of, is_for_thresholds, measure, unused_statements
from pluralign.guard.verdict import Ruling

R, U, S = Ruling.REFUSE, Ruling.UNSURE, Ruling.SERVE
PERSONA = "persona statements (anthropics/evals)"
POLIS = "Polis comments (compdemocracy/openData)"
FIRST = "comment-id,moderated,comment-body\n"


def statement(group, text):
    return {
        "group": group,
        "statement": text,
        "label_confidence": 0.9,
        "answer_matching_behavior": "Yes",
    }


def unused(word, n):
    """The first so many texts that set no threshold."""
    texts = (f"I value {word} number {number}." for number in range(1000))
    return [text for text in texts if not is_for_thresholds(text)][:n]


TEA, MAPS = unused("tea", 10), unused("maps", 4)
USED = next(text for text in (f"Used {n}." for n in range(100)) if is_for_thresholds(text))
FILES = {
    "guard/must_serve_statements.jsonl": [
        *(statement("tea", text) for text in TEA),
        *(statement("maps", text) for text in MAPS),
        statement("maps", USED),
    ],
    "polis/north/comments.csv": FIRST + "1,1,Trees.\n2,-1,Taken out.\n3,0,Roads.\n4,1, \n",
    "polis/south/comments.csv": FIRST + "1,1,Boats.\n",
    "guard/constitutions.jsonl": [{"name": "a", "criteria": ["Prefer peace.", "Prefer order."]}],
}


@pytest.fixture(autouse=True)
def _few_profiles(monkeypatch, request):
    if "shared_data" not in request.fixturenames:
        names = ["buen-vivir", "taoism"]
        monkeypatch.setattr("pluralign.guard.measuring.must_serve.list_profiles", lambda: names)


def test_the_halves_are_by_the_hash():
    # sha256("a") ends in "bb" and sha256("b") in "9d", both odd; sha256("c") in "e6", even.
    assert [fold_of(text, 2) for text in "abc"] == [1, 1, 0]
    assert [is_for_thresholds(text) for text in "abc"] == [False, False, True]
    assert {fold_of(str(number), 10) for number in range(200)} == set(range(10))


def test_only_the_half_that_set_no_threshold_is_used(inputs_of):
    found = unused_statements(inputs_of("must-serve", FILES), "must_serve_statements")
    assert found == {"tea": TEA, "maps": MAPS}
    assert list(found) == ["maps", "tea"]


def test_each_group_alone_and_joined(guard_of, inputs_of, values):
    judging = guard_of({TEA[0]: R, TEA[1]: U, MAPS[0]: R})
    figures = measure(judging, inputs_of("must-serve", FILES), seed=0)
    persona = values(figures, source=PERSONA)
    assert persona["statements alone", "refused"] == pytest.approx(2 / 14)
    assert persona["statements alone, group=tea", "refused"] == 0.1
    assert persona["statements alone, group=tea", "unsure"] == 0.1
    assert persona["statements alone, group=maps", "refused"] == 0.25
    # Of 4 maps, 3 or 4 are drawn (a draw of more takes all): without the first one only where 3 are drawn, one time
    # in four of those: 1/16 of all.
    assert persona["3 to 6 joined, group=maps", "refused"] == pytest.approx(15 / 16, abs=0.08)
    # Of 10 teas, 3 to 6 hold a given one in 45 % on average.
    assert persona["3 to 6 joined, group=tea", "refused"] == pytest.approx(0.45, abs=0.15)
    n = {each.part: each.rate.n for each in figures if each.source == PERSONA}
    assert n["3 to 6 joined, group=tea"] == 100
    assert n["3 to 6 joined"] == 200


def test_draws_follow_from_the_seed(guard_of, inputs_of):
    judging = guard_of({TEA[0]: R})
    inputs = inputs_of("must-serve", FILES)
    assert measure(judging, inputs, seed=1) == measure(judging, inputs, seed=1)
    assert measure(judging, inputs, seed=1) != measure(judging, inputs, seed=2)


def test_comments_constitutions_and_unpopular_convictions(guard_of, inputs_of, values):
    figures = measure(guard_of({"Roads.": R, "Prefer order.": U}), inputs_of("must-serve", FILES), seed=0)
    polis = values(figures, source=POLIS)
    assert polis["comments, conversation=north", "refused"] == 0.5
    assert polis["comments, conversation=south", "served"] == 1.0
    assert polis["comments", "refused"] == pytest.approx(1 / 3)
    assert values(figures)["whole profiles", "unsure"] == 1.0
    assert values(figures)["unpopular convictions", "served"] == 1.0
    assert values(figures)["3 to 6 unpopular convictions joined", "served"] == 1.0


def test_the_library_with_and_without_its_list(guard_of, inputs_of, values):
    inputs = inputs_of("must-serve")
    served = values(measure(guard_of(), inputs, seed=0), source="shipped profiles")
    assert served["as admitted", "served"] == 1.0
    refused = values(measure(guard_of(default=R), inputs, seed=0), source="shipped profiles")
    assert refused["as admitted", "refused"] == refused["without the list of reviewed ones", "refused"] == 1.0


def test_the_list_of_reviewed_profiles_counts_where_profiles_are_admitted(guard_of, inputs_of, values):
    judging = replace(guard_of(default=U), reviewed=load_reviewed())
    figures = values(measure(judging, inputs_of("must-serve"), seed=0), source="shipped profiles")
    assert figures["as admitted", "served"] == 1.0
    assert figures["without the list of reviewed ones", "unsure"] == 1.0


def test_what_is_missing_is_named_and_the_rest_measured(guard_of, inputs_of):
    inputs = inputs_of("must-serve", {})
    figures = measure(guard_of(), inputs, seed=0)
    assert {each.source for each in figures} == {"shipped profiles", "project, held-out half, English"}
    assert len(inputs.skipped) == 3
    assert all("is not in" in why for why in inputs.skipped.values())


@pytest.mark.parametrize(
    ("path", "content", "message"),
    [
        ("guard/must_serve_statements.jsonl", '{"group": "a"}\n', "line 1.*statement"),
        ("polis/north/comments.csv", "comment-id,text\n", "'moderated' is missing"),
        ("guard/constitutions.jsonl", '{"name": "a", "criteria": [""]}\n', "criteria"),
    ],
)
def test_files_that_are_wrong(guard_of, inputs_of, path, content, message):
    with pytest.raises(DataError, match=message):
        measure(guard_of(), inputs_of("must-serve", FILES | {path: content}), seed=0)


@pytest.mark.slow
def test_the_published_sets(shared_data, guard_of, inputs_of):
    inputs = inputs_of("must-serve")
    figures = measure(guard_of(), type(inputs)(inputs.spec, data=shared_data), seed=0)
    n = {each.part: each.rate.n for each in figures if each.name == "refused"}
    assert sum(part.startswith("statements alone, group=") for part in n) == 23
    assert sum(part.startswith("comments, conversation=") for part in n) == 8
    assert (n["statements alone"], n["3 to 6 joined"], n["whole profiles"]) == (3419, 2300, 39)
    assert all(each.met for each in inputs.spec.with_targets(figures) if each.name == "refused")
