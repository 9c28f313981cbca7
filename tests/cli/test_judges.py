import csv
import json

import numpy as np
import pytest

from pluralign.cli import main
from pluralign.judges.entailment import Entailed
from pluralign.judges.validation import load_validation

LEVELS = ["not at all", "poorly", "somewhat", "mostly", "perfectly"]
STATEMENTS = ["Tea is good.", "Tea is very bad indeed.", "Tea is much too dear for most of us."]
COLUMNS = [
    "user_id",
    "step",
    "question_type",
    "question_text",
    "button_label",
    "json_choices",
    "choice",
    "choice_numeric",
    "text",
    "answer_date",
    "sample_type",
]


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Run `judge validate` in this process: (exit status, stdout, stderr with spaces folded)."""
    monkeypatch.setenv("PLURALIGN_CACHE", str(tmp_path / "cache"))

    def command(*arguments):
        status = main(["judge", "validate", *(str(argument) for argument in arguments)])
        out, err = capsys.readouterr()
        return status, out, " ".join(err.split())

    return command


@pytest.fixture
def folder(tmp_path):
    """A survey in the published form: 12 people of two camps, each with one free answer."""
    path = tmp_path / "surveys" / "chatbot_personalization_survey.csv"
    path.parent.mkdir()
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="")
        writer.writeheader()
        for person in range(12):
            who = {"user_id": f"generation{person}", "sample_type": "generation"}
            text = "I love tea." if person % 2 else "I hate tea."
            writer.writerow(
                who | {"question_type": "text", "question_text": "Tea\nWhat of tea?", "text": text}
            )
            for step, statement in enumerate(STATEMENTS):
                level = (4 if (person % 2) == (step == 0) else 0) + (1 if step == 2 and person % 2 else 0)
                writer.writerow(
                    who
                    | {
                        "step": step,
                        "question_type": "multiple choice + text",
                        "question_text": f'Rating\nConsider this:\n"{statement}"\nDo you agree?',
                        "json_choices": json.dumps(LEVELS),
                        "choice": LEVELS[level],
                        "choice_numeric": float(level),
                        "text": "Because.",
                    }
                )
    return path.parent


class Camp:
    """A judge that holds tea's friends to agree with its praise only, in either direction."""

    id = "camp@1"
    threshold = 0.5

    def fingerprint(self):
        return {"judge": self.id}

    def entail(self, pairs):
        return [
            Entailed(0.9 if ("love" in " ".join(pair)) == ("good" in " ".join(pair)) else 0.1, 0.05)
            for pair in pairs
        ]


@pytest.fixture
def camp(monkeypatch):
    asked = []

    def load(name, *, device, cache):
        asked.append((name, device, cache))
        return Camp()

    monkeypatch.setattr("pluralign.judges.load_entailment", load)
    return asked


def test_a_judge_is_measured_and_kept(run, folder, camp):
    status, out, err = run("--data", folder, "--judge", "nli:some/model", "--verdicts", folder / "v.jsonl")

    assert status == 0
    assert camp == [("nli:some/model", "auto", folder / "v.jsonl")]
    assert "judge camp@1" in out
    assert "12 people, 3 statements, 36 ratings of 0 to 4; own words: free answers" in out
    assert "mean entailment: mean probability that the statement entails" in out
    assert "response-blind: mean of the person's other ratings" in out
    assert "It beats the response-blind baseline on every sample." in out
    assert "bootstrap over people" in out
    assert "validation:" in err
    found = load_validation("camp@1", fingerprint={"judge": "camp@1"})
    assert found.samples[0].id == "chatbot_personalization_survey/generation"


def test_json_holds_the_record_and_the_verdicts(run, folder, camp, tmp_path):
    status, out, _ = run(
        "--data", folder, "--survey", "chatbot", "--json", "--out", tmp_path / "kept", "--seed", 3
    )

    found = json.loads(out)
    assert status == 0
    assert found["warning"] is None
    assert found["validation"]["seed"] == 3
    assert found["verdicts"]["chatbot_personalization_survey/generation"]["beats_blind"] is True
    (kept,) = (tmp_path / "kept").glob("camp-1-*.json")
    assert json.loads(kept.read_text()) == found["validation"]
    assert load_validation("camp@1", fingerprint={"judge": "camp@1"}) is None


class Blind:
    """An embedder to which all texts are alike."""

    id = "blind"

    def fingerprint(self):
        return {"embedder": self.id}

    def embed(self, texts):
        return np.ones((len(texts), 1), dtype=np.float32)


def test_the_cosine_that_sees_nothing(run, folder, monkeypatch):
    monkeypatch.setattr("pluralign.models.embedding.load_embedder", lambda name, device: Blind())
    status, out, _ = run("--data", folder, "--judge", "cosine")

    assert status == 0
    assert "judge cosine:blind" in out
    assert "Warning: The judge cosine:blind does not beat a baseline that never reads the response" in out


def test_what_cannot_be_measured(run, folder, camp, tmp_path):
    status, _, err = run("--data", tmp_path)
    assert (status, "holds no survey" in err) == (2, True)
    status, _, err = run("--data", folder, "--survey", "chatbt")
    assert (status, "chatbot" in err) == (2, True)
    status, _, err = run("--data", folder, "--judge", "cosine", "--verdicts", tmp_path / "v.jsonl")
    assert (status, "--verdicts" in err) == (2, True)


def test_an_unknown_judge(run, folder):
    status, _, err = run("--data", folder, "--judge", "embeded")
    assert (status, "embedded" in err) == (2, True)
