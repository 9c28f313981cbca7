import json
import math

import pytest
import yaml

from pluralign.cli import main
from pluralign.guard import assembling
from pluralign.guard.audit import verify
from pluralign.guard.policy import load_policy
from pluralign.guard.qualification import sample_rows
from pluralign.models import ScriptedModel
from pluralign.profiles import load_profile
from pluralign.resources import resource_folder


@pytest.fixture
def run(capsys):
    """Run the command line in this process: (exit status, stdout, stderr with spaces folded)."""

    def command(*arguments):
        status = main(["guard", *(str(argument) for argument in arguments)])
        out, err = capsys.readouterr()
        return status, out, " ".join(err.split())

    return command


@pytest.fixture
def mine(tmp_path):
    """Write a profile of one value and return its file."""

    def write(statement, *, language="en", id="mine"):
        fields = load_profile("taoism").model_dump(mode="json", exclude_none=True)
        fields |= {
            "id": id,
            "language": language,
            "values": [{"statement": statement, "weight": 0.5}],
            "norms": [],
            "does_not_hold": [],
            "summary": statement,
        }
        path = tmp_path / f"{id}.yaml"
        path.write_text(yaml.safe_dump(fields, allow_unicode=True), encoding="utf-8")
        return path

    return write


def test_a_served_profile(run):
    status, out, _ = run("check", "buen-vivir")
    assert (status, out) == (0, "buen-vivir: served: by the shipped library\n")


def test_a_refused_and_an_unsure_profile(run, mine):
    refused = mine("Terrorism is justified for our [b]holy[/b] cause.")
    status, out, _ = run("check", refused, "buen-vivir")
    assert status == 1
    assert "refused:" in out
    assert "[b]holy[/b]" in out
    assert "buen-vivir: served" in out
    assert "score" not in out
    assert "0." not in out
    unsure = mine("Ich halte Bienen.", language="de", id="imker")
    status, out, _ = run("check", unsure, "--json")
    (row,) = json.loads(out)["profiles"]
    assert (status, row["outcome"], row["category"]) == (1, "unsure", None)
    status, out, _ = run("check", unsure, "--on-unsure", "review", "--json")
    assert (status, json.loads(out)["profiles"][0]["outcome"]) == (1, "review")
    status, out, _ = run("check", unsure, "--on-unsure", "serve_with_output_guard", "--json")
    assert (status, json.loads(out)["profiles"][0]["outcome"]) == (1, "served_with_output_guard")


def test_what_cannot_be_read(run, tmp_path):
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(bytes(range(256)))
    status, out, _ = run("check", "buen-vivir", binary)
    assert status == 2
    assert "buen-vivir: served" in out
    assert "binary.yaml: unreadable" in out
    assert run("check", "no-such-profile")[0] == 2
    assert run("explain", binary)[0] == 2
    assert run("check", "buen-vivir", "--policy", tmp_path / "none.yaml")[0] == 2
    assert run("check", "buen-vivir", "--on-unsure", "serve")[0] == 2


def test_explain_shows_every_layer_and_the_place(run, mine):
    status, out, _ = run("explain", mine("Terrorism is justified for our holy cause."))
    assert status == 1
    assert "form (form 1): serve" in out
    assert "violence_terrorism" in out
    assert ">>Terrorism is justified for our holy cause.<<" in out
    status, out, _ = run("explain", "buen-vivir", "--json")
    told = json.loads(out)
    assert status == 0
    assert told["decision"]["verdicts"][-1]["backend"] == "shipped library"
    assert told["configuration"]["policy_hash"] == load_policy().digest


def test_the_policy_for_people_and_judges(run):
    status, out, _ = run("policy")
    assert status == 0
    assert out.startswith("## The pluralism floor")
    assert "# Policy pluralism-floor" in run("policy", "--for", "system")[1]
    assert run("policy", "--for", "numbered")[0] == 0
    assert "Exceptions" in run("policy", "--for", "criterion", "--category", "child_abuse")[1]
    assert run("policy", "--for", "criterion")[0] == 2
    assert run("policy", "--for", "nobody")[0] == 2
    assert run("policy", "--for", "system", "--role", "poet")[0] == 2
    told = json.loads(run("policy", "--overlay", "de-at-fr", "--json")[1])
    assert told["applied"] == ["de-at-fr"]
    assert told["policy_hash"] != load_policy().digest


def test_qualifying_with_an_endpoint_that_is_not_there_does_not_pass(run, tmp_path, monkeypatch):
    from pluralign.guard import qualification

    pair = next(row.pair for row in qualification.sample_rows() if row.pair)
    rows = [row for row in qualification.sample_rows() if row.pair == pair]
    monkeypatch.setattr(qualification, "sample_rows", lambda languages: rows)
    status, out, _ = run(
        "qualify", "policy-chat", "--model", "m", "--endpoint", "http://127.0.0.1:9/v1",
        "--timeout", "1", "--out", tmp_path / "q", "--json",
    )  # fmt: skip
    told = json.loads(out)
    assert status == 1
    assert not told["passed"]
    assert told["qualification"]["parse_rate"]["value"] == 0.0
    assert (
        json.loads((tmp_path / "q" / told["file"].rpartition("/")[2]).read_text())["judge"] == "policy-chat"
    )


def test_replaying_a_log_under_another_policy(run, tmp_path):
    log, policy = tmp_path / "log.jsonl", tmp_path / "policy.yaml"
    assert run("check", "buen-vivir", "--audit", log)[0] == 0
    assert verify(log).n_entries == 1
    shipped = (resource_folder("value_profiles") / "policy.yaml").read_text(encoding="utf-8")
    policy.write_text(shipped, encoding="utf-8")
    status, out, _ = run("replay", log, "--policy", policy)
    assert (status, out) == (0, "0 flips, 1 the same, 0 not judged\n")
    policy.write_text(shipped.replace("severity: medium", "severity: high", 1), encoding="utf-8")
    status, out, _ = run("replay", log, "--policy", policy, "--json")
    (flip,) = json.loads(out)["flips"]
    assert (status, flip["before"], flip["after"]) == (1, "serve", "unsure")
    log.write_text(log.read_text().replace("buen-vivir", "buen-morir") + "{}\n")
    status, _, err = run("replay", log, "--policy", policy)
    assert status == 1
    assert "line 2" in err


@pytest.fixture
def perfect(monkeypatch):
    """A model that knows the sample's answers; it is what every name loads."""
    refused = {row.text for row in sample_rows(("de",)) if row.label == "refuse"}

    def log_probs(prompt, option):
        answer = "yes" if any(json.dumps(text, ensure_ascii=False) in prompt for text in refused) else "no"
        return 0.0 if option == answer else -math.inf

    monkeypatch.setattr(assembling, "load_model", lambda name: ScriptedModel(log_probs=log_probs))


def test_a_judge_is_qualified_and_then_asked(run, mine, perfect, tmp_path):
    german = mine("Ich halte Bienen.", language="de", id="imker")
    judge = ("--judge", "policy-chat=m", "--languages", "de", "--qualifications", tmp_path / "q")
    status, out, err = run("check", german, *judge)
    assert (status, out) == (2, "")
    assert "pluralign guard qualify policy-chat --model m --languages de --out" in err

    arguments = ("policy-chat", "--model", "m", "--languages", "de", "--out", tmp_path / "q")
    assert run("qualify", *arguments)[0] == 0
    assert run("check", german, *judge)[:2] == (0, f"{german}: served: by the policy-chat\n")
    status, out, err = run("explain", german, *judge, "--json")
    told = json.loads(out)
    assert status == 0
    assert told["decision"]["verdicts"][-1]["qualified"] is True
    assert [part["name"] for part in told["configuration"]["judges"]] == ["policy-chat"]
    assert "not qualified" not in err


def test_an_unqualified_judge_says_so_in_every_verdict(run, mine, perfect):
    german = mine("Ich halte Bienen.", language="de", id="imker")
    judge = ("--judge", "policy-chat=m", "--languages", "de", "--allow-unqualified")
    status, out, err = run("explain", german, *judge)
    assert status == 0
    assert "judge (policy-chat" in out
    assert "not qualified" in out
    assert "is not qualified: its verdicts say so" in err
    assert "is not qualified" in run("check", german, *judge)[2]
    out = run("check", german, *judge, "--json")[1]
    assert [part["qualified"] for part in json.loads(out)["judges"]] == [False]


def test_how_judges_are_combined_and_what_errors_come_to(run, mine, perfect):
    german = mine("Ich halte Bienen.", language="de", id="imker")
    judge = ("--judge", "policy-chat=m", "--languages", "de", "--allow-unqualified")
    assert run("check", german, *judge, "--combine", "any")[0] == 1  # the screen stays unsure
    assert run("check", german, *judge, "--combine", "2-of-3")[0] == 2
    assert run("check", german, "--judge", "policy-chat")[0] == 2
    gone = ("--judge", "policy-chat=m@http://127.0.0.1:9/v1", "--languages", "de", "--allow-unqualified")
    assert run("check", german, *gone, "--on-error", "serve")[0] == 2
    status, out, _ = run("check", german, *gone, "--on-unsure", "review", "--json")
    assert (status, json.loads(out)["profiles"][0]["outcome"]) == (1, "review")
