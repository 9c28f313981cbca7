"""A survey of one's own as a file, and the spec that asks it."""

import json

import pytest

from pluralign.evaluation import EvalSpec

GROUPS = {"all": None, "party=A": "vote for A", "party=B": "vote for B"}


def _row(index, options=("yes", "no", "maybe")):
    return {
        "id": f"q{index}",
        "text": f"Do you like number {index}?",
        "options": [{"text": text, "value": place} for place, text in enumerate(options)],
        "counts": {
            "all": [40 + index, 30, 30],
            "party=A": [30, 10 + index, 10],
            "party=B": [10, 20, 20 + index],
        },
    }


@pytest.fixture
def survey(tmp_path):
    """The path of six questions with three groups."""
    path = tmp_path / "survey.jsonl"
    path.write_text("".join(json.dumps(_row(index)) + "\n" for index in range(6)), encoding="utf-8")
    return path


@pytest.fixture
def spec(survey):
    """A spec that asks the survey of its groups."""
    return EvalSpec.model_validate({
        "id": "mine/numbers",
        "version": "1-A",
        "title": "Numbers",
        "evaluator": "distributional",
        "data": {
            "adapter": "file",
            "arguments": {
                "path": str(survey),
                "group_texts": {group: text for group, text in GROUPS.items() if text},
            },
        },
        "source": {"name": "asked at home", "licence": "CC0-1.0"},
        "conditions": "groups",
    })


@pytest.fixture
def make_row():
    return _row
