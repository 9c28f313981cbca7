"""The code in docs/raters.md runs, with scripts in place of the models and of training."""

import re
from pathlib import Path
from types import SimpleNamespace

import pluralign.spectrum
from pluralign.data.loaded import Loaded
from pluralign.evaluation import rater_plan
from pluralign.models import ScriptedModel

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "raters.md").read_text(encoding="utf-8")


def test_the_page_s_code_runs(make_town, monkeypatch, tmp_path, capsys):
    trained = []

    def train(recipe, *, sequences, output_dir):
        trained.append((recipe, sequences))
        return SimpleNamespace(path=output_dir / "adapter")

    draws = "- I like cats a lot\n- I like dogs too\n- I dislike politics"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pluralign.spectrum, "train", train)
    monkeypatch.setattr(rater_plan, "load_source", lambda *_: Loaded(make_town()))
    monkeypatch.setattr(rater_plan, "load_model", lambda name: ScriptedModel(name, draws=lambda *_: draws))
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    exec(compile(block, "docs/raters.md", "exec"), {})
    ((recipe, rows),) = trained
    assert recipe.tasks == {"raters": len(rows)}
    assert len(rows) == 6 * 6
    assert "The profile inferred from the rater's other ratings" in capsys.readouterr().out


def test_every_metric_and_representation_is_on_the_page():
    from pluralign.raters import Given
    from pluralign.raters.information import _DEFINITIONS

    for name in [*_DEFINITIONS, *(given.value for given in Given)]:
        assert f"`{name}`" in PAGE
