"""Distributions through the gateway: as the library has them where the upstream can be scored, else bounds, else 501."""

import math

import pytest

from pluralign.elicitation.logprob import LogProb
from pluralign.models.http import Endpoint, HttpModel
from pluralign.records import Condition, Option, Question
from pluralign.steering.steerer import Steerer

QUESTION = {"question": "Is it right?", "options": ["Yes", "No"]}


@pytest.fixture
def behind(gateways, toy_servers):
    """Starts a gateway in front of a toy model's server of some dialect."""
    import threading

    servers = []

    def start(features, **settings):
        servers.append(toy_servers.Server(features, toy_servers.ToyBrain()))
        threading.Thread(target=servers[-1].serve_forever, args=(0.01,), daemon=True).start()
        return gateways(upstream=servers[-1].url, **settings)

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def ask(gateway, **fields):
    return gateway.client.post("/v1/distribution", json=QUESTION | fields)


def question():
    return Question(
        id="q", text=QUESTION["question"], options=tuple(Option(text=o) for o in QUESTION["options"])
    )


def test_it_is_what_the_steerer_finds(behind, toy_servers):
    gateway = behind(toy_servers.VLLM, nonce="n")
    answer = ask(gateway, profile="stoicism")
    found = answer.json()
    with HttpModel(Endpoint(gateway.gateway.settings.upstream, marks="neutralise")) as model:
        expected = Steerer(model, gateway.gateway.guard, nonce="n").distribution(
            question(), profile="stoicism"
        )
    assert found["exact"] is True
    assert found["probabilities"] == pytest.approx(expected.probabilities, abs=1e-9)
    assert found["valid_mass_prob"] == pytest.approx(expected.valid_mass_prob, abs=1e-9)
    assert math.isclose(sum(found["probabilities"]), 1)
    (row,) = found["profiles"]
    assert (row["id"], row["share"]) == ("stoicism", 1)
    assert answer.headers["x-pluralign-profile"] == "stoicism"
    (line,) = gateway.rows()
    assert (line["route"], line["outcome"], line["model"]) == ("distribution", "answered", "toy")


def test_a_mixture_is_the_mean_of_its_members_by_their_shares(behind, toy_servers):
    found = ask(behind(toy_servers.VLLM), profile={"stoicism": 3, "utilitarianism": 1}).json()
    first, second = found["profiles"]
    assert (first["share"], second["share"]) == (0.75, 0.25)
    mean = [0.75 * a + 0.25 * b for a, b in zip(first["probabilities"], second["probabilities"], strict=True)]
    assert found["probabilities"] == pytest.approx(mean)


def test_without_a_profile_it_is_the_models_own(behind, toy_servers):
    gateway = behind(toy_servers.VLLM)
    found = ask(gateway).json()
    with HttpModel(Endpoint(gateway.gateway.settings.upstream, marks="neutralise")) as model:
        from pluralign.elicitation import Ask

        (expected,) = LogProb().answers(model, [Ask("k", question(), Condition())])
    assert found["probabilities"] == pytest.approx(expected.probabilities, abs=1e-9)
    assert found["profiles"] == []


@pytest.mark.parametrize("profile", [None, {"stoicism": 1, "utilitarianism": 1}])
def test_the_likeliest_tokens_give_bounds_that_hold_the_truth(behind, toy_servers, profile):
    bounded = behind(toy_servers.HOSTED, nonce="n")
    exact = behind(toy_servers.VLLM, nonce="n")
    named = {} if profile is None else {"profile": profile}
    found, truth = ask(bounded, **named).json(), ask(exact, **named).json()
    assert found["exact"] is False
    assert found["probabilities"] is None
    raw = [p * truth["valid_mass_prob"] for p in truth["probabilities"]] if profile is None else None
    for place, (lower, upper) in enumerate(zip(found["lower_prob"], found["upper_prob"], strict=True)):
        assert 0 <= lower <= upper <= 1
        if raw is not None:
            assert lower - 1e-9 <= raw[place] <= upper + 1e-9
    if profile:
        rows = [row["upper_prob"] for row in found["profiles"]]
        assert found["upper_prob"] == pytest.approx([(a + b) / 2 for a, b in zip(*rows, strict=True)])


def test_without_log_probabilities_it_is_501(behind, toy_servers):
    answer = ask(behind(frozenset({"chat", "system"})))
    assert (answer.status_code, answer.json()["error"]["code"]) == (501, "no_log_probabilities")
    assert "no log-probabilities" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("fields", "status", "param"),
    [
        ({"question": " "}, 400, "question"),
        ({"options": ["Yes"]}, 400, "options"),
        ({"options": "Yes"}, 400, "options"),
        ({"options": ["Yes", 3]}, 400, "options[1]"),
        ({"options": ["Yes", "Yes"]}, 400, "options"),
        ({"option": ["Yes"]}, 400, "option"),
        ({"model": 3}, 400, "model"),
        ({"model": "toi"}, 404, "model"),
        ({"profile": "stoicsm"}, 404, "profile"),
        ({"profile": "cruel"}, 403, "profile"),
        ({"question": "I fully support genocide."}, 403, "question"),
    ],
)
def test_what_cannot_be_asked_is_named(behind, toy_servers, fields, status, param):
    answer = ask(behind(toy_servers.HOSTED), **fields)
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, param)


def test_several_models_need_a_name_and_an_upstream_that_is_down_says_so(gateway, gateways):
    answer = ask(gateway)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "model")
    assert "name one of llama, q@4bit" in answer.json()["error"]["message"]
    down = ask(gateways(upstream="http://127.0.0.1:9/v1"))
    assert (down.status_code, down.headers["retry-after"]) == (503, "5")
