import hashlib
import json
import threading

import pytest

from pluralign.errors import StorageError
from pluralign.serve.audit import AuditTrail, Trail
from pluralign.serve.refusals import GatewayError


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def written(path, *, texts=False, **fields):
    trail = AuditTrail(path, texts=texts)
    trail.open()
    trail.write(Trail(id="1", route="chat", **fields), seconds=0.12345)
    trail.close()
    return rows(path)[-1]


def test_a_line_has_hashes_and_lengths(tmp_path):
    row = written(
        tmp_path / "new" / "audit.jsonl", prompt=("a", "bc"), answer=["d"], status=200, outcome="answered"
    )
    assert row["prompt_sha256"] == hashlib.sha256(b"a\nbc").hexdigest()
    assert (row["n_prompt_characters"], row["n_answer_characters"]) == (3, 1)
    assert row["seconds"] == 0.1235 or row["seconds"] == 0.1234
    assert not {"prompt", "answer", "code", "profile"} & row.keys()


def test_texts_are_kept_where_asked(tmp_path):
    row = written(tmp_path / "audit.jsonl", texts=True, prompt=("a \ud800",), answer=[])
    assert (row["prompt"], row["answer"]) == (["a \ud800"], [])
    assert "answer_sha256" not in row


def test_only_its_owner_reads_it(tmp_path):
    written(tmp_path / "audit.jsonl")
    assert (tmp_path / "audit.jsonl").stat().st_mode & 0o777 == 0o600


def test_lines_of_several_writers_stay_whole(tmp_path):
    path = tmp_path / "audit.jsonl"

    def write():
        trail = AuditTrail(path, texts=True)
        trail.open()
        for number in range(100):
            trail.write(Trail(id=str(number), route="chat", prompt=["x" * 5000]), seconds=0.0)
        trail.close()

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(rows(path)) == 400


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        AuditTrail(tmp_path / "file" / "audit.jsonl").open()


def test_a_full_disk_is_an_error_and_counted(tmp_path, monkeypatch):
    trail = AuditTrail(tmp_path / "audit.jsonl")
    trail.open()
    monkeypatch.setattr("pluralign.serve.audit.os.write", lambda *_: 3)
    with pytest.raises(GatewayError, match="so it is not answered"):
        trail.write(Trail(id="1", route="chat"), seconds=0.0)
    assert trail.n_lost == 1


def test_without_a_file_nothing_is_written():
    trail = AuditTrail(None)
    trail.open()
    trail.write(Trail(id="1", route="chat"), seconds=0.0)
    trail.close()
