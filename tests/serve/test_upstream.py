"""What the upstream's failures become."""

import asyncio

import openai
import pytest


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, openai.BadRequestError),
        (404, openai.NotFoundError),
        (422, openai.UnprocessableEntityError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
    ],
)
def test_the_openai_client_raises_the_upstreams_errors(client, upstream, status, error, tools):
    async def fails(call):
        await call.send({"error": {"message": "no such thing", "code": "its_code"}}, status=status)

    upstream.server.script = fails
    with pytest.raises(error, match="no such thing") as caught:
        client.chat.completions.create(model="llama", messages=tools.HELLO)
    assert caught.value.code == "its_code"


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (400, {"error": {"message": "too much", "code": "context_length_exceeded", "param": "messages"}}),
        (400, {"object": "error", "message": "This model's maximum context length is 512 tokens."}),
        (400, {"error": {"code": 400, "message": "too much", "type": "exceed_context_size_error"}}),
    ],
)
def test_a_prompt_that_is_too_long_for_the_upstream_is_413(gateway, upstream, status, said, tools):
    async def too_long(call):
        await call.send(said, status=status)

    upstream.server.script = too_long
    answer = gateway.ask()
    assert (answer.status_code, tools.told(answer)["code"]) == (413, "context_length_exceeded")
    assert tools.told(answer)["param"] == "messages"


def test_an_upstream_that_is_down_is_503_with_a_hint_when_to_retry(gateways, tools):
    gateway = gateways(upstream="http://127.0.0.1:9/v1", retry_after_seconds=7)
    answer = gateway.ask()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")
    assert tools.told(answer)["code"] == "upstream_down"
    assert "127.0.0.1" not in answer.text


def test_an_upstream_that_is_silent_is_504(gateways, upstream):
    async def silent(call):
        await asyncio.sleep(30)

    upstream.server.script = silent
    assert gateways(read_seconds=0.2).ask().status_code == 504


def test_the_upstreams_wait_is_passed_on(gateway, upstream, tools):
    async def busy(call):
        await call.send({"detail": "busy"}, status=429, retry_after="13")

    upstream.server.script = busy
    answer = gateway.ask()
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "13")
    assert tools.told(answer)["message"] == "busy"


@pytest.mark.parametrize("said", [b"<html>", b"{}", b'{"choices": 3}', b'{"choices": [3]}'])
def test_an_upstreams_answer_that_is_none_is_502(gateway, upstream, said, tools):
    async def strange(call):
        await call.send(said)

    upstream.server.script = strange
    assert tools.told(gateway.ask())["code"] == "upstream_reply_unreadable"


def test_an_upstreams_answer_without_end_is_502(gateways, upstream, tools):
    async def endless(call):
        await call.start(content_type="application/json")
        for _ in range(1000):
            await call.piece(b" " * 10_000)

    upstream.server.script = endless
    answer = gateways(most_reply_bytes=100_000).ask()
    assert (answer.status_code, tools.told(answer)["code"]) == (502, "upstream_reply_too_large")


def test_without_a_key_of_its_own_nothing_of_the_clients_goes_on(gateway, upstream):
    gateway.ask(headers={"Authorization": "Bearer sk-client", "Cookie": "a=b", "X-Api-Key": "sk-client"})
    assert not {"authorization", "cookie", "x-api-key"} & upstream.server.calls[0].headers.keys()
