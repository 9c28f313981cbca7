"""Sources that lie on the hub or are got by hand, on small tables of their published columns."""

import json

import numpy as np
import pytest

from pluralign.errors import DataError
from pluralign.spectrum.suite import DataPlace
from pluralign.spectrum.suite import source as source_module
from pluralign.spectrum.suite.helpsteer import ATTRIBUTES
from pluralign.spectrum.suite.source import read_columns

datasets = pytest.importorskip("datasets")


def table(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def reply(prompt, text, *ratings):
    return {"prompt": prompt, "response": text, **dict(zip(ATTRIBUTES, ratings, strict=True))}


def test_helpsteer_users_choose_by_a_linear_utility(tmp_path, rows_of):
    rng = np.random.default_rng(0)
    rated = rng.integers(0, 5, size=(60, 2, 5)).tolist()
    replies = [
        reply(f"p{i}", f"{i} {side}", *ratings)
        for i, pair in enumerate(rated)
        for side, ratings in zip("AB", pair, strict=True)
    ]
    alike = [reply("same", "x", 1, 1, 1, 1, 1), reply("same", "y", 1, 1, 1, 1, 1)]
    table(tmp_path / "helpsteer2.jsonl", [*replies, *alike, reply("alone", "z", 4, 4, 4, 4, 4)])
    rows = rows_of("helpsteer", tmp_path, mean_examples=200, max_examples=200)

    for index in range(5):
        examples = rows.row(index).examples
        differences, signs = [], []
        for example in examples:
            shown = json.loads(example.input)
            number = int(shown["prompt"][1:])
            assert shown == {"prompt": f"p{number}", "A": f"{number} A", "B": f"{number} B"}
            differences.append(np.subtract(*rated[number]))
            signs.append(1 if example.output == "A" else -1)
        # A utility without an intercept separates the choices: the perceptron finds one.
        margins, weights = np.array(differences) * np.array(signs)[:, None], np.zeros(5)
        for _ in range(200_000):
            wrong = np.flatnonzero(margins @ weights <= 0)
            if not len(wrong):
                break
            weights += margins[wrong[0]]
        assert (margins @ weights > 0).all()
    assert len({rows.row(index).examples[0].output for index in range(20)}) == 2


def test_helpsteer_without_pairs_is_refused(tmp_path, rows_of):
    table(tmp_path / "helpsteer2.jsonl", [reply("a", "x", 1, 1, 1, 1, 1), reply("b", "y", 1, 1, 1, 1, 1)])

    with pytest.raises(DataError, match="no prompt has two replies"):
        rows_of("helpsteer", tmp_path)
    table(tmp_path / "helpsteer2.jsonl", [{"prompt": "a"}])
    with pytest.raises(DataError, match="the column 'response' is missing"):
        rows_of("helpsteer", tmp_path)


def test_the_hub_is_asked_with_the_revision(monkeypatch):
    asked = []
    monkeypatch.setattr(source_module, "load_rows", lambda path, **given: asked.append((path, given)) or [])
    place = DataPlace(hub=True, revisions=(("imdb", "abc123"),))
    read_columns(place, "imdb", hub_id="stanfordnlp/imdb", columns=("text",), source="imdb")

    assert asked == [
        (
            "stanfordnlp/imdb",
            {"hub_id": "stanfordnlp/imdb", "columns": ("text",), "revision": "abc123", "split": "train"},
        )
    ]
    with pytest.raises(DataError, match="imdb: is not in the folder of data, and the hub is not to be asked"):
        read_columns(DataPlace(), "imdb", hub_id="x", columns=(), source="imdb")


def test_dices(tmp_path, rows_of):
    header = "rater_id,rater_gender,rater_race,rater_age,rater_education,item_id,context,response,Q_overall\n"
    lines = (
        "7,Woman,Asian,gen z,,1,hi,no,Yes\n7,Woman,Asian,gen z,,2,ho,yes,No\n8,Man,,gen x,,1,hi,no,Unsure\n"
    )
    path = tmp_path / "dices/350/diverse_safety_adversarial_dialog_350.csv"
    path.parent.mkdir(parents=True)
    path.write_text(header + lines, encoding="utf-8")
    rows = rows_of("dices_350", tmp_path, description_keep_prob=1.0)

    assert rows.opened.n_rows == 1
    found = {(example.input, example.output) for example in rows.row(0).examples}
    assert found == {("hi\n\nReply: no", "unsafe"), ("ho\n\nReply: yes", "safe")}
    path.write_text(header + lines + "8,Man,,gen x,,2,ho,yes,Maybe\n", encoding="utf-8")
    with pytest.raises(
        DataError, match=r"_350\.csv, line 5, column Q_overall: Yes, No, Unsure is needed, not 'Maybe'"
    ):
        rows_of("dices_350", tmp_path)


def utterance(user, conversation, number, score, *, turn=0, kind="unguided"):
    return {
        "user_id": user,
        "conversation_id": conversation,
        "turn": turn,
        "within_turn_id": number,
        "conversation_type": kind,
        "user_prompt": f"ask {conversation}",
        "model_response": f"reply {number}",
        "score": score,
        "if_chosen": number == 1,
    }


def test_prism(tmp_path, rows_of):
    turns = [utterance("u1", f"c{c}", number, 10 * number + c) for c in range(3) for number in (2, 0, 1, 3)]
    turns.append(utterance("u1", "c0", 0, 5, turn=1))
    person = {
        "user_id": "u1",
        "age": "25-34 years old",
        "gender": "Prefer not to say",
        "education": "",
        "employment_status": "",
        "marital_status": "",
        "english_proficiency": "Fluent",
        "study_locale": "uk",
    }
    table(tmp_path / "prism/utterances.jsonl", turns)
    table(tmp_path / "prism/survey.jsonl", [person, {**person, "user_id": "u2"}])
    rows = rows_of("prism_preferences", tmp_path, description_keep_prob=1.0)

    assert rows.opened.n_rows == 1
    examples = {
        json.loads(e.input)["prompt"]: (json.loads(e.input), json.loads(e.output))
        for e in rows.row(0).examples
    }
    assert set(examples) == {"ask c0", "ask c1", "ask c2"}
    given, chosen = examples["ask c1"]
    assert given == {"prompt": "ask c1", "A": "reply 0", "B": "reply 1", "C": "reply 2", "D": "reply 3"}
    assert chosen == {"choice": "B", "scores": {"A": 1, "B": 11, "C": 21, "D": 31}}
    assert "Prefer not to say" not in rows.row(0).description
    prompts = rows_of("prism_prompts", tmp_path).row(0)
    assert {example.output for example in prompts.examples} == {"ask c0", "ask c1", "ask c2"}


def test_opinionqa(tmp_path, rows_of):
    folder = tmp_path / "human_resp/American_Trends_Panel_W26"
    folder.mkdir(parents=True)
    info = "key,question,references\n" + "".join(
        f"Q{i},Ask {i}?,\"['Yes', 'No', 'Refused']\"\n" for i in range(3)
    )
    (folder / "info.csv").write_text(info, encoding="utf-8")
    (folder / "responses.csv").write_text(
        "Q0,Q1,Q2,AGE,SEX\nYes,No,Refused,30-49,Female\nNo,,,65+,Refused\n", encoding="utf-8"
    )
    rows = rows_of("opinionqa_individual", tmp_path, description_keep_prob=1.0)

    assert rows.opened.n_rows == 1
    found = {(example.input, example.output) for example in rows.row(0).examples}
    assert found == {("Ask 0?\nA. Yes\nB. No", "A"), ("Ask 1?\nA. Yes\nB. No", "B")}
    (folder / "info.csv").write_text("key,question,references\nQ0,Ask?,Yes\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"info\.csv, line 2, column references: a list of options"):
        rows_of("opinionqa_individual", tmp_path)


def test_imdb_keeps_short_reviews(tmp_path, rows_of):
    table(
        tmp_path / "imdb.jsonl",
        [
            {"text": "Fine.<br />Yes", "label": 1},
            {"text": "Dull.", "label": 0},
            {"text": "x" * 601, "label": 0},
        ],
    )

    found = {(example.input, example.output) for example in rows_of("imdb", tmp_path).row(0).examples}
    assert found == {("Fine.\nYes", "positive"), ("Dull.", "negative")}
    table(tmp_path / "imdb.jsonl", [{"text": "Fine.", "label": -1}])
    with pytest.raises(DataError, match="imdb, row 1, column label: 0 or 1 is needed, not -1"):
        rows_of("imdb", tmp_path)


def test_jeopardy_and_valueprism(tmp_path, rows_of):
    clue = {"category": "ART", "question": "He cut his ear", "answer": "Van Gogh"}
    table(tmp_path / "jeopardy.jsonl", [clue, {**clue, "answer": "Vincent"}, {**clue, "answer": None}])
    found = {
        (example.input, example.output) for example in rows_of("jeopardy_answer", tmp_path).row(0).examples
    }
    given = '{"category": "ART", "clue": "He cut his ear"}'
    assert found == {(given, "Van Gogh"), (given, "Vincent")}

    weighed = {"situation": "Lying", "vrd": "Duty", "text": "Honesty", "explanation": "Trust needs it"}
    table(tmp_path / "valueprism.jsonl", [weighed, {**weighed, "situation": "Stealing"}])
    found = {example.output for example in rows_of("valueprism_situation", tmp_path).row(0).examples}
    assert found == {"Lying", "Stealing"}
    (first, _) = rows_of("valueprism_consideration", tmp_path).row(0).examples
    assert json.loads(first.output) == {"kind": "Duty", "name": "Honesty", "why": "Trust needs it"}


def test_global_opinions(tmp_path, rows_of):
    rows = [
        {
            "question": f"Ask {i}?",
            "selections": "defaultdict(<class 'list'>, {'France': [0.25, 0.75], 'Spain': [0.5, 0.5]})",
            "options": "['Yes', 'No']",
            "source": "GAS",
        }
        for i in range(2)
    ]
    table(tmp_path / "global_opinions.jsonl", rows)
    opened = rows_of("global_opinions", tmp_path)
    built = {row.description: row for row in (opened.row(0), opened.row(1))}

    assert opened.opened.n_rows == 2
    row = next(row for text, row in built.items() if "live in France" in text)
    assert {example.output for example in row.examples} == {'{"Yes": "25%", "No": "75%"}'}
