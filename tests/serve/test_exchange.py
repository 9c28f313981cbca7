"""Keys, limits, the log, and what no client and no log may ever see."""

import asyncio
import hashlib
import threading

import httpx
import pytest


def test_a_client_that_gives_up_on_an_answer_cancels_the_upstream(gateway, upstream, tools):
    async def slow(call):
        await asyncio.sleep(30)

    upstream.server.script = slow
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            f"{gateway.url}/v1/chat/completions", json={"messages": tools.HELLO}, timeout=0.3, trust_env=False
        )
    tools.wait_for(lambda: upstream.server.n_cancelled == 1)
    assert gateway.rows(n=1)[0]["outcome"] == "client_gone"


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_that_is_too_large_is_413(gateways, declared, tools):
    gateway = gateways(most_bytes=1000)
    parts = [b" " * 600] * 4
    content = b"".join(parts) if declared else iter(parts)
    answer = gateway.client.post("/v1/chat/completions", content=content)
    assert (answer.status_code, tools.told(answer)["code"]) == (413, "request_too_large")


def test_secrets_appear_nowhere(gateways, upstream, monkeypatch, tools, caplog, keys_file):
    monkeypatch.setenv("PLURALIGN_UPSTREAM_KEY", "sk-upstream-secret")

    async def repeats(call):
        key = call.headers["authorization"].removeprefix("Bearer ")
        await call.send({"error": {"message": f"bad key {key}", "code": key}}, status=seen.pop())

    upstream.server.script = repeats
    gateway = gateways(keys=keys_file, audit_text=True)
    seen = [400, 401, 500]
    headers = {"Authorization": f"Bearer {tools.KEY}"}
    answers = [gateway.ask(headers=headers) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [500, 502, 400]
    assert tools.told(answers[1])["code"] == "upstream_key_refused"
    for call in upstream.server.calls:
        assert call.headers["authorization"] == "Bearer sk-upstream-secret"
        assert tools.KEY not in str(call.headers)
    written = "".join([*(a.text + str(a.headers) for a in answers), gateway.audit.read_text(), caplog.text])
    metrics = gateway.client.get("/metrics", headers=headers).text
    assert "sk-upstream-secret" not in written + metrics
    assert tools.KEY not in written + metrics


def test_keys_open_and_bound_what_a_client_may_do(gateways, keys_file, tools):
    gateway = gateways(keys=keys_file)
    assert gateway.ask().status_code == 401
    wrong = gateway.ask(headers={"Authorization": "Bearer sk-wrong-1234"})
    assert (wrong.status_code, tools.told(wrong)["code"]) == (401, "invalid_api_key")
    assert "sk-wrong" not in wrong.text
    all_of_it = {"Authorization": f"Bearer {tools.KEY}"}
    stoic = {"Authorization": f"Bearer {tools.OTHER_KEY}"}
    assert gateway.ask(headers=all_of_it, profile="utilitarianism").status_code == 200
    assert gateway.ask(headers=stoic, profile="stoicism").status_code == 200
    other = gateway.ask(headers=stoic, profile="utilitarianism")
    assert (other.status_code, tools.told(other)["code"]) == (403, "profile_not_allowed")
    third = gateway.ask(headers=stoic)
    assert (third.status_code, third.headers["retry-after"]) == (429, "30")
    assert gateway.ask(headers=all_of_it).status_code == 200
    listed = gateway.client.get("/v1/profiles", headers=stoic).json()["data"]
    assert [each["id"] for each in listed] == ["stoicism"]
    assert gateway.client.get("/v1/profiles").status_code == 401
    assert gateway.client.get("/metrics").status_code == 401
    assert gateway.client.get("/healthz").status_code == 200
    assert [row.get("key") for row in gateway.rows()] == [
        None, None, "all", "stoic", "stoic", "stoic", "all"
    ]  # fmt: skip


def test_one_request_more_than_there_is_room_for_is_sent_away(gateways, upstream, tools):
    let_go = threading.Event()

    async def waits(call):
        while not let_go.is_set():
            await asyncio.sleep(0.01)
        await tools.usual(call)

    upstream.server.script = waits
    gateway = gateways(most_concurrent=1)
    answers = []
    first = threading.Thread(target=lambda: answers.append(gateway.ask()))
    first.start()
    tools.wait_for(lambda: upstream.server.calls)
    second = httpx.post(f"{gateway.url}/v1/chat/completions", json={"messages": tools.HELLO}, trust_env=False)
    assert (second.status_code, tools.told(second)["code"]) == (503, "gateway_full")
    let_go.set()
    first.join()
    assert answers[0].status_code == 200


def test_the_log_has_hashes_by_default_and_texts_where_asked(gateway, gateways, tools):
    gateway.ask(profile="stoicism")
    (row,) = gateway.rows()
    assert row["prompt_sha256"] == hashlib.sha256(tools.HELLO[0]["content"].encode()).hexdigest()
    assert row["answer_sha256"] == hashlib.sha256(tools.ANSWER.encode()).hexdigest()
    assert "friend" not in str(row)
    assert row["policy"] == gateway.gateway.policy
    assert {
        "profile": "stoicism",
        "outcome": "answered",
        "status": 200,
        "admission": "served",
    }.items() <= row.items()
    with_texts = gateways(audit_text=True)
    with_texts.ask()
    (row,) = with_texts.rows()
    assert (row["prompt"], row["answer"]) == ([tools.HELLO[0]["content"]], [tools.ANSWER])


def test_what_cannot_be_written_down_is_not_answered(gateway, monkeypatch, tools):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pluralign.serve.audit.os.write", full)
    answer = gateway.ask()
    assert (answer.status_code, tools.told(answer)["code"]) == (503, "audit_failed")
    assert gateway.gateway.audit.n_lost == 1
