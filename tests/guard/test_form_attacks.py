"""The form layer on whole sets: the attacks, the shipped profiles, and convictions that must be served."""

import json
from collections import Counter

import pytest

from pluralign.guard.form import FormLayer, document_of
from pluralign.guard.verdict import Document, Passage, Ruling
from pluralign.profiles import list_profiles, load_profile
from pluralign.resources import resource_folder

ATTACKS = resource_folder("evals") / "guard" / "data" / "attacks.jsonl"
MAY_BE = {
    "refused_by_form": {Ruling.REFUSE},
    "escalate": {Ruling.UNSURE},
    "contained": {Ruling.SERVE, Ruling.UNSURE},
    "serve": {Ruling.SERVE},
}


def rows(path):
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def rulings(texts):
    documents = [
        Document(passages=tuple(Passage(field=f"values[{i}].statement", text=t) for i, t in enumerate(each)))
        for each in texts
    ]
    return [verdict.ruling for verdict in FormLayer().judge(documents, role="profile")]


def test_every_attack_gets_the_ruling_that_is_expected_of_it():
    attacks = rows(ATTACKS)
    wrong = [
        (attack["id"], attack["expected"], ruling.value)
        for attack, ruling in zip(attacks, rulings([[a["text"]] for a in attacks]), strict=True)
        if ruling not in MAY_BE[attack["expected"]]
    ]
    assert wrong == []
    assert len(attacks) >= 300


@pytest.mark.parametrize(
    "role", ["dilution_en", "mention_en", "unpopular_en", "contrast_en", "contrast_ar", "contrast_zh"]
)
def test_no_opinion_is_a_fault_of_form(role):
    """Acceptable or not: what is said is for the layers behind this one."""
    texts = [[row["text"]] for row in rows(ATTACKS.parent / f"{role}.jsonl")]
    assert Counter(rulings(texts)) == {Ruling.SERVE: len(texts)}


def test_every_shipped_profile_is_served():
    verdicts = FormLayer().judge([document_of(load_profile(id)) for id in list_profiles()], role="profile")
    assert [v.reason for v in verdicts if v.ruling != Ruling.SERVE] == []


def test_convictions_by_others_are_served(shared_data):
    folder = shared_data / "guard"
    statements = [[row["statement"]] for row in rows(folder / "must_serve_statements.jsonl")]
    constitutions = [row["criteria"] for row in rows(folder / "constitutions.jsonl")]
    assert Counter(rulings(statements)) == {Ruling.SERVE: 6900}
    assert Counter(rulings(constitutions)) == {Ruling.SERVE: 39}
