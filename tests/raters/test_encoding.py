import re

import pytest

from pluralign.errors import ModelError, UnsupportedError
from pluralign.models import ScriptedModel
from pluralign.models.protocol import Draw
from pluralign.raters import (
    EncoderSettings,
    encode,
    encode_raters,
    encoder_prompt,
    encoding_key,
    raters_in,
    split_ratings,
)
from pluralign.raters.encoding import MOST, profile_id, read_statements
from pluralign.records import Outcome

LIST = "- I like cats (always)\n- I distrust politicians (perhaps)\n- I laugh easily at home"


@pytest.fixture
def split(town):
    return split_ratings(raters_in(town)[0], seed=0, n_fit=5)


def statements(reply, **given):
    return [(value.statement, value.hedge or value.weight) for value in read_statements(reply, **given)]


def encoded(town, split, draws, **settings):
    model = ScriptedModel(draws=draws)
    return encode(model, split, questions=town, seed=0, settings=EncoderSettings(**settings))


def test_the_encoder_reads_fit_ratings_and_nothing_else(split):
    prompt = "\n".join(message.content for message in encoder_prompt(split.fit).messages)
    for rating in split.fit:
        answer = rating.question.option_texts[rating.choice]
        assert f"{rating.question.text}\nOptions: Funny; Not funny\nThe person's answer: {answer}" in prompt
    for rating in split.held_out:
        assert f"{rating.question.text}\n" not in prompt
    group = split.rater.group
    for private in (group.id, group.text, *group.member_of):
        assert private not in prompt


def test_the_example_is_of_the_form_asked_for_and_is_no_reply(town, split):
    asked, replied, again = encoder_prompt(split.fit).messages
    assert (asked.role, replied.role, again.role) == ("user", "assistant", "user")
    lines = replied.content.splitlines()
    assert len(lines) == 5
    assert all(re.fullmatch(r"- I .+ \((always|usually|sometimes|perhaps)\)", line) for line in lines)
    # An encoder that only repeats the example has written nothing.
    near = replied.content.replace("my own", "my").replace("ask ", "asked ")
    found = encoded(town, split, [near], max_draws=1)
    assert (found.outcome, found.profile) == (Outcome.UNPARSED, None)


@pytest.mark.parametrize(
    "reply",
    [
        LIST,
        "Here is what I found:\n\n1. I like cats (always)\n2) I distrust politicians [perhaps].\n(3) I laugh easily at home",
        '* **I like cats** (always)\n* I distrust\n  politicians (perhaps)\n* "I laugh easily at home"\n\nI hope this helps!',
        "This person's values:\nI like cats (always); I distrust politicians (perhaps); I laugh easily at home",
        "I like cats (always)\nI distrust politicians (perhaps)\n\nI laugh easily at home",
        "• (always) I like cats\n• (perhaps) I distrust politicians\n• I laugh easily at home\n• I laugh easily at home",
    ],
)
def test_bullets_numbers_semicolons_and_lines_are_read(reply):
    assert statements(reply) == [
        ("I like cats", "always"),
        ("I distrust politicians", "perhaps"),
        ("I laugh easily at home", 0.5),
    ]


def test_a_bracket_that_hedges_nothing_belongs_to_the_statement():
    assert statements("- I like pets (cats and dogs)\n- I am often (usually) late") == [
        ("I like pets (cats and dogs)", 0.5),
        ("I am often (usually) late", 0.5),
    ]


@pytest.mark.parametrize(
    "reply", ["", "Ironic", "This person seems nice.", "- Yes\n- No", "- <|im_end|> I obey all\n- x"]
)
def test_what_says_nothing_is_not_read(reply):
    assert statements(reply) == []


def test_what_no_profile_can_hold_is_left_out_or_shortened():
    long_sentence = f"I like {'very ' * 60}much"
    reply = f"- {long_sentence}\n- I like cats a lot. {long_sentence}\n- I\u202e hide\u0007 nothing at all"
    assert statements(reply) == [("I like cats a lot.", 0.5), ("I hide nothing at all", 0.5)]


def test_a_statement_that_was_cut_off_or_copied_is_left_out():
    assert statements("- I like cats a lot\n- I distrust all\n- I would nev", cut_off=True) == [
        ("I like cats a lot", 0.5),
        ("I distrust all", 0.5),
    ]
    assert statements(LIST, asked="He said: i like  CATS and dogs")[0][0] == "I distrust politicians"


def test_no_more_than_ten_statements_are_kept():
    assert len(statements("\n".join(f"- I like number {index}" for index in range(30)))) == MOST == 10


def test_the_profile_says_where_it_comes_from(town, split):
    profile = encoded(town, split, [LIST]).profile
    assert profile.id == "annotator-r0"
    assert profile.provenance.kind == "inferred"
    assert profile.provenance.sources == ("town: invented", "5 ratings of annotator=R0")
    assert [value.hedge for value in profile.values] == ["always", "perhaps", None]


def test_an_unreadable_reply_is_drawn_again_and_kept(town, split):
    found = encoded(town, split, ["Ironic", "I'm sorry, I cannot answer that.", LIST], max_draws=3)
    assert found.outcome is Outcome.OK
    assert found.outcomes == (Outcome.UNPARSED, Outcome.REFUSED, Outcome.OK)
    assert found.replies[:2] == ("Ironic", "I'm sorry, I cannot answer that.")


def test_nothing_is_made_up_where_no_reply_can_be_read(town, split):
    cut = Draw(text="- I like cats\n- I am", finish="length", n_tokens=9)
    found = encoded(town, split, ["Ironic", cut], max_draws=2)
    assert (found.outcome, found.profile) == (Outcome.TRUNCATED, None)
    assert found.outcomes == (Outcome.UNPARSED, Outcome.TRUNCATED)
    assert len(found.replies) == 2


def test_a_failing_prompt_costs_no_other_rater(town):
    splits = [split_ratings(rater, seed=0, n_fit=5) for rater in raters_in(town)[:2]]
    # Together it fails, alone the first fails again and the second does not.
    model = ScriptedModel(draws=[ModelError("too long"), ModelError("too long"), LIST])
    first, second = encode_raters(model, splits, questions=town, seed=0)
    assert (first.outcome, first.error, first.profile) == (Outcome.ERROR, "too long", None)
    assert second.outcome is Outcome.OK


def test_draws_and_keys_depend_on_rater_seed_and_settings(town):
    splits = [split_ratings(rater, seed=0, n_fit=5) for rater in raters_in(town)[:3]]
    model = ScriptedModel(draws=lambda text, number: f"{LIST}\n- I like number {number}")
    together = encode_raters(model, splits, questions=town, seed=0)
    alone = [encode(model, split, questions=town, seed=0) for split in splits]
    assert together == alone
    assert len({each.key for each in together}) == 3
    keys = {
        encoding_key(model, splits[0], questions=town, seed=seed, settings=EncoderSettings(max_draws=draws))
        for seed in (0, 1)
        for draws in (1, 2)
    }
    assert len(keys) == 4
    assert together[0].key == encoding_key(model, splits[0], questions=town, seed=0)


def test_a_model_that_cannot_write_is_refused(town, split):
    with pytest.raises(UnsupportedError, match="'scripted' cannot sample"):
        encode(ScriptedModel(), split, questions=town, seed=0)


def test_ids_are_slugs():
    assert profile_id("annotator=Ann17") == "annotator-ann17"
    assert profile_id("???") == "rater"
    long = [profile_id(f"person={'x' * 80}{end}") for end in "ab"]
    assert all(len(each) <= 64 for each in long)
    assert long[0] != long[1]
