"""Whatever is put before the guard: a clear error, a refusal or doubt; never a crash, never a pass."""

import socket
import threading

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pluralign.errors import ConfigurationError, PluralignError
from pluralign.guard.admission import ProfileRefused
from pluralign.guard.form import FormLayer
from pluralign.guard.guard import Guard
from pluralign.guard.judges import Endpoint, make_judge
from pluralign.guard.policy import load_policy
from pluralign.guard.qualification import enable
from pluralign.guard.verdict import Ruling
from pluralign.profiles import load_profile

POLICY = load_policy()
PROFILE = load_profile("taoism").model_dump(mode="json") | {"id": "mine"}
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(9)
)
FILES = {
    "bomb": BOMB.encode(),
    "10 MB": yaml.safe_dump(PROFILE | {"summary": "bees " * 2_000_000}).encode(),
    "10 MB of nothing": b" " * 10_000_000,
    "binary": bytes(range(256)) * 40,
    "UTF-16": yaml.safe_dump(PROFILE).encode("utf-16"),
    "Latin-1": "id: x\ntitle: Gr\u00fc\u00dfe\n".encode("latin-1"),
    "empty": b"",
    "empty profile": yaml.safe_dump(PROFILE | {"values": []}).encode(),
    "blank statement": yaml.safe_dump(
        PROFILE | {"values": [{"statement": " \u200b ", "weight": 0.5}]}
    ).encode(),
    "a list": b"- 1\n- 2\n",
    "python": b"!!python/object/apply:os.system ['true']\n",
    "deep": b"[" * 5000,
    "no such field": yaml.safe_dump(PROFILE | {"system": "x"}).encode(),
}


@pytest.mark.parametrize("content", FILES.values(), ids=FILES)
def test_files_that_are_no_profiles(tmp_path, content):
    path = tmp_path / "mine.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"mine\.yaml") as error:
        Guard.default().admit(load_profile(path))
    assert len(str(error.value)) < 2000


def test_a_policy_that_is_none(tmp_path):
    for content in (b"", b"- 1\n", BOMB.encode(), bytes(range(256))):
        path = tmp_path / "policy.yaml"
        path.write_bytes(content)
        with pytest.raises(ConfigurationError, match=r"policy\.yaml"):
            Guard.default(load_policy(path))


@pytest.mark.parametrize(
    "answer",
    [None, b"", b"\x00" * 64, b"HTTP/1.1 200 OK\r\n\r\n{}"],
    ids=["hangs", "nothing", "zeros", "an empty object"],
)
def test_an_endpoint_that_hangs_or_answers_garbage(answer):
    with socket.create_server(("127.0.0.1", 0)) as server:
        stopped = threading.Event()
        server.settimeout(0.1)

        def serve():
            kept = []
            while not stopped.is_set():
                try:
                    connection, _ = server.accept()
                except OSError:
                    continue
                kept.append(connection)
                if answer is not None:
                    connection.recv(65536)
                    connection.sendall(answer)
                    connection.close()
            for connection in kept:
                connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            address = f"http://127.0.0.1:{server.getsockname()[1]}/v1"
            endpoint = Endpoint(address, "m", timeout_seconds=0.4, retries=0)
            judge = make_judge("policy-chat", policy=POLICY, endpoint=endpoint)
            enabled = enable(judge, POLICY, qualification=None, allow_unqualified=True)
            guard = Guard(policy=POLICY, form=FormLayer(), screen=None, judges=(enabled,), timeout_seconds=10)
            with pytest.raises(ProfileRefused) as refused:
                guard.admit(load_profile("taoism"))
        finally:
            stopped.set()
            thread.join()
    assert refused.value.decision.ruling is Ruling.UNSURE
    assert "could not be settled" in str(refused.value)


@settings(max_examples=80, deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode(errors="replace")))
def test_any_bytes_give_a_documented_error(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "fuzzed.yaml"
    path.write_bytes(content)
    with pytest.raises(PluralignError):
        Guard(policy=POLICY, form=FormLayer(), screen=None).admit(load_profile(path))
