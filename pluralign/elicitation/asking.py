"""How a question is put to a model: the unit of work, the prompt, and what an elicitation is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from pluralign.errors import UnsupportedError
from pluralign.models.protocol import Capability, Chat, LanguageModel, Message, Prompt
from pluralign.records import Answer, Condition, Question

# Units asked in one call: enough for the model to batch, few enough that a kill loses seconds.
UNITS_PER_CALL = 8

ONE_OPTION = "Answer with one of the options, word for word, and nothing else."

# What is said before one person's own answers, in a chat and as the description of a process.
SAME_PERSON = "One person answers several questions. Answer each as this person would."
ONE_PERSON = "The answers of one person to several questions."

_REMEDIES = {
    Capability.CHAT: "Use an instruct model, or save a chat template with the tokenizer.",
    Capability.SCORE_OPTIONS: "Local models (a path, a hub id, 'embedded') score options exactly; "
    "every other model can be asked with the elicitation 'sample'.",
    Capability.SAMPLE: "Any local model or endpoint can be sampled.",
}


class PromptStyle(StrEnum):
    """In which format a question is written."""

    CHAT = "chat"
    SPECTRUM = "spectrum"


@dataclass(frozen=True)
class Ask:
    """One unit of work: a question under a condition.

    Attributes:
        key: Row key of the answer, a hash of everything that can change it.
        question: What is asked.
        condition: What the model is given beside it.
    """

    key: str
    question: Question
    condition: Condition


class Elicitation(Protocol):
    """A way to get answers; its settings are part of every row key."""

    @property
    def name(self) -> str:
        """Name in specs and rows."""
        ...

    @property
    def needs(self) -> frozenset[Capability]:
        """What a model must be able to do."""
        ...

    @property
    def units_per_call(self) -> int:
        """How many units are asked together; changes speed, not answers."""
        ...

    def settings(self) -> Mapping[str, object]:
        """Everything about this elicitation that can change an answer."""
        ...

    def prompts(self, question: Question, condition: Condition) -> tuple[Prompt, ...]:
        """Every prompt that one unit of work puts to the model."""
        ...

    def answers(self, model: LanguageModel, asks: Sequence[Ask]) -> list[Answer]:
        """Ask, and return one answer a unit, in order."""
        ...


def style_of(model: LanguageModel) -> PromptStyle:
    """The format a model was made for: spectrum where its chat template knows those roles, else chat."""
    return PromptStyle.SPECTRUM if Capability.SPECTRUM_PROMPT in model.can else PromptStyle.CHAT


def check_capable(model: LanguageModel, elicitation: Elicitation) -> None:
    """Fail while planning where a model cannot do what an elicitation needs.

    Raises:
        UnsupportedError: Names what is missing and what would do.
    """
    if missing := sorted(elicitation.needs - model.can):
        raise UnsupportedError(
            f"The elicitation {elicitation.name!r} needs a model that can {' and '.join(sorted(elicitation.needs))}; "
            f"{model.id!r} cannot {' or '.join(missing)}. {' '.join(_REMEDIES[capability] for capability in missing)}"
        )


def prompt_for(
    question: Question,
    *,
    order: Sequence[int],
    condition: Condition,
    style: PromptStyle,
    instruction: str = ONE_OPTION,
) -> Prompt:
    """Write a question as a prompt.

    Args:
        question: The question.
        order: Indices of the options in the order in which they are listed.
        condition: What the model is given beside the question.
        style: Chat: the condition as system message, the question as user message. Spectrum: question,
            options and respondents as `description`, the answer being an `output` (Sorensen et al. 2025).
        instruction: What is asked for behind the listed options of a chat prompt.
    """
    options = [question.option_texts[index] for index in order] if question.options_listed else []
    if condition.kind == "in_context":
        return _conversation(question.text, options, condition, style=style, instruction=instruction)
    if style is PromptStyle.SPECTRUM:
        return Chat((Message("description", _description(question, options, condition)),))
    user = Message("user", _user_turn(question.text, options, instruction))
    if condition.kind == "none":
        return Chat((user,))
    return Chat((Message("system", _system_turn(condition)), user))


def _conversation(
    text: str, options: Sequence[str], condition: Condition, *, style: PromptStyle, instruction: str
) -> Chat:
    """One person's answers as turns, then the question: what is asked later begins with what was asked before.

    Instruction and options are repeated in every turn, so that a prompt with more examples begins with the whole
    of one with fewer.
    """
    opening = [ONE_PERSON if style is PromptStyle.SPECTRUM else SAME_PERSON, condition.text]
    roles = (
        ("description", "input", "output")
        if style is PromptStyle.SPECTRUM
        else ("system", "user", "assistant")
    )
    turns = [Message(roles[0], " ".join(filter(None, opening)))]
    for shown in condition.examples:
        asked = _turn_of(shown.text, shown.options, style=style, instruction=instruction)
        turns += [Message(roles[1], asked), Message(roles[2], shown.answer)]
    return Chat((*turns, Message(roles[1], _turn_of(text, options, style=style, instruction=instruction))))


def _turn_of(text: str, options: Sequence[str], *, style: PromptStyle, instruction: str) -> str:
    """A question within a conversation."""
    if style is PromptStyle.SPECTRUM:
        return f"{text}\nOptions: {'; '.join(options)}" if options else text
    return _user_turn(text, options, instruction)


def _user_turn(text: str, options: Sequence[str], instruction: str) -> str:
    if not options:
        return text
    listed = "\n".join(f"- {option}" for option in options)
    return f"{text}\n\nOptions:\n{listed}\n\n{instruction}"


def _system_turn(condition: Condition) -> str:
    match condition.kind, condition.form:
        case "persona", "member":
            return f"You are one of the people who {condition.text}. Answer as one of them would."
        case "few_shot", _:
            return f"{condition.text}\n\nAnswer as one of them would."
        case _:
            return condition.text


def _description(question: Question, options: Sequence[str], condition: Condition) -> str:
    lines = [question.text]
    if options:
        lines.append(f"Options: {'; '.join(options)}")
    if condition.kind == "persona" and condition.form == "member":
        lines.append(f"Respondents: people who {condition.text}")
    elif condition.kind != "none":
        # Before the question, as the wordings speak of what follows ("Answer the following question as if ...").
        lines.insert(0, f"{condition.text}\n")
    return "\n".join(lines)
