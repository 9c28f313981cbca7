import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from pluralign.errors import DataError, StorageError
from pluralign.judges import Entailed, Pair
from pluralign.judges.kept import KeptEntailment

A, B, C = Pair("a", "x"), Pair("bb", "x"), Pair("a", "silent")


class Counting:
    """A judge that counts what it is asked; the verdict is told by the premise's length, none for "silent"."""

    threshold = 0.4

    def __init__(self, name: str = "counting", *, fail_after: int | None = None) -> None:
        self.id = name
        self.asked: list[Pair] = []
        self.fail_after = fail_after

    def fingerprint(self):
        return {"judge": self.id}

    def entail(self, pairs: Sequence[Pair]) -> list[Entailed | None]:
        if self.fail_after is not None and len(self.asked) >= self.fail_after:
            raise KeyboardInterrupt
        self.asked += pairs
        return [
            None if p.hypothesis == "silent" else Entailed(1 / (1 + len(p.premise)), 0.125) for p in pairs
        ]


def test_each_pair_is_judged_once_and_order_is_kept(tmp_path: Path):
    judge = Counting()
    kept = KeptEntailment(judge, tmp_path / "deep" / "verdicts.jsonl")
    assert kept.entail([B, A, B]) == [Entailed(1 / 3, 0.125), Entailed(1 / 2, 0.125), Entailed(1 / 3, 0.125)]
    assert judge.asked == [B, A]
    assert kept.entail([A]) == [Entailed(1 / 2, 0.125)]
    again = KeptEntailment(Counting(), kept.path)
    assert again.entail([A, B]) == [Entailed(1 / 2, 0.125), Entailed(1 / 3, 0.125)]
    assert again.n_asked == 0
    assert (again.id, again.threshold, again.fingerprint()) == ("counting", 0.4, {"judge": "counting"})


def test_floats_come_back_bit_for_bit(tmp_path: Path):
    class Odd(Counting):
        def entail(self, pairs):
            return [Entailed(0.1 + 0.2, 1e-17)] * len(pairs)

    first = KeptEntailment(Odd(), tmp_path / "v.jsonl").entail([A])
    assert (
        KeptEntailment(Counting(), tmp_path / "v.jsonl").entail([A]) == first == [Entailed(0.1 + 0.2, 1e-17)]
    )


def test_judges_with_other_fingerprints_share_a_file_and_no_verdict(tmp_path: Path):
    one, two = Counting("one"), Counting("two")
    KeptEntailment(one, tmp_path / "v.jsonl").entail([A])
    KeptEntailment(two, tmp_path / "v.jsonl").entail([A])
    assert one.asked == two.asked == [A]


def test_a_premise_and_a_hypothesis_are_not_run_together(tmp_path: Path):
    judge = Counting()
    KeptEntailment(judge, tmp_path / "v.jsonl").entail([Pair("ab", "c"), Pair("a", "bc")])
    assert len(judge.asked) == 2


def test_what_got_no_verdict_is_tried_again(tmp_path: Path):
    judge = Counting()
    kept = KeptEntailment(judge, tmp_path / "v.jsonl")
    assert kept.entail([C]) == [None]
    assert not kept.path.exists()
    assert kept.entail([C]) == [None]
    assert judge.asked == [C, C]


def test_a_stopped_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("pluralign.judges.kept._BATCH", 2)
    pairs = [Pair("p" * n, "x") for n in range(1, 7)]
    with pytest.raises(KeyboardInterrupt):
        KeptEntailment(Counting(fail_after=4), tmp_path / "v.jsonl").entail(pairs)
    judge = Counting()
    assert KeptEntailment(judge, tmp_path / "v.jsonl").entail(pairs) == Counting().entail(pairs)
    assert judge.asked == pairs[4:]


def test_a_torn_last_line_is_taken_out(tmp_path: Path):
    path = tmp_path / "v.jsonl"
    KeptEntailment(Counting(), path).entail([A, B])
    whole = path.read_bytes()
    path.write_bytes(whole[:-7])
    judge = Counting()
    kept = KeptEntailment(judge, path)
    kept.entail([A, B])
    assert judge.asked == [B]
    assert path.read_bytes() == whole


def test_a_broken_line_is_named(tmp_path: Path):
    path = tmp_path / "v.jsonl"
    line = json.dumps({"key": "k", "entailment_prob": 1.5, "contradiction_prob": 0.0})
    path.write_text(f"{line}\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"v\.jsonl, line 1: not a kept verdict: entailment_prob: .*1\.5"):
        KeptEntailment(Counting(), path)


def test_a_folder_in_place_of_the_file_is_named(tmp_path: Path):
    with pytest.raises(DataError, match="cannot be read"):
        KeptEntailment(Counting(), tmp_path)


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot be written"):
        KeptEntailment(Counting(), tmp_path / "file" / "v.jsonl").entail([A])
