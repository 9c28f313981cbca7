import asyncio
import json

import pytest

from pluralign.guard.verdict import Ruling
from pluralign.serve.answers import Answer, spoken, withheld_choice
from pluralign.serve.refusals import GatewayError
from pluralign.serve.screening import Finding, Screening


def test_all_that_a_message_says():
    calls = [{"index": 1, "function": {"name": "f", "arguments": '{"a": 1}'}}, {"function": {}}, "?"]
    message = {
        "role": "assistant",
        "content": "a",
        "reasoning_content": "b",
        "refusal": "",
        "tool_calls": calls,
    }
    message |= {"audio": {"id": "x", "data": "AAAA", "transcript": "c"}}
    assert list(spoken({"index": 0, "message": message, "finish_reason": "stop"})) == [
        ("message.content", "a"),
        ("message.reasoning_content", "b"),
        ("message.tool_calls.1.function.arguments", '{"a": 1}'),
        ("message.tool_calls.2", "?"),
        ("message.audio.transcript", "c"),
    ]


def test_a_served_answer_stays_byte_for_byte(guard, tools):
    body = json.dumps(tools.reply(), indent=3).encode()
    answer = Answer(body)
    asyncio.run(answer.pass_guard(Screening(guard, layers="rules"), watched=False))
    assert answer.body is body
    assert answer.texts == [tools.ANSWER]


@pytest.mark.parametrize("where", ["reasoning_content", "content"])
def test_harm_anywhere_in_a_choice_withholds_it(guard, tools, where):
    reply = tools.reply("Fine.")
    reply["choices"][0]["message"][where] = tools.REFUSED_SENTENCE
    answer = Answer(json.dumps(reply).encode())
    asyncio.run(answer.pass_guard(Screening(guard, layers="rules"), watched=False))
    assert answer.finding.ruling is Ruling.REFUSE
    assert b"genocide" not in answer.body
    assert json.loads(answer.body)["usage"] == reply["usage"]


def test_arguments_of_calls_are_read_too(guard, tools):
    call = {"id": "1", "type": "function", "function": {"name": "post", "arguments": tools.REFUSED_SENTENCE}}
    reply = tools.reply(None)
    reply["choices"][0]["message"]["tool_calls"] = [call]
    answer = Answer(json.dumps(reply).encode())
    asyncio.run(answer.pass_guard(Screening(guard, layers="rules"), watched=False))
    assert b"genocide" not in answer.body


def test_a_withheld_choice_holds_the_policys_sentence_alone():
    found = withheld_choice(
        {"index": 2, "message": {"content": "x"}, "logprobs": {"content": []}},
        Finding(Ruling.REFUSE, "c", "No."),
    )
    assert found == {
        "index": 2,
        "message": {"role": "assistant", "content": "", "refusal": "No."},
        "finish_reason": "content_filter",
        "logprobs": None,
    }


@pytest.mark.parametrize("body", [b"", b"[]", b'{"choices": {}}', b"[" * 200_000])
def test_what_is_no_answer_is_502(body):
    with pytest.raises(GatewayError) as caught:
        Answer(body)
    assert caught.value.status == 502
