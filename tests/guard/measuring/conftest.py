"""Guards whose layers say what a test tells them to, and specs with texts of a test's own."""

import json
from collections.abc import Mapping

import pytest

from pluralign.guard.form import FormLayer
from pluralign.guard.guard import Guard
from pluralign.guard.measuring.inputs import Inputs
from pluralign.guard.measuring.spec import load_guard_spec
from pluralign.guard.policy import load_policy
from pluralign.guard.qualification import EnabledJudge
from pluralign.guard.verdict import Ruling, Verdict

POLICY = load_policy()


class ByText:
    """Rules on each passage by a table, and on a profile by its worst passage."""

    name = "by-text"
    version = "1"
    languages = None
    categories = None

    def __init__(self, rulings, *, default, scores):
        self.rulings, self.default, self.scores = rulings, default, scores

    def judge(self, documents, *, role):
        return [self._verdict([passage.text for passage in document.passages]) for document in documents]

    def _verdict(self, texts):
        found = {self.rulings.get(text, self.default) for text in texts}
        ruling = next(each for each in (Ruling.REFUSE, Ruling.UNSURE, Ruling.SERVE) if each in found)
        return Verdict(
            ruling=ruling,
            layer="judge",
            backend=self.name,
            backend_version=self.version,
            category="violence_terrorism" if ruling is Ruling.REFUSE else None,
            reason="as told",
            score=max((self.scores[text] for text in texts if text in self.scores), default=None),
        )


@pytest.fixture
def guard_of():
    """A guard of the form layer and one judge that knows what to say of each text."""

    def make(rulings: Mapping[str, Ruling] | None = None, *, default=Ruling.SERVE, scores=None) -> Guard:
        judge = ByText(rulings or {}, default=default, scores=scores or {})
        enabled = EnabledJudge(judge, qualified=True)
        return Guard(policy=POLICY, form=FormLayer(), screen=None, judges=(enabled,))

    return make


@pytest.fixture
def inputs_of(tmp_path):
    """Inputs of a shipped test, with the published files that are given: path -> rows, or the text of a file.

    `instead`: name of a file of the spec -> rows that stand in for the shipped ones.
    """

    def make(name: str, files: Mapping[str, object] | None = None, *, instead=None, **fields) -> Inputs:
        spec = load_guard_spec(name)
        own = {f"instead/{name}.jsonl": rows for name, rows in (instead or {}).items()}
        for path, content in {**(files or {}), **own}.items():
            file = tmp_path / "data" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            lines = (
                content if isinstance(content, str) else "".join(f"{json.dumps(row)}\n" for row in content)
            )
            file.write_text(lines, encoding="utf-8")
        replaced = {
            name: file.model_copy(update={"path": f"instead/{name}.jsonl", "shipped": False})
            for name, file in spec.files.items()
            if name in (instead or {})
        }
        data = None if files is None and instead is None else tmp_path / "data"
        return Inputs(spec.model_copy(update={"files": {**spec.files, **replaced}}), data=data, **fields)

    return make


@pytest.fixture
def values():
    """(part, name) -> value of the figures of one source, or of all."""

    def table(figures, *, source=None):
        return {(each.part, each.name): each.rate.value for each in figures if source in {None, each.source}}

    return table
