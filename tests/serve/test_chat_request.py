import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pluralign.serve.chat_request import Named, agreed, parse_chat, split_model, with_profile
from pluralign.serve.refusals import GatewayError


def chat(**fields):
    return json.dumps({"messages": [{"role": "user", "content": "Hi"}], **fields}).encode()


@pytest.mark.parametrize(
    ("name", "model", "profile"),
    [
        ("llama@stoicism", "llama", "stoicism"),
        ("hf:repo@sha@stoicism", "hf:repo@sha", "stoicism"),
        ("llama", "llama", None),
        ("@stoicism", "@stoicism", None),
        ("llama@", "llama@", None),
        (None, None, None),
    ],
)
def test_the_profile_stands_behind_the_last_sign(name, model, profile):
    found, named = split_model(name)
    assert found == model
    assert (named and list(named.weights)) == (profile and [profile])


def test_texts_are_those_of_all_messages_and_parts():
    parts = [{"type": "text", "text": "b"}, {"type": "image_url", "image_url": {"url": "x"}}]
    messages = [
        {"role": "system", "content": "a"},
        {"role": "user", "content": parts},
        {"role": "assistant", "content": None, "tool_calls": []},
        {"role": "tool", "content": "c"},
    ]
    assert parse_chat(chat(messages=messages), header=None).texts == ("a", "b", "c")


def test_a_mixture_is_the_same_however_it_is_written():
    one = parse_chat(chat(profile={"b": 1, "a": 0.5}), header=None).named
    other = parse_chat(chat(profile={"a": 0.5, "b": 1}), header=None).named
    assert list(one.weights.items()) == list(other.weights.items()) == [("a", 0.5), ("b", 1.0)]


@pytest.mark.parametrize("weight", [-1, 0, 1e300, 10**400, "1", None, True])
def test_weights_that_are_none_are_refused(weight):
    with pytest.raises(GatewayError, match="a number above 0, at most"):
        parse_chat(chat(profile={"a": weight}), header=None)


def test_nine_profiles_are_too_many():
    with pytest.raises(GatewayError, match="8 profiles at most, not 9"):
        parse_chat(chat(profile={str(n): 1 for n in range(9)}), header=None)


def test_one_of_two_names_or_both_where_they_agree():
    one, same, other = Named({"a": 1.0}, "profile"), Named({"a": 2.0}, "model"), Named({"b": 1.0}, "model")
    assert agreed(None, one) is agreed(one, None) is agreed(one, same) is one
    assert agreed(None, None) is None
    with pytest.raises(GatewayError, match="'a' by 'profile', 'b' by 'model'"):
        agreed(one, other)


@pytest.mark.parametrize(
    ("messages", "way", "expected"),
    [
        ([("user", "q")], "system", [("system", "P"), ("user", "q")]),
        ([("system", "s"), ("user", "q")], "system", [("system", "P\n\ns"), ("user", "q")]),
        ([("developer", "s"), ("user", "q")], "system", [("developer", "P\n\ns"), ("user", "q")]),
        ([("system", None), ("user", "q")], "system", [("system", "P"), ("user", "q")]),
        ([("user", "q"), ("system", "s")], "system", [("system", "P"), ("user", "q"), ("system", "s")]),
        (
            [("assistant", "a"), ("user", "q"), ("user", "r")],
            "user",
            [("assistant", "a"), ("user", "P\n\nq"), ("user", "r")],
        ),
        ([("assistant", "a")], "user", [("user", "P"), ("assistant", "a")]),
    ],
)
def test_where_the_profile_stands(messages, way, expected):
    given_messages = [{"role": role, "content": content} for role, content in messages]
    kept = json.dumps(given_messages)
    found = with_profile(given_messages, "P", way=way)
    assert [(each["role"], each["content"]) for each in found] == expected
    assert json.dumps(given_messages) == kept


def test_parts_stay_parts():
    (first,) = with_profile(
        [{"role": "system", "content": [{"type": "text", "text": "s"}]}], "P", way="system"
    )
    assert [part["text"] for part in first["content"]] == ["P", "s"]


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(
    st.dictionaries(
        st.text().filter(lambda name: name not in {"messages", "model", "profile", "stream", "seed"}),
        JSON_VALUES,
    )
)
def test_whatever_else_a_request_holds_goes_on(extra):
    request = parse_chat(chat(profile="a", **extra), header=None)
    sent = json.loads(request.forwarded(model="m", prompt="P"))
    assert sent == {
        **extra,
        "model": "m",
        "messages": [{"role": "system", "content": "P"}, {"role": "user", "content": "Hi"}],
    }


@given(st.binary(max_size=200) | JSON_VALUES.map(lambda value: json.dumps(value).encode()))
def test_no_body_brings_anything_but_an_error_of_400(body):
    found = None
    try:
        parse_chat(body, header=None)
    except GatewayError as error:
        found = error
    assert found is None or (found.status, bool(found.param)) == (400, True)


def test_a_body_that_is_nested_without_end():
    with pytest.raises(GatewayError, match="too deeply"):
        parse_chat(b"[" * 200_000, header=None)
