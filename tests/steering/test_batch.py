"""Many prompts for many profiles: order, grouping, rows on disk, resuming, failures and interruption."""

import json

import pytest

from pluralign.errors import ConfigurationError, InterruptedRunError, StorageError
from pluralign.records import Outcome
from pluralign.steering import Steerer
from pluralign.steering.batch import ROWS, UNITS_PER_CALL

PROMPTS = [f"Question {i}?" for i in range(150)]


def steerer_of(kit, **options):
    return Steerer(kit.Speaker(**options), kit.guard(), nonce="n")


def test_results_come_in_the_order_of_the_input_and_are_asked_profile_by_profile(kit, bees, cats, tmp_path):
    steerer, seen = steerer_of(kit), []
    found = steerer.generate_many(
        PROMPTS, profiles=[cats, bees], out=tmp_path, progress=lambda *done: seen.append(done)
    )

    assert [(each.prompt, each.profile_id) for each in found] == [
        (number, id) for number in range(150) for id in ("cats", "bees")
    ]
    assert found[6].text == steerer.generate(PROMPTS[3], profile=cats)[0].text
    asked = [
        "cats" if "I feed cats." in prompt.messages[0].content else "bees" for prompt in steerer.model.prompts
    ]
    assert asked[:300] == ["cats"] * 150 + ["bees"] * 150
    assert len(steerer.model.calls) <= 2 + 300 // UNITS_PER_CALL + 1
    assert seen[-1] == (300, 300)
    results = json.loads((tmp_path / "results.json").read_text())
    assert (results["n_draws"], results["outcomes"], results["n_withheld"]) == (300, {"ok": 300}, 0)
    assert results["profiles"] == {"cats": 150, "bees": 150}
    assert json.loads((tmp_path / "run.json").read_text())["status"] == "complete"


def test_a_batch_of_a_mixture_gives_what_single_calls_give(kit, bees, cats, tmp_path):
    steerer = steerer_of(kit)
    mixture = [(bees, 1), (cats, 2)]
    found = steerer.generate_many(PROMPTS[:20], profiles=[mixture], out=tmp_path, n=3, seed=4)
    alone = [
        draw for prompt in PROMPTS[:20] for draw in steerer.generate(prompt, profile=mixture, n=3, seed=4)
    ]

    assert [(each.profile_id, each.draw, each.text) for each in found] == [
        (each.profile_id, each.draw, each.text) for each in alone
    ]
    assert {each.profile_id for each in found} == {"bees", "cats"}
    assert len({each.key for each in found}) == 60


def test_the_same_call_again_asks_only_what_is_missing(kit, bees, cats, tmp_path):
    def run(model_options=None):
        steerer = Steerer(kit.Speaker(**(model_options or {})), kit.guard())
        return steerer, steerer.generate_many(PROMPTS, profiles=[bees, [bees, cats]], out=tmp_path, n=2)

    _, whole = run()
    again, same = run()
    assert (again.model.calls, same) == ([], whole)

    rows = (tmp_path / ROWS).read_text(encoding="utf-8").splitlines(keepends=True)
    # A kill left whole rows and half a line.
    (tmp_path / ROWS).write_text("".join(rows[:501]) + rows[501][:40], encoding="utf-8")
    resumed, same = run()
    assert same == whole
    assert 0 < len(resumed.model.prompts) <= 100
    assert len((tmp_path / ROWS).read_text(encoding="utf-8").splitlines()) == 600


def test_a_prompt_that_fails_costs_no_other_and_is_asked_again(kit, bees, tmp_path):
    broken = steerer_of(kit, fails_on="Question 7?")
    found = broken.generate_many(PROMPTS[:10], profiles=[bees], out=tmp_path)
    assert [each.outcome for each in found].count(Outcome.ERROR) == 1
    assert (found[7].error, found[7].text) == ("the script fails here", "")
    assert json.loads((tmp_path / "run.json").read_text())["status"] == "incomplete"

    whole = steerer_of(kit)
    again = whole.generate_many(PROMPTS[:10], profiles=[bees], out=tmp_path)
    assert [each.outcome for each in again] == [Outcome.OK] * 10
    assert len(whole.model.prompts) == 1
    assert json.loads((tmp_path / "run.json").read_text())["status"] == "complete"


def test_what_was_answered_before_ctrl_c_is_on_disk(kit, bees, tmp_path):
    steerer = steerer_of(kit)

    def stop(finished, planned):
        raise KeyboardInterrupt

    with pytest.raises(InterruptedRunError, match=f"after {UNITS_PER_CALL} of 150"):
        steerer.generate_many(PROMPTS, profiles=[bees], out=tmp_path, progress=stop)
    assert len((tmp_path / ROWS).read_text(encoding="utf-8").splitlines()) == UNITS_PER_CALL


def test_a_folder_with_another_run_is_refused(kit, bees, cats, tmp_path):
    steerer = steerer_of(kit)
    steerer.generate_many(PROMPTS[:2], profiles=[bees], out=tmp_path)
    for change in ({"seed": 1}, {"temperature": 0.5}, {"n": 2}):
        with pytest.raises(StorageError, match="another plan"):
            steerer.generate_many(PROMPTS[:2], profiles=[bees], out=tmp_path, **change)
    with pytest.raises(StorageError, match="speakers"):
        steerer.generate_many(PROMPTS[:2], profiles=[cats], out=tmp_path)


def test_nothing_to_do_is_said(kit, bees, tmp_path):
    steerer = steerer_of(kit)
    for prompts, profiles, words in [
        ([], [bees], "prompts: give a sequence"),
        ("Why?", [bees], "prompts: give a sequence"),
        (["Why?"], [], "profiles: give a sequence"),
        (["Why?"], "bees", "profiles: give a sequence"),
    ]:
        with pytest.raises(ConfigurationError, match=words):
            steerer.generate_many(prompts, profiles=profiles, out=tmp_path)
