import json

import pytest

from pluralign.data.steer_bench import load_steer_bench
from pluralign.errors import DataError
from pluralign.records import Severity

ITEM = "What to eat?  \nA. Bread  \nB.Rice\nC. Beans"


def topic(*, pair="keto_vegan", **items):
    return {
        "subreddit_pair": pair,
        "topic": 0,
        "closed_ended": {f"r/{side}": own for side, own in items.items()},
    }


@pytest.fixture
def load(tmp_path):
    path = tmp_path / "steer-bench.json"

    def load_topics(*topics):
        path.write_text(json.dumps(topics))
        return load_steer_bench(path=path)

    return load_topics


def test_an_item_has_the_keys_of_both_communities(load):
    loaded = load(topic(A=[{ITEM: "A"}], B=[{ITEM: "C"}]), topic(pair="linux_windows"))
    [question] = loaded.questions.questions
    assert question.id.startswith("keto_vegan/")
    assert question.topic == "keto_vegan"
    assert question.text == "What to eat?"
    assert question.option_texts == ("Bread", "Rice", "Beans")
    assert question.shares == {"community=r/keto": (1, 0, 0), "community=r/vegan": (0, 0, 1)}
    assert [group.text for group in loaded.questions.groups] == [
        "post in the Reddit community r/keto",
        "post in the Reddit community r/vegan",
    ]
    assert loaded.findings == ()


@pytest.mark.parametrize("key", ["A/B", "B.", "B. Rice", "D", "Not discussed", ""])
def test_a_key_that_is_not_one_letter_is_not_usable(load, key):
    loaded = load(topic(A=[{ITEM: key}], B=[{ITEM: "C"}]))
    assert loaded.questions.questions[0].groups == ("community=r/vegan",)
    [finding] = loaded.findings
    assert (finding.fault, finding.severity) == ("ambiguous_key", Severity.UNUSABLE)
    assert (finding.question_id, finding.group) == (loaded.questions.questions[0].id, "community=r/keto")
    assert finding.detail == f"the key is {key!r}, not one letter out of A, B, C"
    assert finding.where.endswith("steer-bench.json, topic 1")


@pytest.mark.parametrize(
    ("topics", "message"),
    [
        ([], "holds no usable item."),
        ([topic(A=[{ITEM: "A/B"}])], "holds no usable item. The first fault: "),
        ([{"subreddit_pair": "keto_vegan"}], "topic 1: closed_ended: Field required"),
        ([topic(pair="keto", A=[{ITEM: "A"}])], "topic 1: subreddit_pair: String should match pattern"),
        ([topic(C=[{ITEM: "A"}])], "topic 1: closed_ended.r/C.[key]: Input should be 'r/A' or 'r/B'"),
        ([topic(A=[{ITEM: "A", "Else?\nA. B\nB. C": "B"}])], "should have at most 1 item"),
        (
            [topic(A=[{"What to eat?": "A"}])],
            "topic 1: no question with options A, B, ... in lines of their own",
        ),
        ([topic(A=[{"What?\nA. Bread": "A"}])], "topic 1: no question with options"),
        ([topic(A=[{"What?\nA. Bread\nC. Rice": "A"}])], "topic 1: no question with options"),
        ([topic(A=[{"What?\nA. Bread\nB. ": "A"}])], "topic 1: no question with options"),
        ([topic(A=[{ITEM: "A"}, {ITEM: "B"}])], "topic 1: r/keto has another key for the same item: "),
    ],
)
def test_files_that_cannot_be_read(load, topics, message):
    with pytest.raises(DataError) as error:
        load(*topics)
    assert message in str(error.value)


def test_the_published_file(shared_data):
    loaded = load_steer_bench(path=shared_data / "steer_bench" / "steer-bench.json")
    keys = [
        "ABCD"[question.shares[group].index(1)]
        for question in loaded.questions.questions
        for group in question.groups
    ]
    assert len(keys) + len(loaded.findings) == 5460
    shares = {letter: round(100 * keys.count(letter) / 5460, 1) for letter in "ABCD"}
    assert shares == {"A": 22.6, "B": 35.8, "C": 22.7, "D": 10.1}
    assert len({question.id.partition("/")[0] for question in loaded.questions.questions}) == 30
    # All 2,730 items were put to both communities; where a key is unusable, one of them or both are missing.
    both = [question for question in loaded.questions.questions if len(question.groups) == 2]
    assert (len(loaded.questions.questions), len(both)) == (2517, 2458)
    assert sum(len(set(question.shares.values())) == 1 for question in both) == 926
    assert len({question.topic for question in both}) == 30
