"""Faults between pluralign and a server: each is overcome or named, and none becomes an answer."""

import json
import os
import signal
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from pluralign.errors import ConfigurationError, ModelError
from pluralign.models import Chat, Message, SamplingParams
from pluralign.models.http import Endpoint
from pluralign.models.http.address import find_key
from pluralign.models.http.transport import Call, Failure, Transport

HEAT = SamplingParams(max_new_tokens=4)
KEY = "sk-Very/Secret+Key_0123456789"


def ask(text):
    return Chat((Message("user", text),))


@pytest.fixture
def hosted(serve, connect, features):
    server = serve(features["hosted"] | {"seed"})
    return server, lambda **settings: connect(server, **settings)


def reply(**choice):
    message = {"role": "assistant", "content": "Yes"}
    return {
        "choices": [{"message": message, "finish_reason": "stop"} | choice],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2},
    }


def test_faults_that_pass_change_nothing(hosted, faults):
    server, model_of = hosted
    model = model_of(read_seconds=0.3, total_seconds=0.6, retries=5)
    prompts = [ask(f"Q{i}") for i in range(6)]
    expected = model.sample(prompts, n=2, seed=0, params=HEAT)
    date = format_datetime(datetime.now(UTC) - timedelta(seconds=5), usegmt=True)
    server.faults = [
        faults["sends"]({"error": {"message": "slow down"}}, status=429, Retry_After="0"),
        faults["sends"]({}, status=429, Retry_After=date),
        faults["sends"](b"<html>busy</html>", status=503),
        faults["sends"](b"oops", status=500),
        faults["cut"](),
        faults["drips"](1.0),
        faults["sends"](b"<html>Welcome</html>"),
        faults["sends"](b'{"choices": [{"mess'),
        faults["sends"](b"\xff\xfe"),
        lambda handler: time.sleep(0.5),
    ]
    n_before = len(server.requests)

    assert model.sample(prompts, n=2, seed=0, params=HEAT) == expected
    assert server.faults == []
    assert len(server.requests) - n_before == 12 + 10


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (({"error": {"message": "too long"}}, 400), "status 400: too long"),
        (({"message": "no such model"}, 404), "status 404: no such model"),
        (({"detail": "Forbidden"}, 403), "status 403: Forbidden"),
        (
            (b"<html><h1>Bad  Gateway</h1></html>", 502),
            r"status 502: <html><h1>Bad Gateway</h1></html>, 2 times",
        ),
        ((b"", 302), "status 302"),
        ((b"", 201), "status 201"),
        ((b"<html>hi</html>", 200), "no JSON: '<html>hi</html>', 2 times"),
        ((b"[" * 100_000, 200), r"no JSON: '\[\["),
        (([], 200), "not in the form of OpenAI's: a list"),
        (({"error": "overloaded"}, 200), "no list choices: null"),
        (({"choices": []}, 200), "no choices"),
        (({"choices": ["Yes"]}, 200), "not in the form"),
        ((reply(message=None), 200), "no message: null"),
        ((reply(message={"role": "assistant"}), 200), "no message: a dict"),
        ((reply(message={"content": 7}), 200), "no text: a int"),
        ((reply(message={"content": [{"type": "text", "text": "Yes"}]}), 200), "no text: a list"),
        ((reply(finish_reason="tool_calls"), 200), "finished with 'tool_calls'"),
        ((reply(finish_reason=None), 200), "finished with 'None'"),
        (({"choices": reply()["choices"]}, 200), "does not say how many tokens"),
        ((reply() | {"usage": {"completion_tokens": "2"}}, 200), "does not say how many tokens"),
        ((reply() | {"usage": {"completion_tokens": True}}, 200), "does not say how many tokens"),
        ((reply(logprobs={"content": [{"logprob": 0.5}]}), 200), "a log-probability is none: 0.5"),
        ((json.dumps(reply(logprobs={"content": [{"logprob": float("nan")}]})).encode(), 200), "none: nan"),
    ],
)
def test_what_is_no_answer_is_named(hosted, faults, fault, reason):
    server, model_of = hosted
    model = model_of(retries=1)
    body, status = fault
    server.faults = [faults["sends"](body, status=status)] * 2

    with pytest.raises(ModelError, match=reason) as caught:
        model.sample([ask("Hi")], n=1, seed=0, params=HEAT)
    assert f"The server {server.url}#toy: " in str(caught.value)


@pytest.mark.parametrize(
    ("message", "finish", "expected"),
    [
        (
            {"content": None, "refusal": "I can't help with that."},
            "stop",
            ("I can't help with that.", "stop"),
        ),
        ({"content": "", "refusal": None}, "stop", ("", "stop")),
        ({"content": None, "reasoning_content": "Let me see"}, "length", ("", "length")),
        ({"content": None}, "stop", ("", "stop")),
        ({"content": "Ye"}, "content_filter", ("Ye", "length")),
    ],
)
def test_answers_that_say_little(hosted, faults, message, finish, expected):
    server, model_of = hosted
    model = model_of()
    server.faults = [faults["sends"](reply(message=message, finish_reason=finish))]
    [[draw]] = model.sample([ask("Hi")], n=1, seed=0, params=HEAT)

    assert (draw.text, draw.finish) == expected
    assert (draw.n_tokens, draw.log_prob) == (2, None)


def test_a_log_probability_that_lacks_tokens_is_none(hosted, faults):
    server, model_of = hosted
    model = model_of()
    for entries, expected in (([-1.0], None), ([-1.0, -0.5], -1.5)):
        given = reply(logprobs={"content": [{"logprob": value} for value in entries]})
        server.faults = [faults["sends"](given)]
        assert model.sample([ask("Hi")], n=1, seed=0, params=HEAT)[0][0].log_prob == expected


def test_what_succeeded_beside_a_failure_is_not_asked_again(hosted, faults):
    server, model_of = hosted
    model = model_of(retries=0)
    prompts = [ask(f"Q{i}") for i in range(5)]
    expected = model.sample(prompts, n=2, seed=0, params=HEAT)
    server.requests.clear()
    server.faults = [faults["sends"]({"error": "bad"}, status=400)]
    with pytest.raises(
        ModelError, match=r"1 of 10 requests failed; the first: it answered with status 400: bad"
    ):
        model.sample(prompts, n=2, seed=0, params=HEAT)

    assert [model.sample([prompt], n=2, seed=0, params=HEAT)[0] for prompt in prompts] == expected
    assert len(server.requests) == 10 + 1
    model.sample(prompts, n=2, seed=0, params=HEAT)
    assert len(server.requests) == 11 + 10


def test_a_failed_draw_is_an_error_of_its_unit_only(hosted, faults, tmp_path):
    from pluralign.evaluation import Settings, prepare, run

    server, _ = hosted
    settings = Settings(limit=3, elicit="sample", draws=2)
    prepared = prepare(
        "distributional/urn", model=f"{server.url}?marks=neutralise&retries=0#toy", settings=settings
    )
    # The two draws of each of three units asked together, and those of the first unit asked again by itself.
    server.faults = [faults["sends"]({"error": "bad"}, status=400)] * 8
    done = run(prepared, out=tmp_path / "run")

    assert [answer.outcome.value == "error" for answer in done.answers] == [True, False, False]
    assert all(answer.probabilities is None for answer in done.answers if answer.outcome.value == "error")
    again = run(prepared, out=tmp_path / "run")
    assert "error" not in {answer.outcome.value for answer in again.answers}


def test_a_server_that_goes_away_loses_nothing_silently(serve, features):
    server = serve(features["hosted"])
    transport = Transport(Endpoint(server.url, "toy", retries=1, wait_seconds=0.01, concurrency=8))
    body = {"model": "toy", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 2}
    calls = [
        Call("/chat/completions", lambda reply: reply["choices"][0], body=body | {"seed": i})
        for i in range(300)
    ]

    def kill() -> None:
        while len(server.requests) < 100:
            time.sleep(0.001)
        server.shutdown()
        server.server_close()
        server.features = frozenset()

    killer = threading.Thread(target=kill)
    killer.start()
    found = transport.ask(calls)
    killer.join()
    transport.close()
    failures = [each for each in found if isinstance(each, Failure)]

    assert len(found) == 300
    assert failures
    assert len(found) - len(failures) >= 50
    assert all(each.reason for each in failures)


def test_retry_after_is_waited_for_by_all(hosted, faults):
    server, model_of = hosted
    model = model_of(concurrency=1)
    server.faults = [faults["sends"]({}, status=429, Retry_After="1")]
    start = time.monotonic()
    model.sample([ask("A"), ask("B")], n=1, seed=0, params=HEAT)
    assert 1 <= time.monotonic() - start < 5


def test_a_wait_that_is_too_long_is_a_failure(hosted, faults):
    server, model_of = hosted
    model = model_of(max_wait_seconds=2.0)
    server.faults = [faults["sends"]({}, status=503, Retry_After="3600")]
    with pytest.raises(ModelError, match=r"status 503: \{\}; it asks to wait 3600 s, more than 2 s"):
        model.sample([ask("Hi")], n=1, seed=0, params=HEAT)


def test_no_more_at_once_than_allowed(serve, features):
    server = serve(features["hosted"])
    server.faults = [lambda handler: (time.sleep(0.02), handler.send({}))] * 60
    transport = Transport(Endpoint(server.url, "toy", concurrency=3))
    transport.ask([Call("/chat/completions", lambda reply: reply, body={"i": i}) for i in range(40)])
    transport.close()

    assert 2 <= server.most_active <= 3
    assert server.n_connections <= 3


def test_an_answer_that_is_too_long(serve, faults):
    server = serve()
    server.faults = [faults["sends"](b" " * 5000)]
    transport = Transport(Endpoint(server.url, "toy", max_bytes=1000))
    (found,) = transport.ask([Call("/x", lambda reply: reply, body={})])
    transport.close()
    assert found == Failure("its answer is longer than 1000 bytes")


def test_ctrl_c_stops_at_once(serve, features):
    server = serve(features["hosted"])
    server.faults = [lambda handler: time.sleep(2)] * 50
    transport = Transport(Endpoint(server.url, "toy", concurrency=2))
    calls = [Call("/chat/completions", lambda reply: reply, body={"i": i}) for i in range(50)]
    timer = threading.Timer(0.4, os.kill, [os.getpid(), signal.SIGINT])
    timer.start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        transport.ask(calls)
    assert time.monotonic() - start < 1.5
    n_asked = len(server.requests)
    time.sleep(0.3)
    assert len(server.requests) == n_asked <= 2
    transport.close()
    with pytest.raises(ModelError, match=r"to http://127.0.0.1.* are closed"):
        transport.ask(calls)


def everything_said(error: BaseException) -> str:
    """Text, arguments and chain of an exception, down to its roots."""
    found, seen = [], set()
    rest: list[BaseException | None] = [error]
    while rest:
        each = rest.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        found += [str(each), repr(each), repr(each.args), repr(vars(each))]
        rest += [each.__cause__, each.__context__]
    return "\n".join(found)


@pytest.mark.parametrize("kind", ["echoed", "html", "broken", "malformed", "refused", "gone"])
def test_the_key_is_sent_and_never_shown(hosted, faults, monkeypatch, caplog, capfd, kind):
    caplog.set_level("DEBUG")
    server, model_of = hosted
    monkeypatch.setenv("PLURALIGN_API_KEY", KEY)
    model = model_of(retries=0)
    assert server.requests[-1][1]["Authorization"] == f"Bearer {KEY}"
    server.faults = {
        "echoed": [faults["sends"]({"error": {"message": f"Wrong: {KEY}"}}, status=400)],
        "html": [faults["sends"](f"<p>Bearer {KEY}</p>".encode())],
        "broken": [faults["cut"]()],
        "malformed": [faults["sends"](reply(finish_reason=KEY))],
        "refused": [faults["sends"]({"error": f"{KEY} is expired"}, status=401)],
        "gone": [],
    }[kind]
    if kind == "gone":
        server.shutdown()
        server.server_close()
        server.features = frozenset()
    with pytest.raises(ModelError) as caught:
        model.sample([ask("Hi")], n=1, seed=0, params=HEAT)

    said = everything_said(caught.value) + repr(model.fingerprint()) + model.id + repr(model.endpoint)
    said += repr(vars(model._transport)) + caplog.text + "".join(capfd.readouterr())
    assert KEY not in said
    assert "Secret" not in said


def test_a_refused_key_says_where_keys_come_from(serve, connect, faults, monkeypatch):
    server = serve()
    monkeypatch.setenv("MY_KEY", KEY)
    server.faults = [faults["sends"]({"error": {"message": f"Incorrect API key: {KEY}"}}, status=401)]
    with pytest.raises(
        ConfigurationError, match=r"wants another key: .* \*\*\*.*set PLURALIGN_API_KEY"
    ) as caught:
        connect(server, key_variable="MY_KEY")
    assert KEY not in everything_said(caught.value)


def test_whose_key_goes_where():
    both = {"PLURALIGN_API_KEY": "p", "OPENAI_API_KEY": "o"}
    openai = {"OPENAI_API_KEY": "o"}

    def variable(url, environment, **settings):
        return find_key(Endpoint(url, "m", **settings), environment=environment).variable

    assert variable("https://api.openai.com/v1", both) == "PLURALIGN_API_KEY"
    assert variable("https://api.openai.com/v1", openai) == "OPENAI_API_KEY"
    assert variable("http://localhost:8000/v1", openai) == ""
    assert variable("https://api.openai.com.evil.org/v1", openai) == ""
    assert variable("https://host/v1", openai, key_variable="OPENAI_API_KEY") == "OPENAI_API_KEY"
    with pytest.raises(
        ConfigurationError, match="The environment variable MY_KEY, the endpoint's key, is not set"
    ):
        variable("https://host/v1", both, key_variable="MY_KEY")
    with pytest.raises(ConfigurationError, match="characters that no key has") as caught:
        variable("https://host/v1", {"PLURALIGN_API_KEY": "sk-a\nb"})
    assert "sk-a" not in everything_said(caught.value)


def test_a_key_over_plain_http_is_warned_of(caplog):
    find_key(Endpoint("http://127.0.0.1/v1"), environment={"PLURALIGN_API_KEY": KEY})
    find_key(Endpoint("https://host/v1"), environment={"PLURALIGN_API_KEY": KEY})
    assert caplog.text == ""
    find_key(Endpoint("http://10.1.2.3/v1"), environment={"PLURALIGN_API_KEY": KEY})
    assert "PLURALIGN_API_KEY is sent to 10.1.2.3 without encryption" in caplog.text
    assert KEY not in caplog.text
