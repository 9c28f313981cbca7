"""Judges by name become a guard; what is not qualified is not asked, unless that is allowed and said."""

import json
import math
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pluralign.errors import ConfigurationError
from pluralign.guard import Guard, assembling
from pluralign.guard.assembling import JudgeChoice, assemble, judge_choice
from pluralign.guard.policy import load_policy
from pluralign.guard.qualification import qualify, sample_rows, save_qualification
from pluralign.guard.verdict import Ruling
from pluralign.models import ScriptedModel
from pluralign.profiles import Provenance, Value, ValueProfile

POLICY = load_policy()
# German: the embedded screen does not know it, so that the judge is asked.
BEES = "Ich halte Bienen."


def profile(statement: str = BEES) -> ValueProfile:
    return ValueProfile(
        id="imker",
        title="Imker",
        summary=statement,
        values=(Value(statement=statement, weight=0.9),),
        provenance=Provenance(kind="curated", sources=("invented for a test",), licence="CC0-1.0"),
        language="de",
    )


def knowing(texts: set[str]) -> ScriptedModel:
    """Answers "yes", to be refused, of prompts that hold one of the texts."""

    def log_probs(prompt: str, option: str) -> float:
        answer = "yes" if any(json.dumps(text, ensure_ascii=False) in prompt for text in texts) else "no"
        return 0.0 if option == answer else -math.inf

    return ScriptedModel(log_probs=log_probs)


@pytest.fixture
def perfect(monkeypatch: pytest.MonkeyPatch) -> ScriptedModel:
    """A model that knows the sample's answers; it is what every name loads."""
    model = knowing({row.text for row in sample_rows(("en", "de")) if row.label == "refuse"})
    monkeypatch.setattr(assembling, "load_model", lambda name: model)
    return model


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a server that answers every request with the last line "VERDICT: SERVE"."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            message = {"role": "assistant", "content": "VERDICT: SERVE"}
            body = json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}/v1"
    running.shutdown()
    running.server_close()


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("wildguard=allenai/wildguard", ("wildguard", "allenai/wildguard", None)),
        ("my=rules.yaml=x", ("my", "rules.yaml=x", None)),
        ("./mine.yaml=org/name@v1", ("./mine.yaml", "org/name@v1", None)),
        ("policy-chat=m@http://h:1/v1", ("policy-chat", "m", "http://h:1/v1")),
        ("policy-chat=m@v1@https://u@h/v1", ("policy-chat", "m@v1", "https://u@h/v1")),
    ],
)
def test_a_judge_is_named_in_one_word(text, parts):
    choice = judge_choice(text, key_variable="KEY")
    assert (choice.recipe, choice.model, choice.url) == parts
    assert choice.key_variable == (None if choice.url is None else "KEY")
    assert choice.sample_languages == ("en",)


@pytest.mark.parametrize(
    "text", ["", "policy-chat", "policy-chat=", "=m", "policy-chat=http://h:1/v1", "a=@http://h"]
)
def test_a_name_that_is_none_is_told_what_it_lacks(text):
    with pytest.raises(ConfigurationError, match=r"must be named as RECIPE=MODEL, or RECIPE=MODEL@URL"):
        judge_choice(text)


def test_without_judges_it_is_the_default_guard():
    assert assemble(POLICY).configuration == Guard.default(POLICY).configuration
    assert assemble().policy.digest == POLICY.digest


def test_an_unqualified_judge_needs_the_flag_and_says_so_in_its_verdicts(perfect):
    choice = judge_choice("policy-chat=any", languages=("de",))
    with pytest.raises(ConfigurationError, match="is not qualified: it has not been measured"):
        assemble(POLICY, judges=[choice])
    guard = assemble(POLICY, judges=[choice], allow_unqualified=True)
    assert [part.qualified for part in guard.configuration.judges] == [False]
    decision = guard.decide(profile(), role="profile")
    assert decision.ruling is Ruling.SERVE
    assert [verdict.qualified for verdict in decision.verdicts] == [None, None, False]


def test_the_message_names_the_command_that_qualifies(perfect, tmp_path):
    choices = {
        JudgeChoice("policy-chat", "any"): "guard qualify policy-chat --model any --out DIR; then give",
        JudgeChoice("policy-chat", "m", url="http://h:1/v1", key_variable="K", languages=("de", "en")): (
            "guard qualify policy-chat --model m --endpoint http://h:1/v1 --key-variable K --languages de,en --out DIR"
        ),
    }
    for choice, command in choices.items():
        with pytest.raises(ConfigurationError) as error:
            assemble(POLICY, judges=[choice])
        assert command in str(error.value)
        assert "--allow-unqualified" in str(error.value)
    folder = tmp_path / "my judges"
    with pytest.raises(
        ConfigurationError, match=f"--out '{folder}', with the --policy and --overlay given here"
    ):
        assemble(
            POLICY.with_overlays(["de-at-fr"]),
            judges=[judge_choice("policy-chat=any")],
            qualifications=folder,
        )


def test_a_qualified_judge_is_asked_without_the_flag(perfect, tmp_path):
    choice = judge_choice("policy-chat=any", languages=("de",))
    found = qualify(choice.make(POLICY), POLICY, rows=sample_rows(choice.sample_languages))
    save_qualification(tmp_path, found)
    refused = next(row.text for row in sample_rows(("de",)) if row.label == "refuse")
    guard = assemble(POLICY, judges=[choice], qualifications=tmp_path)
    for statement, ruling in ((BEES, Ruling.SERVE), (refused, Ruling.REFUSE)):
        decision = guard.decide(profile(statement), role="profile")
        assert decision.ruling is ruling
        assert decision.verdicts[-1].qualified is True
    # Measured on the German sample, it is not qualified for what it was not asked in.
    with pytest.raises(ConfigurationError, match="has not been measured"):
        assemble(POLICY, judges=[judge_choice("policy-chat=any")], qualifications=tmp_path)


def test_a_judge_that_did_not_pass_is_told_what_it_lacks(monkeypatch, tmp_path):
    monkeypatch.setattr(assembling, "load_model", lambda name: knowing(set()))
    choice = judge_choice("policy-chat=any")
    save_qualification(tmp_path, qualify(choice.make(POLICY), POLICY))
    with pytest.raises(
        ConfigurationError, match=r"AUC is 0\.5.*below 0\.95.*To qualify it: pluralign guard qualify"
    ):
        assemble(POLICY, judges=[choice], qualifications=tmp_path)


def test_a_judge_behind_a_server(server):
    choice = judge_choice(f"policy-chat=m@{server}", languages=("de",))
    guard = assemble(POLICY, judges=[choice], allow_unqualified=True)
    decision = guard.decide(profile(), role="profile")
    assert decision.ruling is Ruling.SERVE
    assert decision.verdicts[-1].backend_version.endswith(f"m at {server}")


def test_a_server_that_is_not_there_serves_nothing():
    choice = JudgeChoice(
        "policy-chat", "m", url="http://127.0.0.1:9/v1", timeout_seconds=0.2, languages=("de",)
    )
    guard = assemble(POLICY, judges=[choice], allow_unqualified=True, on_error="review", combine="all")
    assert guard.decide(profile(), role="profile").ruling is Ruling.UNSURE
    assert (guard.on_error, guard.on_unsure, guard.combine) == ("review", "refuse", "all")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"judges": [JudgeChoice("policy-chatt", "m")]}, "Did you mean 'policy-chat'"),
        ({"combine": "most"}, "there is no rule 'most'"),
        ({"on_error": "serve"}, "on_error: there is no 'serve'"),
        ({"on_unsure": "serve"}, "on_unsure: there is no 'serve'"),
    ],
)
def test_what_does_not_fit_is_said(perfect, settings, message):
    with pytest.raises(ConfigurationError, match=message):
        assemble(POLICY, **settings)
