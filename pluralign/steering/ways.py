"""How a profile is put to a model, by what the model can do: one interface for chat, base and spectrum-tuned models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from pluralign.elicitation.asking import PromptStyle, prompt_for
from pluralign.elicitation.conditions import profile as profile_condition
from pluralign.elicitation.logprob import LogProb, listed_orders
from pluralign.errors import ConfigurationError, UnsupportedError, did_you_mean
from pluralign.models.protocol import Capability, Chat, LanguageModel, Message, Prompt, Text
from pluralign.profiles import ValueProfile
from pluralign.records import Condition, Question

ROLES = ("system", "user", "assistant")
# A base model that goes on ends its answer where it would ask itself the next question.
_NEXT_QUESTION = "\nQuestion:"
_FIRST, _SECOND, _DEALING = (
    "What matters to you?",
    "What else matters to you?",
    "How do you deal with others?",
)


class Way(StrEnum):
    """How a profile is put to a model.

    `system`: as the system message. `user`: before the first user message, for chat templates without a system
    role. `persona`: as plain text, an interview in which the profile's own statements are the first answers, for
    base models. `spectrum`: as the `description` of a spectrum-tuned model, with prompts as `input` and earlier
    answers as `output`.
    """

    SYSTEM = "system"
    USER = "user"
    PERSONA = "persona"
    SPECTRUM = "spectrum"


_NEEDS = {
    Way.SYSTEM: frozenset({Capability.CHAT, Capability.SYSTEM_PROMPT}),
    Way.USER: frozenset({Capability.CHAT}),
    Way.PERSONA: frozenset[Capability](),
    Way.SPECTRUM: frozenset({Capability.SPECTRUM_PROMPT}),
}


def way_of(model: LanguageModel) -> Way:
    """The way that a model was made for."""
    return next(way for way in (Way.SPECTRUM, Way.SYSTEM, Way.USER, Way.PERSONA) if model.can >= _NEEDS[way])


def chosen_way(way: Way | str | None, model: LanguageModel) -> Way:
    """The way that is asked for, or the model's own.

    Raises:
        ConfigurationError: There is no such way.
        UnsupportedError: The model cannot be steered so; names the ways that would do.
    """
    if way is None:
        return way_of(model)
    known = [each.value for each in Way]
    if way not in known:
        raise ConfigurationError(f"way: there is no way {str(way)!r}.{did_you_mean(str(way), known)}")
    if missing := sorted(_NEEDS[Way(way)] - model.can):
        fitting = [each.value for each in Way if model.can >= _NEEDS[each]]
        raise UnsupportedError(
            f"way: {str(way)!r} needs a model with {' and '.join(missing)}, which {model.id!r} lacks. It can be "
            f"steered with: {', '.join(fitting)}."
        )
    return Way(way)


def messages_of(prompt: str | Chat | Sequence[Message | Mapping[str, str]]) -> tuple[Message, ...]:
    """What is asked, as turns of which the last is the user's.

    Raises:
        ConfigurationError: It is empty, holds something else, or does not end with a user's turn.
    """
    if isinstance(prompt, str):
        given: Sequence[Message | Mapping[str, str]] = (Message("user", prompt),)
    else:
        given = prompt.messages if isinstance(prompt, Chat) else tuple(prompt)
    if isinstance(prompt, Chat) and prompt.continue_from:
        raise ConfigurationError("prompt: first words of an answer (continue_from) cannot be given here.")
    turns = tuple(_turn(each, number) for number, each in enumerate(given))
    if not turns or turns[-1].role != "user":
        raise ConfigurationError("prompt: the last message must be the user's, and there must be one.")
    if not turns[-1].content.strip():
        raise ConfigurationError("prompt: nothing is asked.")
    return turns


def _turn(message: Message | Mapping[str, str], number: int) -> Message:
    if isinstance(message, Mapping):
        role, content = message.get("role"), message.get("content")
    elif isinstance(message, Message):
        role, content = message.role, message.content
    else:
        raise ConfigurationError(
            f"prompt: message {number + 1} is {type(message).__name__}; give a Message, or role and content."
        )
    if role not in ROLES or not isinstance(content, str):
        raise ConfigurationError(
            f"prompt: message {number + 1} has the role {role!r} and {type(content).__name__} as content; it needs "
            f"one of {', '.join(ROLES)}, and text."
        )
    return Message(role, content)


@dataclass(frozen=True, eq=False)
class Voice:
    """One profile, as it is put to a model.

    Attributes:
        way: How.
        profile: The profile.
        text: The profile as the guard had it rendered.
    """

    way: Way
    profile: ValueProfile
    text: str

    def prompt(self, messages: Sequence[Message]) -> Prompt:
        """A conversation with the profile in it; an application's own system text stands before the profile."""
        opening = "\n\n".join([*(m.content for m in messages if m.role == "system"), self.text])
        turns = [message for message in messages if message.role != "system"]
        if self.way is Way.PERSONA:
            return Text(_interview(self.profile, opening=opening, turns=turns), end=_NEXT_QUESTION)
        if self.way is Way.SYSTEM:
            return Chat((Message("system", opening), *turns))
        if self.way is Way.SPECTRUM:
            roles = {"user": "input", "assistant": "output"}
            said = [Message(roles[turn.role], turn.content) for turn in turns]
            return Chat((Message("description", opening), *said))
        first = next(number for number, turn in enumerate(turns) if turn.role == "user")
        turns[first] = Message("user", f"{opening}\n\n{turns[first].content}")
        return Chat(tuple(turns))

    def question(self, question: Question, order: Sequence[int]) -> Prompt:
        """A question with options, listed in an order, as the elicitation words it."""
        if self.way is Way.SPECTRUM:
            condition = profile_condition(self.profile.id, self.text)
            return prompt_for(question, order=order, condition=condition, style=PromptStyle.SPECTRUM)
        plain = prompt_for(question, order=order, condition=Condition(), style=PromptStyle.CHAT)
        prompt = self.prompt(plain.messages if isinstance(plain, Chat) else ())
        return Text(prompt.text) if isinstance(prompt, Text) else prompt


@dataclass(frozen=True, kw_only=True)
class SteeredLogProb(LogProb):
    """Exact option probabilities for one voice.

    Attributes:
        voice: The profile; what a condition says beside it is not used.
    """

    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.SCORE_OPTIONS})

    voice: Voice

    def prompts(self, question: Question, condition: Condition) -> tuple[Prompt, ...]:
        """One prompt an option order."""
        orders = listed_orders(question, max_orders=self.max_orders)
        return tuple(self.voice.question(question, order) for order in orders)


def _interview(profile: ValueProfile, *, opening: str, turns: Sequence[Message]) -> str:
    """The profile, its own statements as first answers, and the conversation, up to where the next answer begins."""
    said = [
        (_FIRST if number == 0 else _SECOND, value.statement) for number, value in enumerate(profile.values)
    ]
    said += [(_DEALING, norm) for norm in profile.norms]
    shots = [f"Question: {asked}\nAnswer: {answer}" for asked, answer in said]
    names = {"user": "Question", "assistant": "Answer"}
    lines = [f"{names[turn.role]}: {turn.content}" for turn in turns]
    return "\n\n".join([opening, *shots, "\n".join(lines)]) + "\nAnswer:"
