"""Encoded runs: certain where long, possible where short, none in words, hashes and addresses."""

import base64
import random

import pytest

from pluralign.guard.encodings import LONGEST_RUN, find_encoded

RANDOM = random.Random(5)
BYTES = bytes(RANDOM.randrange(256) for _ in range(150))


@pytest.mark.parametrize(
    "encoded",
    [
        base64.b64encode(BYTES), base64.urlsafe_b64encode(BYTES), base64.b32encode(BYTES), base64.b16encode(BYTES),
        base64.b85encode(BYTES), base64.a85encode(BYTES), base64.b64encode(b"the same words again " * 6),
        b"the same words again and again ".hex().encode() * 3,
    ],
)  # fmt: skip
def test_a_long_run_is_certain_and_told_with_its_place(encoded):
    run = encoded.decode()
    (found, *_) = find_encoded(f"I learn: {run} and rest.")
    assert (found.start, found.end, found.certain) == (9, 9 + len(run), True)


@pytest.mark.parametrize(
    "text",
    [
        "%41%42%43%44%45%46%47%48", "\\x41" * 6, "&#65;&#66;&#67;&#68;&#69;", "01000001 " * 5,
        "73 103 110 111 114 101 32 97 108 ", ".. --. -. --- .-. . / .- .-.. .-.. / .-. ", "4a " * 16,
    ],
)  # fmt: skip
def test_a_short_code_is_possible(text):
    assert [found.certain for found in find_encoded(text)][:1] == [False]


@pytest.mark.parametrize(
    "text",
    [
        "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "https://example.org/" + "on-the-duties-of-citizens-" * 6,
        "a" * (2 * LONGEST_RUN),
        "-" * 200,
        "I was born on 12 10 1964 and have 3, 4 or 5 friends.",
        "SOS ... --- ... saved my father.",
    ],
)
def test_honest_runs_are_none(text):
    assert list(find_encoded(text)) == []
