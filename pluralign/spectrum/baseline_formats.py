r"""How a sequence of examples is laid out for a model, and where its outputs stand.

A model that knows the spectrum format reads it. The others read the same content in a form that they know, after the
baselines of Sorensen et al. 2025 (arXiv:2510.06084); the words are our own:

- `chat`: a system turn that says what is asked and describes the process, then user turns (the input, or "Generate")
  and assistant turns (the output), through the model's own chat template. Without a description the first example
  stands in the system turn.
- `chat_simple`: the same without saying what is asked.
- `colon`: plain text for base models, `Description: D`, `Input: I` and `Output: O`, a blank line behind each.

Each text is tokenised part by part, so that the tokens of an output do not depend on what else the sequence holds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from pluralign.errors import DataError, ModelError, UnsupportedError
from pluralign.models import chat_template as templates
from pluralign.models.containment import Containment
from pluralign.models.control_marks import control_tokens
from pluralign.models.protocol import Capability, Message
from pluralign.models.protocol import Text as PlainText
from pluralign.models.transformers_model import TransformersModel, folded
from pluralign.records.sequence_score import LayoutName
from pluralign.spectrum.format import Segment, SpectrumFormat, SpectrumSequence

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

PREAMBLE = (
    "You stand in for a process that produces outputs at random. Every turn of yours is one draw from it. The draws are "
    "exchangeable: their order says nothing. To an input, or to the word Generate, reply with one more output of the "
    "same process and with nothing else: no introduction, no comment."
)
# What the user says where an example has no input.
GENERATE = "Generate"
_BLANK_LINE = "\n\n"
_NEXT = "Output:"


@dataclass(frozen=True)
class OutputSpan:
    """Where the tokens of one output stand.

    Attributes:
        index: Which example of the sequence it belongs to, from 0.
        start: Place of its first token.
        end: Place of the first token that is the terminator alone.
        stop: Place behind its last token.
    """

    index: int
    start: int
    end: int
    stop: int


@dataclass(frozen=True)
class LaidOutSequence:
    """A sequence as a model reads it.

    Attributes:
        token_ids: All tokens, up to the end of the last output.
        outputs: The outputs that something foretells: a description, or examples before it.
    """

    token_ids: tuple[int, ...]
    outputs: tuple[OutputSpan, ...]


class Turn(NamedTuple):
    """One example as tokens.

    Attributes:
        example: Its number in the sequence, from 0.
        before: What stands before its output and behind the output before it.
        output: The output with its terminator.
        n_end: How many tokens of these are the terminator alone.
    """

    example: int
    before: list[int]
    output: list[int]
    n_end: int


class SequenceLayout(Protocol):
    """A way to lay sequences out.

    Attributes:
        name: Its name.
    """

    @property
    def name(self) -> LayoutName: ...

    def turns(self, sequence: SpectrumSequence) -> Iterator[Turn]:
        """The examples whose outputs the model is to write.

        Raises:
            ModelError: A text cannot be told apart from what the layout writes around it.
        """
        ...


def lay_out(sequence: SpectrumSequence, *, layout: SequenceLayout) -> LaidOutSequence:
    """Tokens of a sequence with the places of its outputs.

    Raises:
        ModelError: A text cannot be told apart from what the layout writes around it.
        DataError: There is no output that anything foretells.
    """
    first = 0 if sequence.description is not None else 1
    if len(sequence.examples) <= first:
        raise DataError("A sequence without a description and with one example foretells no output.")
    ids: list[int] = []
    spans = []
    for turn in layout.turns(sequence):
        ids += turn.before
        stop = len(ids) + len(turn.output)
        if turn.example >= first:
            spans.append(OutputSpan(turn.example, len(ids), stop - turn.n_end, stop))
        ids += turn.output
    return LaidOutSequence(tuple(ids), tuple(spans))


def default_layout(model: TransformersModel) -> LayoutName:
    """The layout that a model was made for."""
    if Capability.SPECTRUM_PROMPT in model.can:
        return "spectrum"
    return "chat" if Capability.CHAT in model.can else "colon"


def sequence_layout(model: TransformersModel, name: LayoutName | None = None) -> SequenceLayout:
    """A layout for a model.

    Args:
        model: The model; its tokenizer and chat template are used.
        name: Which; None for the one that the model was made for.

    Raises:
        UnsupportedError: The model does not know that layout.
        ModelError: No turns can be derived from its chat template.
    """
    name = name or default_layout(model)
    needed = {"spectrum": Capability.SPECTRUM_PROMPT, "colon": None}.get(name, Capability.CHAT)
    if needed and needed not in model.can:
        raise UnsupportedError(
            f"The layout {name!r} needs a model with {needed.value!r}, which {model.id!r} is not. Its own layout is "
            f"{default_layout(model)!r}."
        )
    bos = model.render(PlainText("", end=_BLANK_LINE))
    if name == "colon":
        return ColonLayout(model.tokenizer, bos=bos)
    spectrum = SpectrumFormat.from_tokenizer(model.tokenizer)
    if name == "spectrum":
        return SpectrumLayout(spectrum)
    takes_system = Capability.SYSTEM_PROMPT in model.can
    return ChatLayout(spectrum, bos=bos, with_preamble=name == "chat", takes_system=takes_system)


class SpectrumLayout:
    """Description, input and output turns: the format that spectrum tuning teaches.

    Args:
        spectrum: The format of the model's tokenizer.
    """

    name: LayoutName = "spectrum"

    def __init__(self, spectrum: SpectrumFormat) -> None:
        self._spectrum = spectrum

    def turns(self, sequence: SpectrumSequence) -> Iterator[Turn]:
        """See `SequenceLayout`."""
        # Of each example three segments: what stands before the output, the output, its end of turn.
        segments = self._spectrum.segments(sequence)
        for index in range(len(sequence.examples)):
            before, output, end = map(self._spectrum.segment_ids, segments[3 * index : 3 * index + 3])
            yield Turn(index, before, output + end, len(end))


class ChatLayout:
    """A conversation under the model's own chat template, one assistant turn an output.

    Args:
        spectrum: Turns of the model's chat template, and how its tokenizer reads texts that are data.
        bos: The token that the tokenizer puts before any text, or "".
        with_preamble: Whether the system turn says what is asked.
        takes_system: Whether the template has a system turn; else its text goes before the first input.
    """

    def __init__(
        self, spectrum: SpectrumFormat, *, bos: str, with_preamble: bool, takes_system: bool
    ) -> None:
        self.name: LayoutName = "chat" if with_preamble else "chat_simple"
        self._spectrum = spectrum
        self._containment = Containment(spectrum.tokenizer)
        self._bos = bos
        self._takes_system = takes_system
        self._opening = _opened_turn(spectrum)

    def turns(self, sequence: SpectrumSequence) -> Iterator[Turn]:
        """See `SequenceLayout`."""
        messages = self._messages(sequence)
        literals, contents = self._pieces(messages)
        index = len(sequence.examples) - sum(message.role == "assistant" for message in messages)
        end_text = self._spectrum.turns.end
        end = self._spectrum.segment_ids(Segment((end_text,), bears_loss=True))
        pending = [""]
        for number, (message, content) in enumerate(zip(messages, contents, strict=True)):
            pending[-1] += literals[number]
            if message.role != "assistant":
                pending += [content, ""]
                continue
            pending[-1] = self._opened(pending[-1])
            if not literals[number + 1].startswith(end_text):
                raise self._unlike()
            literals[number + 1] = literals[number + 1].removeprefix(end_text)
            before = self._spectrum.segment_ids(Segment(tuple(pending), bears_loss=False))
            output = self._spectrum.segment_ids(Segment(("", content, ""), bears_loss=True))
            yield Turn(index, before, output + end, len(end))
            index, pending = index + 1, [""]

    def _messages(self, sequence: SpectrumSequence) -> list[Message]:
        examples = sequence.examples
        if sequence.description is not None:
            told = f"Description: {sequence.description}"
        else:
            shown, examples = examples[0], examples[1:]
            given = [] if shown.input is None else [f"Example Input: {shown.input}"]
            told = "\n".join([*given, f"Example Output: {shown.output}"])
        preamble = [PREAMBLE] if self.name == "chat" else []
        messages = [Message("system", _BLANK_LINE.join([*preamble, told]))]
        for example in examples:
            given_text = example.input if example.input and example.input.strip() else GENERATE
            messages += [Message("user", given_text), Message("assistant", example.output)]
        return messages if self._takes_system else folded(messages)

    def _pieces(self, messages: list[Message]) -> tuple[list[str], list[str]]:
        """What the template writes before, between and after the contents, and the contents."""
        from jinja2 import TemplateError

        try:
            pieces = self._containment.lay_out(
                messages, opening=lambda text: text if text.startswith(self._bos) else self._bos + text
            ).pieces
        except TemplateError as error:
            raise ModelError(f"The chat template refuses alternating turns: {error}") from error
        if pieces is None or len(pieces) != 2 * len(messages) + 1:
            raise self._unlike()
        return list(pieces[::2]), list(pieces[1::2])

    def _opened(self, text: str) -> str:
        """A text that ends with the opening of an assistant turn, opened as the template opens one to be written."""
        before, found, _ = text.rpartition(_header(self._spectrum))
        if not found:
            raise self._unlike()
        return before + self._opening

    def _unlike(self) -> ModelError:
        return ModelError(
            f"The chat template of {self._spectrum.tokenizer.name_or_path!r} does not write all turns alike, so that "
            "the places of the outputs cannot be told. Take the layout 'colon'."
        )


class ColonLayout:
    """Plain text for base models: `Description:`, `Input:` and `Output:`, a blank line behind each.

    Args:
        tokenizer: The tokenizer.
        bos: The token that it puts before any text, or "".
    """

    name: LayoutName = "colon"

    def __init__(self, tokenizer: "PreTrainedTokenizerBase", *, bos: str) -> None:
        self._tokenizer = tokenizer
        self._bos = bos
        self._controls = frozenset(control_tokens(tokenizer).values())

    def turns(self, sequence: SpectrumSequence) -> Iterator[Turn]:
        """See `SequenceLayout`."""
        head = "" if sequence.description is None else f"Description: {sequence.description}{_BLANK_LINE}"
        bos = self._tokenizer(self._bos, add_special_tokens=False)["input_ids"] if self._bos else []
        for index, example in enumerate(sequence.examples):
            if _BLANK_LINE in example.output:
                raise ModelError(
                    f"The output {example.output!r} holds a blank line, which ends an output in the layout 'colon'."
                )
            given = "" if example.input is None else f"Input: {example.input}{_BLANK_LINE}"
            # The space belongs to the output: the first token of most words holds it.
            text = self._read(f" {example.output}")
            output = self._before_next(f" {example.output}{_BLANK_LINE}")
            n_end = len(output) - len(text) if output[: len(text)] == text else 0
            yield Turn(index, bos + self._read(f"{head}{given}{_NEXT}"), output, n_end)
            head, bos = "", []

    def _before_next(self, text: str) -> list[int]:
        """Tokens of a text as it stands before the next line.

        Tokenizers after GPT-2 read line breaks that a word follows one by one, and at the end of a text together: a
        model has hardly seen that outside of ends.
        """
        joint, following = self._read(f"{text}{_NEXT}"), self._read(_NEXT)
        return joint[: -len(following)] if joint[-len(following) :] == following else self._read(text)

    def _read(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        if found := self._controls.intersection(ids):
            marks = ", ".join(repr(self._tokenizer.decode([index])) for index in sorted(found))
            raise ModelError(
                f"The text {text!r} holds {marks}, which the tokenizer takes for a sign of its own. Take it out."
            )
        return ids


def _header(spectrum: SpectrumFormat) -> str:
    return spectrum.turns.header(spectrum.turns.assistant)


def _opened_turn(spectrum: SpectrumFormat) -> str:
    """How the template opens the turn that the model is to write, its thoughts left empty where it has any."""
    header = _header(spectrum)
    asked = [{"role": "user", "content": GENERATE}]
    text = templates.render(spectrum.tokenizer, asked, add_generation_prompt=True, enable_thinking=False)
    _, found, rest = text.rpartition(header)
    return header + rest if found else header
