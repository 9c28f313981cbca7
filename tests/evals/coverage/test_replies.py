"""From replies to answers: strict, and every loss counted."""

import json

import pytest

from pluralign.evals.coverage import Said, said_in
from pluralign.records import Outcome, Response


def reply(text, outcome=Outcome.OK):
    return Response(key="k", window_id="t", model_id="m", outcome=outcome, text=text)


def stated(*rows):
    return json.dumps({"responses": [{"text": text, "probability": prob} for text, prob in rows]})


def test_a_plain_reply_is_the_answer():
    assert said_in(reply(" 7 ")) == (Said("7"),)
    assert said_in(reply("  ", Outcome.REFUSED)) == (Said(lost="empty"),)


def test_what_the_limit_cut_is_no_answer_even_if_it_reads_like_one():
    assert said_in(reply("13", Outcome.TRUNCATED)) == (Said(lost="truncated"),)
    cut = reply('{"responses": [', Outcome.TRUNCATED)
    assert said_in(cut, way="verbalized", k=3) == (Said(lost="truncated"),) * 3


def test_a_seeded_reply_ends_with_its_answer():
    assert said_in(reply("xk3j9\nsum 17\nAnswer: Ohio"), way="seeded") == (Said("Ohio"),)
    for text in ("Ohio", "Answer: Ohio\nbecause", "The Answer: Ohio", "answer: Ohio"):
        assert said_in(reply(text), way="seeded") == (Said(lost="unparsed"),)
    assert said_in(reply("abc\nAnswer:  "), way="seeded") == (Said(lost="empty"),)


def test_a_verbalized_reply_gives_all_its_answers():
    text = stated((" 3 ", 0.5), ("9", 0), ("", 1))
    expected = (Said("3"), Said("9"), Said(lost="empty"))
    assert said_in(reply(text), way="verbalized", k=3) == expected
    assert said_in(reply(f"```json\n{text}\n```"), way="verbalized", k=3) == expected


@pytest.mark.parametrize(
    "text",
    [
        "not JSON",
        "[]",
        '{"answers": []}',
        stated(("3", 0.5)),
        stated(("3", 0.5), ("4", 0.5), ("5", 0.5)),
        stated(("3", 1.5), ("4", 0.1)),
        stated(("3", -0.1), ("4", 0.1)),
        stated(("3", True), ("4", 0.1)),
        stated(("3", "0.5"), ("4", 0.1)),
        stated((3, 0.5), ("4", 0.1)),
        '{"responses": ["3", "4"]}',
        f"Here they are: {stated(('3', 0.5), ('4', 0.5))}",
    ],
)
def test_a_reply_that_is_not_as_asked_for_loses_all_its_answers(text):
    assert said_in(reply(text), way="verbalized", k=2) == (Said(lost="unparsed"),) * 2
