"""Prompts for models of three formats, and the ways that need instructions."""

import pytest

from pluralign.data.prompts import OpenPrompt
from pluralign.data.verifiable import TASKS
from pluralign.errors import ConfigurationError, UnsupportedError
from pluralign.evaluation.repeated.asking import (
    Style,
    asked_prompts,
    asked_tasks,
    indirect_prompt,
    open_prompt,
    style_of,
    task_prompt,
)
from pluralign.models import ScriptedModel
from pluralign.models.protocol import Capability, Chat, Message, SamplingParams, Text
from pluralign.models.transformers_model import TransformersModel
from pluralign.spectrum.format import Example, SpectrumFormat, SpectrumSequence

DAY = TASKS["weekdays_full"]
DESCRIBED = "The full name of a day of the week"


@pytest.mark.parametrize(
    ("can", "style"),
    [
        ({Capability.SAMPLE}, Style.TEXT),
        ({Capability.SAMPLE, Capability.CHAT}, Style.CHAT),
        ({Capability.SAMPLE, Capability.CHAT, Capability.SPECTRUM_PROMPT}, Style.SPECTRUM),
    ],
)
def test_a_model_is_asked_in_the_format_that_it_was_made_for(can, style):
    assert style_of(ScriptedModel(draws=["x"], can=frozenset(can))) is style


def test_a_model_that_cannot_be_sampled_is_refused():
    with pytest.raises(UnsupportedError, match="'scripted' cannot be sampled"):
        style_of(ScriptedModel())


def test_spectrum_prompts_show_examples_as_earlier_outputs():
    outputs = [Message("output", example) for example in DAY.examples]
    first = Message("description", DESCRIBED)
    assert task_prompt(DAY, style=Style.SPECTRUM, mode="both") == Chat((first, *outputs))
    assert task_prompt(DAY, style=Style.SPECTRUM, mode="description") == Chat((first,))
    assert task_prompt(DAY, style=Style.SPECTRUM, mode="examples") == Chat(tuple(outputs))


def test_text_prompts_leave_a_line_to_be_finished():
    both = task_prompt(DAY, style=Style.TEXT, mode="both")
    assert both == Text(
        f"Description: {DESCRIBED}\n\nOutput: Tuesday\nOutput: Sunday\nOutput: Friday\nOutput:", end="\n"
    )
    assert task_prompt(DAY, style=Style.TEXT, mode="examples").text.startswith("Output: Tuesday\n")
    assert (
        task_prompt(DAY, style=Style.TEXT, mode="description").text == f"Description: {DESCRIBED}\n\nOutput:"
    )


@pytest.mark.parametrize(("mode", "has"), [("description", (1, 0)), ("examples", (0, 1)), ("both", (1, 1))])
def test_chat_prompts_ask_for_the_output_alone(mode, has):
    system, user = task_prompt(DAY, style=Style.CHAT, mode=mode).messages
    assert (system.role, user.role) == ("system", "user")
    assert "nothing else" in system.content
    assert (DESCRIBED in user.content, "Sunday" in user.content) == tuple(map(bool, has))


def test_ways_with_instructions_need_a_chat_model():
    prompt = indirect_prompt("Joke?", style=Style.CHAT, way="verbalized", k=4)
    assert "exactly 4 entries" in prompt.messages[0].content
    seeded = indirect_prompt("Joke?", style=Style.CHAT, way="seeded", k=1)
    assert "Answer: " in seeded.messages[0].content
    assert seeded.messages[0].content.endswith("Request: Joke?")
    with pytest.raises(ConfigurationError, match=r"'seeded' gives an instruction.*'text'"):
        indirect_prompt("Joke?", style=Style.TEXT, way="seeded", k=1)


@pytest.mark.parametrize(("mode", "shown"), [("both", True), ("description", False)])
def test_indirect_ways_show_a_task_by_what_is_to_be_given(mode, shown):
    how = {"style": Style.CHAT, "way": "seeded", "k": 1, "max_new_tokens": None}
    (asked,) = asked_tasks([DAY], mode=mode, params=SamplingParams(), **how)
    assert f"Request: {DESCRIBED}." in asked.prompt.messages[0].content
    assert ("Sunday" in asked.prompt.messages[0].content) is shown


def test_open_prompts_get_room_for_what_a_way_writes_around_them():
    prompts = [OpenPrompt(id="a", text="Joke?")]
    how = {"style": Style.CHAT, "params": SamplingParams(max_new_tokens=100)}
    (plain,) = asked_prompts(prompts, way="plain", k=1, max_new_tokens=None, **how)
    assert (plain.prompt, plain.params.max_new_tokens) == (open_prompt("Joke?", style=Style.CHAT), 100)
    (several,) = asked_prompts(prompts, way="verbalized", k=3, max_new_tokens=None, **how)
    assert several.params.max_new_tokens == 3 * (100 + 40)
    assert (several.way, "exactly 3 entries" in several.prompt.messages[0].content) == ("verbalized", True)
    (seeded,) = asked_prompts(prompts, way="seeded", k=1, max_new_tokens=7, **how)
    assert seeded.params.max_new_tokens == 7


def test_a_line_ends_a_plain_answer_and_no_other():
    base = SamplingParams(temperature=0.5, min_p=0.1)
    how = {"style": Style.CHAT, "mode": "both", "params": base}
    (plain,) = asked_tasks([DAY], way="plain", k=1, max_new_tokens=None, **how)
    assert (plain.params.stop, plain.params.max_new_tokens) == (("\n",), DAY.max_new_tokens)
    assert (plain.params.temperature, plain.params.min_p) == (0.5, 0.1)
    (stated,) = asked_tasks([DAY], way="verbalized", k=5, max_new_tokens=None, **how)
    assert stated.params.stop == ()
    assert stated.params.max_new_tokens > 5 * DAY.max_new_tokens
    (cut,) = asked_tasks([DAY], way="seeded", k=1, max_new_tokens=9, **how)
    assert cut.params.max_new_tokens == 9


def test_open_prompts():
    assert open_prompt("Joke?", style=Style.CHAT) == Chat((Message("user", "Joke?"),))
    assert open_prompt("Joke?", style=Style.SPECTRUM) == Chat((Message("description", "Joke?"),))
    assert open_prompt("Joke?", style=Style.TEXT) == Text("Joke?\n\n", end="")


@pytest.mark.parametrize(("mode", "described"), [("both", True), ("examples", False)])
def test_a_tuned_model_reads_the_format_that_it_was_trained_on(tiny_weights, mode, described):
    form = SpectrumFormat.from_tokenizer(tiny_weights.tokenizer)
    model = TransformersModel(tiny_weights, chat_template=form.chat_template)
    assert style_of(model) is Style.SPECTRUM
    examples = tuple(Example(output=example) for example in DAY.examples)
    trained = form.render(SpectrumSequence(examples=examples, description=DESCRIBED if described else None))
    prompt = task_prompt(DAY, style=Style.SPECTRUM, mode=mode)
    assert model.render(prompt) == f"{trained}<|im_start|>output\n"
    ((draw,),) = model.sample([prompt], n=1, seed=0, params=SamplingParams(max_new_tokens=3))
    assert draw.n_tokens


def test_a_base_model_continues_plain_text(tiny_weights):
    model = TransformersModel(tiny_weights)
    prompts = [task_prompt(DAY, style=Style.TEXT, mode="both"), open_prompt("Joke?", style=Style.TEXT)]
    assert model.render(prompts[0]).endswith("\nOutput:")
    drawn = model.sample(prompts, n=2, seed=0, params=SamplingParams(max_new_tokens=3))
    assert [len(draws) for draws in drawn] == [2, 2]
    assert "\n" not in "".join(draw.text for draw in drawn[0])
