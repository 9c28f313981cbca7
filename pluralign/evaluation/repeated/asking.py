"""How open prompts and tasks with many right answers are put to a model, in the format that it was made for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

from pluralign.data.prompts import OpenPrompt
from pluralign.data.verifiable import VerifiableTask
from pluralign.errors import ConfigurationError, UnsupportedError
from pluralign.evals.coverage.replies import WayName
from pluralign.models.protocol import (
    Capability,
    Chat,
    LanguageModel,
    Message,
    Prompt,
    SamplingParams,
    Text,
)

Mode = Literal["description", "examples", "both"]

# One line is an answer; more would be another one.
ONE_LINE = ("\n",)
JUST_OUTPUT = "Reply with the requested output alone and with nothing else: no introduction, no explanation."
# Verbalized sampling after Zhang et al. 2025 (arXiv:2510.01171).
VERBALIZED = (
    "Give {k} answers to the request below, drawn at random from all the answers that there could be. Reply with one "
    'JSON object and nothing else: {{"responses": [{{"text": "...", "probability": 0.0}}, ...]}} with exactly {k} entries, '
    "each with the answer as text and, as probability from 0 to 1, your estimate of how probable that answer is."
)
# After the string seed of thought (arXiv:2510.21150): the choice is computed from a random string.
SEEDED = (
    "First write a line of 20 random characters. Then let these characters decide between all the answers that the "
    "request below could have, for example by their sum modulo the number of answers. Write the answer that they point "
    'to on the last line, behind "Answer: ".'
)
_VERBALIZED_TOKENS, _SEEDED_TOKENS = 40, 120


class Style(StrEnum):
    """The format that a model was made for."""

    SPECTRUM = "spectrum"
    CHAT = "chat"
    TEXT = "text"


@dataclass(frozen=True)
class Asked:
    """An open prompt as one model is given it.

    Attributes:
        id: Of the prompt or task.
        prompt: What the model is given.
        params: How is drawn.
        way: How answers stand in what is drawn; "scored": nothing is drawn.
        scored: Of way "scored": the text whose log-probability is taken.
    """

    id: str
    prompt: Prompt
    params: SamplingParams
    way: WayName | Literal["scored"] = "plain"
    scored: str = ""


@dataclass(frozen=True)
class RepeatedUnit:
    """One unit of work: a draw of the answer to a prompt.

    Attributes:
        key: Row key of the response, a hash of everything that can change it.
        asked: What is asked.
        draw: Number of the draw, from 0; 0 where a text is scored.
    """

    key: str
    asked: Asked
    draw: int

    @property
    def prompt_id(self) -> str:
        """Id of the prompt."""
        return self.asked.id


def style_of(model: LanguageModel) -> Style:
    """The format of a model's prompts.

    Raises:
        UnsupportedError: It cannot be sampled.
    """
    if Capability.SAMPLE not in model.can:
        raise UnsupportedError(
            f"Answers are drawn, but {model.id!r} cannot be sampled. Any local model or endpoint can."
        )
    if Capability.SPECTRUM_PROMPT in model.can:
        return Style.SPECTRUM
    return Style.CHAT if Capability.CHAT in model.can else Style.TEXT


def open_prompt(text: str, *, style: Style) -> Prompt:
    """A prompt as it stands: a user's turn, a description, or plain text to be continued."""
    match style:
        case Style.SPECTRUM:
            return Chat((Message("description", text),))
        case Style.CHAT:
            return Chat((Message("user", text),))
        case Style.TEXT:
            return Text(f"{text}\n\n", end="")


def task_prompt(task: VerifiableTask, *, style: Style, mode: Mode) -> Prompt:
    """A task with many right answers, by its description, its three examples, or both.

    Spectrum: the description and the examples as earlier outputs. Chat: both in the user's turn, behind a system
    turn that asks for nothing but the output. Text: a line for each, and one that the model is to finish.
    """
    description = task.description if mode != "examples" else None
    examples = task.examples if mode != "description" else ()
    if style is Style.SPECTRUM:
        first = [Message("description", description)] if description else []
        return Chat((*first, *(Message("output", example) for example in examples)))
    if style is Style.TEXT:
        head = [f"Description: {description}", ""] if description else []
        return Text("\n".join([*head, *(f"Output: {example}" for example in examples), "Output:"]))
    lines = [f"{description}."] if description else []
    lines += ["Examples of outputs:", *examples] if examples else []
    lines.append("Give one more output of this kind." if examples else "Give one output.")
    return Chat((Message("system", JUST_OUTPUT), Message("user", "\n".join(lines))))


def indirect_prompt(request: str, *, style: Style, way: WayName, k: int) -> Prompt:
    """A request whose answer comes in a reply that must be read: several answers, or a string and an answer.

    Raises:
        ConfigurationError: The model follows no instructions.
    """
    if style is not Style.CHAT:
        raise ConfigurationError(
            f"way: {way!r} gives an instruction, which a model of the format {style.value!r} does not take."
        )
    how = VERBALIZED.format(k=k) if way == "verbalized" else SEEDED
    return Chat((Message("user", f"{how}\n\nRequest: {request}"),))


def reply_length(answer: int, *, way: WayName, k: int) -> int:
    """Tokens of a reply whose answers have so many each: a way writes something around them."""
    match way:
        case "verbalized":
            return k * (answer + _VERBALIZED_TOKENS)
        case "seeded":
            return answer + _SEEDED_TOKENS
        case _:
            return answer


def asked_tasks(
    tasks: Sequence[VerifiableTask],
    *,
    style: Style,
    mode: Mode,
    way: WayName,
    k: int,
    params: SamplingParams,
    max_new_tokens: int | None,
) -> tuple[Asked, ...]:
    """Tasks as a model is given them.

    Args:
        tasks: The tasks.
        style: The model's format.
        mode: What of a task is given.
        way: How its answers are got.
        k: Answers in a verbalized reply.
        params: How is drawn; its length and what stops a draw are each task's own.
        max_new_tokens: Length of a reply at most; None: the task's own, and room for what a way writes around it.
    """
    found = []
    for task in tasks:
        length = max_new_tokens or reply_length(task.max_new_tokens, way=way, k=k)
        own = replace(params, max_new_tokens=length, stop=ONE_LINE if way == "plain" else ())
        shown = f"\nExamples of answers: {'; '.join(task.examples)}" if mode == "both" else ""
        prompt = (
            task_prompt(task, style=style, mode=mode)
            if way == "plain"
            else indirect_prompt(f"{task.description}.{shown}", style=style, way=way, k=k)
        )
        found.append(Asked(task.id, prompt, own, way=way))
    return tuple(found)


def asked_prompts(
    prompts: Sequence[OpenPrompt],
    *,
    style: Style,
    way: WayName,
    k: int,
    params: SamplingParams,
    max_new_tokens: int | None,
) -> tuple[Asked, ...]:
    """Open prompts as a model is given them.

    Args:
        prompts: The prompts.
        style: The model's format.
        way: How the answers are got.
        k: Answers in a verbalized reply.
        params: How is drawn; its length is that of an answer.
        max_new_tokens: Length of a reply at most; None: that of its answers, and room for what a way writes around.
    """
    length = max_new_tokens or reply_length(params.max_new_tokens, way=way, k=k)
    own = replace(params, max_new_tokens=length)
    return tuple(
        Asked(
            prompt.id,
            open_prompt(prompt.text, style=style)
            if way == "plain"
            else indirect_prompt(prompt.text, style=style, way=way, k=k),
            own,
            way=way,
        )
        for prompt in prompts
    )
