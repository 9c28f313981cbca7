import pytest

from pluralign.errors import ConfigurationError
from pluralign.models import load_model
from pluralign.models.http import Endpoint


def test_names():
    assert Endpoint.of_name("http://host:8000/v1#org/model") == Endpoint("http://host:8000/v1", "org/model")
    assert Endpoint.of_name("endpoint:https://host/v1/") == Endpoint("https://host/v1")
    given = Endpoint.of_name(
        "http://h/v1?marks=neutralise&seeds=ignored&concurrency=4&total_seconds=9.5&key_variable=MY_KEY#m"
    )
    assert given == Endpoint(
        "http://h/v1",
        "m",
        marks="neutralise",
        seeds="ignored",
        concurrency=4,
        total_seconds=9.5,
        key_variable="MY_KEY",
    )
    assert given.root == "http://h"
    assert given.named(marks="refuse") == "http://h/v1?marks=refuse#m"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("http://#m", "is no address: give one such as"),
        ("endpoint:host/v1#m", "'host/v1' is no address"),
        (
            "http://user:sk-secret@host/v1#m",
            "address of host holds a user name or password. Keys come from the env",
        ),
        ("http://sk-secret@host/v1#m", "holds a user name or password"),
        (
            "http://host/v1?api_key=sk-secret#m",
            "no setting 'api_key'.*Keys are no setting: they come from the env",
        ),
        ("http://host/v1?sk-secret#m", "no setting of that name"),
        ("http://host/v1?key_variable=sk-secret#m", "name of an environment variable.*never given here"),
        ("http://host/v1?key_variable=hf_secretSECRET#m", "name of an environment variable"),
        ("http://host/v1?mark=refuse#m", "no setting 'mark'. Did you mean 'marks'"),
        ("http://host/v1?marks=refused#m", "marks: 'refused' is unknown. Did you mean 'refuse'"),
        ("http://host/v1?seeds=on#m", "seeds: 'on' is unknown. Known: honoured, ignored, probe"),
        ("http://host/v1?concurrency=many#m", "concurrency: 'many' is no number"),
        ("http://host/v1?concurrency=0#m", "concurrency: 0 is too small; it is at least 1"),
        ("http://host/v1?total_seconds=0#m", "total_seconds: 0.0 is not possible; it is above 0"),
        ("http://host/v1?total_seconds=nan#m", "total_seconds: nan is not possible"),
        ("htp://host/v1#m", "begins with http:// or https://"),
        ("localhost:8000/v1#m", "begins with http:// or https://, as in 'http://localhost:8000/v1#model'"),
    ],
)
def test_bad_names(name, message):
    with pytest.raises(ConfigurationError, match=message) as caught:
        load_model(name)
    assert "secret" not in str(caught.value)
    assert caught.value.__context__ is None or "secret" not in repr(caught.value.__context__)
