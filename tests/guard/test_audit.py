"""The log: every decision, no texts unless asked for, changes that show, and what a new policy would flip."""

import json
import multiprocessing

import pytest

from pluralign.errors import ConfigurationError, DataError, StorageError
from pluralign.guard.admission import ProfileRefused
from pluralign.guard.audit import FIRST, AuditLog, read_audit, replay, verify
from pluralign.guard.form import FormLayer
from pluralign.guard.guard import Guard
from pluralign.guard.library import load_reviewed
from pluralign.guard.policy import load_policy
from pluralign.guard.qualification import EnabledJudge
from pluralign.guard.verdict import Ruling, Verdict
from pluralign.profiles import list_profiles, load_profile

POLICY = load_policy()


class Quoting:
    """Refuses one word, and repeats what it judged in its reason."""

    name, version, languages, categories = "quoting", "1", None, None

    def __init__(self, word):
        self.word = word

    def judge(self, documents, *, role):
        text = " ".join(passage.text for passage in documents[0].passages)
        ruling = Ruling.REFUSE if self.word in text else Ruling.SERVE
        return [Verdict(ruling=ruling, layer="judge", backend=self.name, backend_version="1", reason=text)]


def guard(path=None, *, word="silence", texts=False, policy=POLICY) -> Guard:
    return Guard(
        policy=policy,
        form=FormLayer(),
        screen=None,
        judges=(EnabledJudge(Quoting(word), qualified=True),),
        audit=None if path is None else AuditLog(path, texts=texts),
    )


def written(path, *, texts=False, policy=POLICY):
    """A log of a profile that is served, an answer, and a profile that is refused."""
    judging = guard(path, texts=texts, policy=policy)
    approved = judging.admit(load_profile("taoism"))
    judging.check_output("Water yields.", approved)
    with pytest.raises(ProfileRefused):
        judging.admit(load_profile("quakerism"))
    return path


def test_every_decision_is_written_with_its_policy_and_verdicts(tmp_path):
    entries = list(read_audit(written(tmp_path / "new" / "log.jsonl")))
    assert [(entry.number, entry.event.kind, entry.event.outcome) for entry in entries] == [
        (1, "admission", "served"),
        (2, "output", "served"),
        (3, "admission", "refused"),
    ]
    assert entries[0].previous == FIRST
    for entry in entries:
        assert entry.event.policy.digest == POLICY.digest
        assert [verdict.backend for verdict in entry.event.decision.verdicts] == ["form", "quoting"]


def test_texts_are_kept_only_when_asked_for(tmp_path):
    bare = written(tmp_path / "bare.jsonl").read_text()
    for secret in ("Water yields", "rivers", "silence", "priest"):
        assert secret not in bare
    kept = written(tmp_path / "kept.jsonl", texts=True).read_text()
    assert "Water yields" in kept
    assert "rivers" in kept


def test_what_an_overlay_loosened_is_written(tmp_path):
    from pluralign.guard.policy import Overlay

    milder = Overlay(id="milder", title="M", reason="A farm.", actions={"animal_cruelty": "review"})
    policy = POLICY.with_overlays([milder], allow_loosening=True)
    entry = next(read_audit(written(tmp_path / "log.jsonl", policy=policy)))
    assert entry.event.policy.applied == ("milder",)
    assert "animal_cruelty" in entry.event.policy.loosened[0].change


def test_a_sound_log_verifies(tmp_path):
    path = written(tmp_path / "log.jsonl")
    found = verify(path)
    assert (found.n_entries, found.faults) == (3, ())
    assert verify(path, head=found.head).faults == ()


@pytest.mark.parametrize("number", [0, 1])
def test_an_edited_line_shows(tmp_path, number):
    path = written(tmp_path / "log.jsonl")
    lines = path.read_text().splitlines(keepends=True)
    lines[number] = lines[number].replace('"served"', '"review"', 1)
    path.write_text("".join(lines))
    assert any(f"line {number + 2}" in fault for fault in verify(path).faults)


def test_deleted_swapped_and_added_lines_show(tmp_path):
    path = written(tmp_path / "log.jsonl")
    head, lines = verify(path).head, path.read_text().splitlines(keepends=True)
    for changed in (lines[1:], lines[::2], [lines[1], lines[0], lines[2]], [*lines, lines[2]]):
        path.write_text("".join(changed))
        assert verify(path).faults
    for changed in (lines[:2], [*lines[:2], lines[2].replace("refused", "served")], []):
        path.write_text("".join(changed))
        assert not verify(path).faults, "only the head, kept elsewhere, shows a change at the end"
        assert verify(path, head=head).faults


@pytest.mark.parametrize("line", ["", "{}", "no json", "\x00\x01", '{"number": 4}'])
def test_lines_that_are_no_entries_show(tmp_path, line):
    path = written(tmp_path / "log.jsonl")
    with path.open("a") as file:
        file.write(line + "\n")
    assert any("line 4" in fault for fault in verify(path).faults)


def test_what_cannot_be_written_down_is_not_served(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        guard(tmp_path / "file" / "log.jsonl").admit(load_profile("taoism"))
    path = written(tmp_path / "log.jsonl")
    content = path.read_bytes()
    path.write_bytes(content[:-20])
    with pytest.raises(StorageError, match="no whole entry"):
        guard(path).admit(load_profile("taoism"))
    assert path.read_bytes() == content[:-20]


def _write(path, n):
    for _ in range(n):
        guard(path).admit(load_profile("taoism"))


def test_several_processes_write_one_chain(tmp_path):
    path = tmp_path / "log.jsonl"
    processes = [multiprocessing.get_context("fork").Process(target=_write, args=(path, 8)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    found = verify(path)
    assert (found.n_entries, found.faults) == (24, ())


def test_an_override_needs_a_reason_and_somebody(tmp_path):
    path = written(tmp_path / "log.jsonl")
    log = AuditLog(path)
    contents = list(read_audit(path))[-1].event.contents
    given = {"ids": ["quakerism"], "outcome": "served", "policy": POLICY}
    with pytest.raises(ConfigurationError, match="reason"):
        log.override(contents, reason=" ", operator="A. Person", **given)
    head = log.override(contents, reason="The word was meant otherwise.", operator="A. Person", **given)
    entry = list(read_audit(path))[-1]
    assert (entry.event.kind, entry.event.operator) == ("override", "A. Person")
    assert verify(path, head=head).faults == ()


def test_replaying_shows_what_flips_and_writes_nothing(tmp_path):
    path = written(tmp_path / "log.jsonl", texts=True)
    before = path.read_bytes()
    same = replay(path, guard=guard())
    assert (same.flips, same.n_same, same.missing) == ((), 3, {})
    other = replay(path, guard=guard(word="Water"))
    assert [(flip.number, flip.before, flip.after) for flip in other.flips] == [
        (2, Ruling.SERVE, Ruling.REFUSE),
        (3, Ruling.REFUSE, Ruling.SERVE),
    ]
    assert path.read_bytes() == before


def test_without_texts_profiles_are_found_by_hash_and_the_rest_is_said_to_be_missing(tmp_path):
    path = written(tmp_path / "log.jsonl")
    nothing = replay(path, guard=guard())
    assert set(nothing.missing) == {1, 2, 3}
    assert all("texts" in why for why in nothing.missing.values())
    shipped = [load_profile(id) for id in list_profiles()]
    found = replay(path, guard=guard(word="nothing of the kind"), profiles=shipped)
    assert [flip.number for flip in found.flips] == [3]
    assert set(found.missing) == {2}


def test_replaying_under_a_new_policy(tmp_path):
    path = tmp_path / "log.jsonl"
    alone = Guard(
        policy=POLICY,
        form=FormLayer(),
        screen=None,
        audit=AuditLog(path, texts=True),
        reviewed=load_reviewed(),
    )
    alone.admit(load_profile("taoism"))
    found = replay(path, guard=alone, policy=POLICY.with_overlays(["minors"]))
    assert [(flip.before, flip.after) for flip in found.flips] == [(Ruling.SERVE, Ruling.UNSURE)]
    assert len(path.read_text().splitlines()) == 1
    with pytest.raises(ConfigurationError, match="bound"):
        replay(path, guard=guard(), policy=POLICY.with_overlays(["minors"]))


def test_a_log_that_is_not_there(tmp_path):
    for call in (verify, lambda path: list(read_audit(path))):
        with pytest.raises(DataError, match=r"none\.jsonl"):
            call(tmp_path / "none.jsonl")


def test_lines_are_plain_json(tmp_path):
    for line in written(tmp_path / "log.jsonl").read_text().splitlines():
        assert {"number", "time", "previous", "event"} == json.loads(line).keys()
