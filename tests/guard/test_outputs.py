"""Streams: everything that is let through was judged, and nothing follows a refusal."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pluralign.errors import ConfigurationError
from pluralign.guard.form import FormLayer
from pluralign.guard.guard import Guard
from pluralign.guard.outputs import LONGEST_PIECE, OutputWatch
from pluralign.guard.policy import load_policy
from pluralign.guard.qualification import EnabledJudge
from pluralign.guard.verdict import Ruling, Verdict
from pluralign.profiles import load_profile


class Words:
    """Refuses a text in which all of some words stand; remembers what it was asked."""

    name, version, languages, categories = "words", "1", None, None

    def __init__(self, *words):
        self.words, self.asked = words, []

    def judge(self, documents, *, role):
        text = " ".join(passage.text for passage in documents[0].passages)
        if role == "output":
            self.asked.append(text)
        refused = role == "output" and all(word in text for word in self.words)
        ruling = Ruling.REFUSE if refused else Ruling.SERVE
        return [Verdict(ruling=ruling, layer="judge", backend=self.name, backend_version="1", reason="r")]


def watch(*words):
    judge = Words(*words)
    guard = Guard(
        policy=load_policy(),
        form=FormLayer(),
        screen=None,
        judges=(EnabledJudge(judge, qualified=True),),
    )
    return OutputWatch(guard, guard.admit(load_profile("taoism"))), judge


def test_nothing_is_shown_before_its_sentence_was_judged():
    stream, judge = watch("harm")
    assert stream.feed("Bees are") == ""
    assert judge.asked == []
    assert stream.feed(" kind. They") == "Bees are kind. "
    assert judge.asked == ["Bees are kind. "]
    assert stream.feed(" hum") == ""
    assert stream.finish() == "They hum"
    assert judge.asked[-1] == "Bees are kind. They hum"
    assert not stream.stopped
    assert stream.decision.ruling is Ruling.SERVE


def test_the_first_refusal_ends_it():
    stream, _ = watch("harm")
    shown = stream.feed("Bees are kind. Do harm now. Bees hum. ")
    assert shown == "Bees are kind. "
    assert stream.stopped
    assert stream.decision.ruling is Ruling.REFUSE
    assert stream.feed("And more. ") == ""
    assert stream.finish() == ""


def test_harm_over_three_sentences_is_seen_in_the_window_and_over_more_at_the_end():
    stream, _ = watch("powder", "fuse")
    assert stream.feed("Take powder. Then wait. Add a fuse. ") == "Take powder. Then wait. "
    assert stream.stopped
    stream, _ = watch("powder", "fuse")
    assert "fuse" in stream.feed("Take powder. One. Two. Three. Add a fuse. ") + stream.feed("End")
    assert stream.finish() == ""
    assert stream.stopped


def test_text_without_an_end_is_judged_all_the_same():
    stream, judge = watch("harm")
    shown = stream.feed("bees hum and " * 60)
    assert judge.asked
    assert len(shown) > LONGEST_PIECE - len("bees hum and ")
    assert shown + stream.finish() == "bees hum and " * 60
    stream, _ = watch("harm")
    assert stream.feed("a" * 1000) == "a" * 2 * LONGEST_PIECE


def test_a_forged_profile_is_not_watched():
    stream, _ = watch("harm")
    forged = stream._profile.__class__(**{**vars(stream._profile), "watched": True})
    with pytest.raises(ConfigurationError, match="admit it again"):
        OutputWatch(stream._guard, forged)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(alphabet="ab. \n!。", max_size=40), max_size=8))
def test_however_it_is_cut_all_of_a_served_answer_is_shown(pieces):
    stream, judge = watch("harm")
    shown = "".join(stream.feed(piece) for piece in pieces) + stream.finish()
    assert shown == "".join(pieces)
    assert not shown.strip() or judge.asked[-1] == shown
