import hashlib

import pytest

from pluralign.errors import ConfigurationError
from pluralign.serve.keys import Holder, Keyring, read_keys
from pluralign.serve.refusals import GatewayError


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def test_a_key_opens_by_its_hash(keys_file, tools):
    keyring = read_keys(keys_file)
    assert keyring.holder(f"Bearer {tools.KEY}").name == "all"
    stoic = keyring.holder(f"bearer   {tools.OTHER_KEY} ")
    assert (stoic.name, stoic.per_minute) == ("stoic", 2)
    assert stoic.may_name("stoicism")
    assert not stoic.may_name("utilitarianism")
    assert tools.KEY not in repr(keyring)
    assert digest(tools.KEY) not in repr(keyring)


@pytest.mark.parametrize(
    "given", [None, "", "Bearer", "Bearer  ", "Basic abc", "Bearer wrong", "Bearer \udcff"]
)
def test_nothing_else_does(keys_file, given):
    with pytest.raises(GatewayError) as caught:
        read_keys(keys_file).holder(given)
    assert caught.value.status == 401
    assert caught.value.headers == {"WWW-Authenticate": "Bearer"}
    assert "wrong" not in str(caught.value)


def test_every_key_is_compared_in_constant_time(monkeypatch):
    compared = []

    def compare(one, other):
        compared.append(one)
        return one == other

    monkeypatch.setattr("pluralign.serve.keys.hmac.compare_digest", compare)
    holders = [Holder(name=name, sha256=digest(name)) for name in ("a", "b", "c")]
    assert Keyring(holders).holder("Bearer a").name == "a"
    assert compared == [digest("a"), digest("b"), digest("c")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("keys: []\n", "keys"),
        (
            f"keys:\n  - name: a\n    sha256: {digest('x')}\n  - name: a\n    sha256: {digest('y')}\n",
            "name: a stands",
        ),
        (
            f"keys:\n  - name: a\n    sha256: {digest('x')}\n  - name: b\n    sha256: {digest('x')}\n",
            "sha256: one stands",
        ),
        (f"keys:\n  - name: a b\n    sha256: {digest('x')}\n", "name"),
        ("keys:\n  - name: a\n    sha256: sk-in-the-clear\n", "64 lower-case hex digits"),
        ("- a\n", "printf"),
    ],
)
def test_a_wrong_file_says_why_and_repeats_no_key(tmp_path, content, message):
    file = tmp_path / "keys.yaml"
    file.write_text(content)
    with pytest.raises(ConfigurationError, match=message) as caught:
        read_keys(file)
    assert "sk-in-the-clear" not in str(caught.value)
    assert digest("x") not in str(caught.value)
