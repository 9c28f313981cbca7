"""Ways to put a profile to a model: chosen by what the model can do, or forced, and the prompts that come of it."""

import pytest

from pluralign.errors import UnsupportedError
from pluralign.models import Chat, Message, Text
from pluralign.steering import Steerer, Way

QUESTION = "Should the park close at night?"


@pytest.mark.parametrize(
    ("can", "way"), [("system", "system"), ("chat", "user"), ("base", "persona"), ("spectrum", "spectrum")]
)
def test_the_way_follows_from_what_the_model_can_do(kit, can, way):
    assert Steerer(kit.Speaker(can=getattr(kit, can)), kit.guard()).way == way


def test_a_way_can_be_forced_where_the_model_can(kit):
    model = kit.Speaker(can=kit.system)
    for way in ("system", "user", "persona"):
        assert Steerer(model, kit.guard(), way=way).way == Way(way)
    with pytest.raises(UnsupportedError, match=r"spectrum_prompt.*steered with: system, user, persona\."):
        Steerer(model, kit.guard(), way="spectrum")
    with pytest.raises(
        UnsupportedError, match=r"'system' needs a model with chat and system_prompt.*with: persona\."
    ):
        Steerer(kit.Speaker(can=kit.base), kit.guard(), way="system")


def prompt_of(kit, profile, *, can, asked=QUESTION, way=None):
    model = kit.Speaker(can=getattr(kit, can))
    Steerer(model, kit.guard(), way=way).generate(asked, profile=profile)
    (prompt,) = model.prompts
    return prompt


CONVERSATION = [
    Message("system", "You work for the city."),
    Message("user", "May I ask?"),
    Message("assistant", "You may."),
    Message("user", QUESTION),
]


def test_without_a_system_role_the_profile_stands_in_the_first_user_turn(kit, bees):
    prompt = prompt_of(kit, bees, can="chat", asked=CONVERSATION)
    assert [message.role for message in prompt.messages] == ["user", "assistant", "user"]
    first = prompt.messages[0].content
    assert first.startswith("You work for the city.\n\nYou hold the values in the block below.")
    assert first.endswith("\n\nMay I ask?")
    assert prompt.messages[2].content == QUESTION


def test_a_spectrum_model_is_given_the_profile_as_description(kit, bees):
    prompt = prompt_of(kit, bees, can="spectrum", asked=CONVERSATION)
    assert [message.role for message in prompt.messages] == ["description", "input", "output", "input"]
    assert "I keep bees." in prompt.messages[0].content
    assert prompt.messages[-1].content == QUESTION


def test_a_base_model_is_given_an_interview(kit, bees):
    prompt = prompt_of(kit, bees, can="base", asked=CONVERSATION)
    assert isinstance(prompt, Text)
    assert prompt.end == "\nQuestion:"
    assert prompt.text.startswith("You work for the city.\n\nThe block below portrays a person")
    assert prompt.text.endswith(
        "\n\nQuestion: What matters to you?\nAnswer: I keep bees."
        "\n\nQuestion: How do you deal with others?\nAnswer: I ask before I judge."
        f"\n\nQuestion: May I ask?\nAnswer: You may.\nQuestion: {QUESTION}\nAnswer:"
    )


def test_a_base_model_s_answer_ends_where_it_would_ask_itself(kit, bees):
    model = kit.Speaker({"I keep bees.": " Close it.\n\nQuestion: And then?"}, can=kit.base)
    (said,) = Steerer(model, kit.guard()).generate(QUESTION, profile=bees)
    assert (said.text, said.finish) == ("Close it.", "stop")


@pytest.mark.parametrize("can", ["system", "chat", "base", "spectrum"])
def test_options_are_scored_in_every_way(kit, bees, can):
    seen = []

    def scored(prompt, option):
        seen.append(prompt)
        return {"Yes": -0.5, "No": -2.0}.get(option, -9.0)

    steerer = Steerer(kit.Speaker(log_probs=scored, can=getattr(kit, can)), kit.guard())
    found = steerer.distribution(QUESTION, options=["Yes", "No"], profile=bees)
    assert found.by_option["Yes"] > found.by_option["No"] > 0
    assert all("I keep bees." in prompt and QUESTION in prompt for prompt in seen)
    assert {"- Yes\n- No" in p or "Yes; No" in p for p in seen} == {True, False}


def test_the_style_words_the_profile(kit, bees):
    for style, words in [("portrait", "portrays a person"), ("data", '"statement": "I keep bees."')]:
        model = kit.Speaker(can=kit.system)
        Steerer(model, kit.guard(), style=style).generate(QUESTION, profile=bees)
        (prompt,) = model.prompts
        assert isinstance(prompt, Chat)
        assert words in prompt.messages[0].content
