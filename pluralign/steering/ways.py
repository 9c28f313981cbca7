"""How a profile is put to a model, by what the model can do: one interface for chat, base and spectrum-tuned models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from pluralign.elicitation.asking import Elicitation, PromptStyle, prompt_for
from pluralign.elicitation.logprob import LogProb, listed_orders
from pluralign.elicitation.sample import Sample
from pluralign.errors import ConfigurationError, UnsupportedError, did_you_mean
from pluralign.models.protocol import Capability, Chat, LanguageModel, Message, Prompt, Text
from pluralign.profiles import Style, ValueProfile
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
    wanted = known_way(way)
    if missing := sorted(_NEEDS[wanted] - model.can):
        fitting = [each.value for each in Way if model.can >= _NEEDS[each]]
        raise UnsupportedError(
            f"way: {str(way)!r} needs a model with {' and '.join(missing)}, which {model.id!r} lacks. It can be "
            f"steered with: {', '.join(fitting)}."
        )
    return wanted


def known_way(way: Way | str) -> Way:
    """The way of a name.

    Raises:
        ConfigurationError: There is no such way.
    """
    known = [each.value for each in Way]
    if way not in known:
        raise ConfigurationError(f"way: there is no way {str(way)!r}.{did_you_mean(str(way), known)}")
    return Way(way)


def style_for(way: Way) -> Style:
    """How a profile is worded for a way, where nothing else is asked for."""
    return Style.PORTRAIT if way is Way.PERSONA else Style.FIRST_PERSON


def opening_of(profile: ValueProfile, *, text: str, way: Way) -> str:
    """What of a profile stands in a prompt, word for word.

    Args:
        profile: The profile.
        text: The profile as it was rendered.
        way: How it is put to the model. In the way `persona` its statements follow as the first answers.
    """
    if way is not Way.PERSONA:
        return text
    said = [
        (_FIRST if number == 0 else _SECOND, value.statement) for number, value in enumerate(profile.values)
    ]
    said += [(_DEALING, norm) for norm in profile.norms]
    return "\n\n".join([text, *(f"Question: {asked}\nAnswer: {answer}" for asked, answer in said)])


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

    @property
    def opening(self) -> str:
        """What of the profile stands in a prompt."""
        return opening_of(self.profile, text=self.text, way=self.way)

    def prompt(self, messages: Sequence[Message]) -> Prompt:
        """A conversation with the profile in it; an application's own system text stands before the profile."""
        own = [message.content for message in messages if message.role == "system"]
        turns = [message for message in messages if message.role != "system"]
        return _placed(turns, way=self.way, opening="\n\n".join([*own, self.opening]))

    def question(self, question: Question, order: Sequence[int]) -> Prompt:
        """A question with options, listed in an order, as the elicitation words it."""
        condition = Condition(kind="profile", id=self.profile.id, text=self.opening)
        return _asked(question, order, condition=condition, way=self.way)


@dataclass(frozen=True, kw_only=True)
class SteeredLogProb(LogProb):
    """Exact option probabilities, the profile of a condition being put to the model in one way.

    Attributes:
        way: How. Questions without condition are asked in the same form, with no profile before them.
    """

    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.SCORE_OPTIONS})

    way: Way

    def settings(self) -> Mapping[str, object]:
        """Everything that can change an answer."""
        return {**super().settings(), "way": self.way.value}

    def prompts(self, question: Question, condition: Condition) -> tuple[Prompt, ...]:
        """One prompt an option order."""
        orders = listed_orders(question, max_orders=self.max_orders)
        return tuple(_asked(question, order, condition=condition, way=self.way) for order in orders)


@dataclass(frozen=True, kw_only=True)
class SteeredSample(Sample):
    """Shares of sampled replies, the profile of a condition being put to the model in one way.

    Attributes:
        way: As in `SteeredLogProb`.
    """

    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.SAMPLE})

    way: Way

    def settings(self) -> Mapping[str, object]:
        """Everything that can change an answer."""
        return {**super().settings(), "way": self.way.value}

    def prompts(self, question: Question, condition: Condition) -> tuple[Prompt, ...]:
        """One prompt an option order."""
        orders = listed_orders(question, max_orders=self.draws)
        return tuple(_asked(question, order, condition=condition, way=self.way) for order in orders)


def steered_in(way: Way, elicitation: Elicitation) -> Elicitation:
    """An elicitation that puts profiles to the model in one way, else as another one does.

    Raises:
        ConfigurationError: An elicitation that words its questions in one way only.
    """
    if isinstance(elicitation, LogProb):
        return SteeredLogProb(style=elicitation.style, max_orders=elicitation.max_orders, way=way)
    if isinstance(elicitation, Sample):
        return SteeredSample(
            style=elicitation.style,
            seed=elicitation.seed,
            draws=elicitation.draws,
            max_new_tokens=elicitation.max_new_tokens,
            way=way,
        )
    raise ConfigurationError(
        f"way: the elicitation {elicitation.name!r} puts profiles to a model in its own way only; logprob and sample "
        "can be told the way."
    )


def _asked(question: Question, order: Sequence[int], *, condition: Condition, way: Way) -> Prompt:
    """A question with its options listed in an order, after what a condition says."""
    if way is Way.SPECTRUM:
        return prompt_for(question, order=order, condition=condition, style=PromptStyle.SPECTRUM)
    plain = prompt_for(question, order=order, condition=Condition(), style=PromptStyle.CHAT)
    prompt = _placed(plain.messages if isinstance(plain, Chat) else (), way=way, opening=condition.text)
    # An option is one line, however long an answer to an open question may be.
    return Text(prompt.text) if isinstance(prompt, Text) else prompt


def _placed(turns: Sequence[Message], *, way: Way, opening: str) -> Prompt:
    """A conversation behind an opening, up to where the next answer begins; the conversation alone where it is empty."""
    if way is Way.PERSONA:
        names = {"user": "Question", "assistant": "Answer"}
        said = "\n".join(f"{names[turn.role]}: {turn.content}" for turn in turns)
        text = "\n\n".join([opening, said] if opening else [said])
        return Text(f"{text}\nAnswer:", end=_NEXT_QUESTION)
    if way is Way.SPECTRUM:
        roles = {"user": "input", "assistant": "output"}
        said_before = [Message(roles[turn.role], turn.content) for turn in turns]
        return Chat((Message("description", opening), *said_before))
    if not opening:
        return Chat(tuple(turns))
    if way is Way.SYSTEM:
        return Chat((Message("system", opening), *turns))
    placed = list(turns)
    first = next(number for number, turn in enumerate(placed) if turn.role == "user")
    placed[first] = Message("user", f"{opening}\n\n{placed[first].content}")
    return Chat(tuple(placed))
