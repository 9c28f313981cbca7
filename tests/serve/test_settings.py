import pytest

from pluralign.errors import ConfigurationError
from pluralign.serve import read_settings


def test_options_stand_over_the_file(tmp_path):
    file = tmp_path / "gateway.yaml"
    file.write_text(
        "upstream: http://localhost:8000/v1/\nport: 9000\nguard: screen\nprofiles: [a, shipped]\n"
    )
    settings = read_settings(file, port=9001, guard=None, keys=tmp_path / "keys.yaml")
    assert (settings.upstream, settings.port, settings.guard) == ("http://localhost:8000/v1", 9001, "screen")
    assert settings.profiles == ("a", "shipped")
    assert settings.keys == tmp_path / "keys.yaml"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("port: 80\n", "upstream: Field required.* --upstream http://localhost:8000/v1"),
        ("upstream: http://x\nprot: 80\n", "prot: .* Did you mean 'port'"),
        ("upstream: localhost:8000\n", "is no address"),
        ("upstream: http://user:pw@x/v1\n", "holds a user name or password"),
        ("upstream: http://x\nguard: all\n", "guard: .*'off', 'rules' or 'screen'"),
        ("upstream: http://x\nworkers: 0\n", "workers"),
        ("upstream: http://x\nnonce: secret\n", "nonce: it is drawn at the start"),
        ("- a\n", "needed are settings such as 'upstream:'"),
    ],
)
def test_a_wrong_file_is_named_with_its_field(tmp_path, content, message):
    file = tmp_path / "gateway.yaml"
    file.write_text(content)
    with pytest.raises(ConfigurationError, match=message) as caught:
        read_settings(file)
    assert str(file) in str(caught.value)
    assert "pw" not in str(caught.value)


def test_the_nonce_is_not_shown():
    assert "abc123" not in repr(read_settings(upstream="http://x", nonce="abc123"))
