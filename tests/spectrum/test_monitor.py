import pytest
import torch

from pluralign.spectrum.ablations import with_loss_on
from pluralign.spectrum.format import Example, SpectrumFormat, SpectrumSequence
from pluralign.spectrum.monitor import Monitor, TokenGroups, position_bucket


def test_buckets_of_places_in_context():
    found = [position_bucket(n) for n in (0, 1, 2, 3, 4, 7, 8, 15, 16, 500)]
    assert found == ["0", "1", "2-3", "2-3", "4-7", "4-7", "8-15", "8-15", "16+", "16+"]


def test_tokens_count_to_their_task_and_place(chatml):
    spectrum = SpectrumFormat.from_tokenizer(chatml)
    examples = tuple(Example(output="heads") for _ in range(4))
    groups = TokenGroups(["die", "coin"])

    def places(description, where="outputs"):
        row = spectrum.encode(
            SpectrumSequence(description=description, examples=examples, task="coin"), max_length=500
        )
        row = with_loss_on(row, where)
        found = groups.of(row)
        assert [group >= 0 for group in found] == [label != -100 for label in row.labels]
        return list(dict.fromkeys(groups.names(group) for group in found if group >= 0))

    assert places("Coin") == [("coin", "0"), ("coin", "1"), ("coin", "2-3")]
    assert places(None) == [("coin", "1"), ("coin", "2-3")]
    assert places(None, "all_tokens") == [("coin", name) for name in ("no_output", "0", "1", "2-3")]


def test_the_sums_by_hand():
    groups = TokenGroups(["a", "b"])
    monitor = Monitor(groups)
    first_of_b = len(groups) // 2
    monitor.add(torch.tensor([1.0, 2.0]), groups=torch.tensor([0, 1]), n_tokens=torch.tensor(10))
    monitor.add(torch.tensor([6.0]), groups=torch.tensor([first_of_b]), n_tokens=torch.tensor(2))
    found = monitor.take(n_processes=1)
    speed = found.pop("supervised_tokens_per_second")

    assert speed > 0
    assert found == {
        "loss_by_task/a": 1.5,
        "n_by_task/a": 2,
        "loss_by_task/b": 6.0,
        "n_by_task/b": 1,
        "loss_by_position/0": 3.5,
        "n_by_position/0": 2,
        "loss_by_position/1": 2.0,
        "n_by_position/1": 1,
        "n_supervised": 3,
        "n_tokens": 12,
        "loss_share": 0.25,
    }
    assert monitor.take(n_processes=1) == {}


def test_pauses_are_no_part_of_the_speed(monkeypatch):
    now = iter([0.0, 10.0, 17.0, 19.0])  # made, pause begins, pause ends, taken
    monkeypatch.setattr("pluralign.spectrum.monitor.time.monotonic", lambda: next(now))
    monitor = Monitor(TokenGroups(["a"]))
    monitor.add(torch.ones(24), groups=torch.zeros(24, dtype=torch.long), n_tokens=torch.tensor(24))
    with monitor.paused():
        pass

    assert monitor.take(n_processes=1)["supervised_tokens_per_second"] == pytest.approx(24 / 12)
