"""Ways to put a profile to a model: chosen by what the model can do, or forced, and the prompts that come of it."""

import pytest

from pluralign.elicitation import Ask, PromptStyle, make_elicitation
from pluralign.elicitation.conditions import profile
from pluralign.errors import ConfigurationError, UnsupportedError
from pluralign.models import Chat, Message, Text
from pluralign.profiles import system_prompt
from pluralign.records import Condition, Option, Question
from pluralign.steering import Steerer, Way
from pluralign.steering.ways import Voice, opening_of, steered_in, style_for

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


KEEPING = Question(id="keeping", text="Do you keep bees?", options=(Option(text="Yes"), Option(text="No")))
LISTED = f"{KEEPING.text}\n\nOptions:\n- Yes\n- No\n\nAnswer with one of the options, word for word, and nothing else."


def in_way(way, name="logprob", *, style=PromptStyle.CHAT, **given):
    return steered_in(Way(way), make_elicitation(name, style=style, seed=0, **given))


def speaking(profile_, way):
    text = system_prompt(profile_, style=style_for(Way(way)))
    return profile("bee-keepers", opening_of(profile_, text=text, way=Way(way)))


@pytest.mark.parametrize(("way", "style"), [("system", PromptStyle.CHAT), ("spectrum", PromptStyle.SPECTRUM)])
@pytest.mark.parametrize("name", ["logprob", "sample"])
def test_the_way_a_model_was_made_for_asks_as_an_elicitation_without_a_way(bees, way, style, name):
    plain = make_elicitation(name, style=style, seed=0)
    for condition in (Condition(), speaking(bees, way)):
        assert in_way(way, name).prompts(KEEPING, condition) == plain.prompts(KEEPING, condition)


@pytest.mark.parametrize("way", list(Way))
def test_a_voice_and_a_condition_put_a_profile_alike(bees, way):
    voice = Voice(way, bees, system_prompt(bees, style=style_for(way)))
    first, second = in_way(way).prompts(KEEPING, speaking(bees, way))
    assert (first, second) == (voice.question(KEEPING, [0, 1]), voice.question(KEEPING, [1, 0]))


def test_without_a_profile_the_question_keeps_the_form_of_its_way():
    first = {way: in_way(way).prompts(KEEPING, Condition())[0] for way in Way}
    assert first[Way.SYSTEM] == first[Way.USER] == Chat((Message("user", LISTED),))
    assert first[Way.PERSONA] == Text(f"Question: {LISTED}\nAnswer:")
    assert first[Way.SPECTRUM] == Chat((Message("description", f"{KEEPING.text}\nOptions: Yes; No"),))


def test_a_way_is_part_of_what_can_change_an_answer():
    settings = [in_way(way, "sample", draws=4).settings() for way in Way]
    assert [each["way"] for each in settings] == [way.value for way in Way]
    assert all(each["draws"] == 4 for each in settings)
    assert in_way("user", max_orders=1).settings()["max_orders"] == 1
    assert "way" not in make_elicitation("logprob", style=PromptStyle.CHAT, seed=0).settings()


def test_a_base_model_is_sampled_with_a_profile(kit, bees):
    model = kit.Speaker({"Answer: I keep bees.": " Yes\nQuestion: And cats?", "": " No"}, can=kit.base)
    elicitation = in_way("persona", "sample", draws=4)
    asks = [
        Ask(str(number), KEEPING, each)
        for number, each in enumerate((speaking(bees, "persona"), Condition()))
    ]
    steered, as_it_is = elicitation.answers(model, asks)
    assert (steered.probabilities, as_it_is.probabilities) == ((1, 0), (0, 1))


@pytest.mark.parametrize("name", ["verbalized", "sequence", "free_text"])
def test_other_elicitations_cannot_be_told_the_way(name):
    with pytest.raises(
        ConfigurationError, match=f"the elicitation '{name}' .* logprob and sample can be told"
    ):
        in_way("user", name)
