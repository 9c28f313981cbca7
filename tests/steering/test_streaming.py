"""Streams: the text of the unstreamed draw, only what the guard's windows let through, and what stops them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pluralign.errors import ConfigurationError, ModelError
from pluralign.guard.verdict import Ruling
from pluralign.models import Capability
from pluralign.records import Outcome
from pluralign.steering import Steerer

QUESTION = "Should the park close at night?"
LONG = "Close it at ten. Bees sleep then, and so do people who work early. The gate is cheap to lock. So lock it."


def streamed(kit, profile, text, *, can=None, guard=None, **options):
    model = kit.Speaker({"I keep bees.": text, "I do odd things.": text}, can=can)
    steerer = Steerer(model, guard or kit.guard(), nonce="n", **options)
    return model, steerer, steerer.generate(QUESTION, profile=profile, stream=True)


def test_a_stream_is_the_draw_in_parts_and_its_beginning_comes_early(kit, bees):
    model, steerer, stream = streamed(kit, bees, LONG)
    first = next(stream)
    assert (first, len(model.calls)) == (LONG[:32], 1)
    with pytest.raises(ConfigurationError, match="take all its pieces first"):
        _ = stream.result
    assert first + "".join(stream) == LONG
    assert stream.result == steerer.generate(QUESTION, profile=bees)[0]
    assert list(stream) == []


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=150), checked=st.booleans(), base=st.booleans())
def test_what_is_streamed_is_what_is_generated(text, checked, base, kit, bees):
    can = kit.base if base else kit.system
    checking = "all" if checked else "watched"
    _, steerer, stream = streamed(kit, bees, text, can=can, check_outputs=checking)
    shown = "".join(stream)
    (whole,) = steerer.generate(QUESTION, profile=bees)
    assert stream.result.withheld == whole.withheld
    # Of a text that is withheld as a whole, what was judged before was let through.
    assert whole.withheld or stream.result == whole
    assert shown == stream.result.text


def test_a_model_that_follows_no_seed_is_asked_once(kit, bees):
    model, _, stream = streamed(kit, bees, LONG, can=kit.system - {Capability.SEED})
    assert "".join(stream) == LONG
    assert model.calls == [(1, 1)]


def test_a_model_that_does_not_repeat_its_draws_is_told(kit, bees):
    model = kit.Speaker()
    model.answer = None
    texts = iter(["One beginning of forty or more characters, cut.", "Another beginning, which differs."])
    model._draws = lambda prompt, number: next(texts)
    stream = Steerer(model, kit.guard()).generate(QUESTION, profile=bees, stream=True)
    with pytest.raises(ModelError, match="does not repeat its draws"):
        list(stream)


def test_a_watched_profile_s_text_comes_by_sentences_and_stops_at_what_is_withheld(kit):
    odd = kit.profile("odd-ones", "I do odd things.")
    guard = kit.guard(on_unsure="serve_with_output_guard")
    text = "Open it. All may come. Then do harm to the trees. And go home."
    _, _, stream = streamed(kit, odd, text, guard=guard)

    pieces = list(stream)
    assert "".join(pieces) == "Open it. All may come. "
    said = stream.result
    assert (said.text, said.outcome, said.withheld) == ("Open it. All may come. ", Outcome.REFUSED, True)
    assert (said.output.ruling, said.output.category) == (Ruling.REFUSE, "violence_terrorism")


def test_the_last_words_of_a_watched_answer_are_judged_before_they_are_shown(kit):
    odd = kit.profile("odd-ones", "I do odd things.")
    guard = kit.guard(on_unsure="serve_with_output_guard")
    _, _, stream = streamed(kit, odd, "Open it and do harm", guard=guard)
    assert list(stream) == []
    assert stream.result.withheld


def test_what_may_become_the_end_of_an_answer_is_held_back(kit, bees):
    # 32 tokens in, the text ends with the first letters of the string that ends it.
    text = "Close it when the bees sleep.\nQuestion: And then?"
    _, _, stream = streamed(kit, bees, text, can=kit.base)
    assert "".join(stream) == "Close it when the bees sleep."
    assert stream.result.finish == "stop"


def test_a_closed_stream_asks_no_more(kit, bees):
    model, _, stream = streamed(kit, bees, LONG)
    next(stream)
    stream.close()
    assert list(stream) == []
    assert len(model.calls) == 1
