from pathlib import Path

import pytest

from pluralign.errors import ConfigurationError
from pluralign.judges import JUDGES, Pair, load_entailment
from pluralign.judges.kept import KeptEntailment
from pluralign.judges.prompted import PromptedEntailment


def test_a_model_is_loaded_as_a_judge():
    judge = load_entailment("model:scripted:uniform")
    assert isinstance(judge, PromptedEntailment)
    assert judge.entail([Pair("a", "b")])[0].entailment_prob == pytest.approx(1 / 3)


def test_a_cache_is_put_around_it(tmp_path: Path):
    judge = load_entailment("model:scripted:uniform", cache=tmp_path / "v.jsonl")
    assert isinstance(judge, KeptEntailment)
    judge.entail([Pair("a", "b")])
    assert (tmp_path / "v.jsonl").read_text(encoding="utf-8").count("\n") == 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("embeded", r"Unknown judge 'embeded'\. Did you mean 'embedded'\?"),
        ("", r"Unknown judge ''.*embedded, model:<model name>, nli:<hub id or folder>"),
        ("nli", r"'nli' is not complete: it is named nli:<hub id or folder>"),
        ("model:", r"'model:' is not complete"),
        ("embedded:large", r"takes nothing behind its name, and 'embedded:large' has 'large'"),
    ],
)
def test_names_that_are_none(name: str, message: str):
    with pytest.raises(ConfigurationError, match=message):
        load_entailment(name)


def test_every_judge_can_be_imported():
    for name in JUDGES:
        assert callable(JUDGES.get(name))
