r"""The spectrum format: one data-generating process as description, inputs and outputs on a model's own turns.

A sequence is written with the turn tokens of the tokenizer's chat template and three new role words. For a
ChatML tokenizer, with `____` around what bears loss:

    <|im_start|>description\nDESC<|im_end|>\n<|im_start|>output\n____OUT<|im_end|>____\n

The format follows Sorensen et al., Spectrum Tuning (arXiv 2510.06084).
"""

import copy
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pydantic import Field

from pluralign.errors import DataError
from pluralign.models.chat_template import TurnFormat, require_template, turn_format
from pluralign.models.containment import Containment, LaidOutChat
from pluralign.models.protocol import Message
from pluralign.records.base import Record, Text

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

ROLES = ("description", "input", "output")
IGNORED = -100  # the label that PyTorch's cross-entropy leaves out
# Stands for contents where only what the format writes around them counts.
_WORD = "word"

_MARK = "{#- spectrum format: description, input, output -#}\n"
# The line break behind `else` is removed by `trim_blocks`, which Hugging Face's renderer sets; the original
# template then starts on a line of its own, as `lstrip_blocks` expects. `{%+` keeps what stands before `endif`.
_SUPERSET = (
    "{%- if messages and messages[0]['role'] in ['description', 'input', 'output'] -%}"
    "{{- BOS -}}"
    "{%- for message in messages -%}"
    "{{- OPEN + message['role'] + CLOSE + message['content'] + END + SEPARATOR -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- OPEN + 'output' + CLOSE -}}{%- endif -%}"
    "{%- else %}\nORIGINAL{%+ endif %}"
)


class Example(Record):
    """One draw from a process: what was given, if anything, and what came out."""

    input: str | None = None
    output: Text


class SpectrumSequence(Record):
    """Draws from one data-generating process, in an order that carries no information.

    Attributes:
        description: The process in words, or None where only examples tell what it is.
        examples: At least one draw.
        task: Name of the task it comes from, "" where there is none.
        distribution: (output, probability) of all that can come out, where draws are independent and that is
            known in closed form; not stored with built rows.
    """

    description: Text | None = None
    examples: tuple[Example, ...] = Field(min_length=1)
    task: str = ""
    distribution: tuple[tuple[str, float], ...] | None = None

    def messages(self) -> tuple[Message, ...]:
        """The sequence as turns, for a chat template that knows the spectrum format."""
        turns = [] if self.description is None else [Message("description", self.description)]
        for example in self.examples:
            if example.input is not None:
                turns.append(Message("input", example.input))
            turns.append(Message("output", example.output))
        return tuple(turns)


@dataclass(frozen=True)
class EncodedRow:
    """One training row.

    Attributes:
        input_ids: Tokens, at most the maximal length.
        labels: The token where it bears loss, -100 elsewhere; as long as `input_ids`.
        task: Name of the task it comes from.
        described: Whether the row has a description.
        truncated: Whether the end was cut off. An output cut in the middle keeps its loss, but its
            end-of-turn token is gone.
        outputs: (start, end) of each output with its end-of-turn token, as places in `input_ids`; those that
            were cut off whole are left out.
        targets: place -> (tokens, their true probabilities) of each label, where these are known and asked for.
    """

    input_ids: tuple[int, ...]
    labels: tuple[int, ...]
    task: str
    described: bool
    truncated: bool
    outputs: tuple[tuple[int, int], ...] = ()
    targets: Mapping[int, tuple[tuple[int, ...], tuple[float, ...]]] | None = None

    @property
    def n_supervised(self) -> int:
        """Number of tokens that bear loss; 0 where truncation or a missing description left none."""
        return sum(label != IGNORED for label in self.labels)


@dataclass(frozen=True)
class Segment:
    """A part of a sequence that bears loss as a whole or not at all.

    Attributes:
        pieces: Its text: what the format writes, content, what the format writes, and so on.
        bears_loss: Whether its tokens are learnt.
        example: Number of the example whose output or end-of-turn token this is, from 0; None for the rest.
    """

    pieces: tuple[str, ...]
    bears_loss: bool
    example: int | None = None

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(self.pieces)


@dataclass(frozen=True)
class SpectrumFormat:
    """The spectrum format of one tokenizer.

    Attributes:
        tokenizer: The tokenizer.
        turns: How its chat template writes a turn.
    """

    tokenizer: "PreTrainedTokenizerBase"
    turns: TurnFormat

    @classmethod
    def from_tokenizer(cls, tokenizer: "PreTrainedTokenizerBase") -> "SpectrumFormat":
        """Derive the format from the tokenizer's chat template.

        Raises:
            ModelError: There is no chat template, or no turn format can be derived from it.
        """
        require_template(tokenizer)
        return cls(tokenizer=tokenizer, turns=turn_format(tokenizer))

    @property
    def chat_template(self) -> str:
        """The tokenizer's chat template, extended by the spectrum roles.

        A conversation that begins with one of them is written in the spectrum format, any other as before.
        """
        original = self.tokenizer.get_chat_template()
        if original.startswith(_MARK):
            return str(original)
        parts = {
            "BOS": self.turns.bos,
            "OPEN": self.turns.open,
            "CLOSE": self.turns.close,
            "END": self.turns.end,
            "SEPARATOR": self.turns.separator,
        }
        head, tail = _SUPERSET.split("ORIGINAL")
        literals = {name: json.dumps(text, ensure_ascii=False) for name, text in parts.items()}
        head = re.sub(r"\b(BOS|OPEN|CLOSE|END|SEPARATOR)\b", lambda found: literals[found[0]], head)
        # Jinja drops one line break at the end of a template, so one is dropped before `endif`.
        return _MARK + head + re.sub(r"(\r\n|\r|\n)\Z", "", original) + tail

    def apply(self) -> "PreTrainedTokenizerBase":
        """A copy of the tokenizer that carries the extended chat template; save it with the tuned model."""
        tokenizer = copy.deepcopy(self.tokenizer)
        tokenizer.chat_template = self.chat_template
        return tokenizer

    def render(self, sequence: SpectrumSequence) -> str:
        """The text of a sequence, as the extended chat template writes it."""
        return "".join(segment.text for segment in self.segments(sequence))

    def segments(self, sequence: SpectrumSequence) -> list[Segment]:
        """A sequence cut where the loss begins and ends.

        Outputs and their end-of-turn tokens bear loss. Without a description the first output bears none:
        nothing tells what it should be.
        """
        turns = self.turns
        pending = [turns.bos]

        def add(role: str, content: str) -> None:
            pending[-1] += turns.header(role)
            pending.extend((content, turns.end + turns.separator))

        segments = []
        if sequence.description is not None:
            add("description", sequence.description)
        for position, example in enumerate(sequence.examples):
            if example.input is not None:
                add("input", example.input)
            pending[-1] += turns.header("output")
            bears_loss = position > 0 or sequence.description is not None
            segments += [
                Segment(tuple(pending), bears_loss=False),
                Segment(("", example.output, ""), bears_loss=bears_loss, example=position),
                Segment((turns.end,), bears_loss=bears_loss, example=position),
            ]
            pending = [turns.separator]
        return [*segments, Segment((turns.separator,), bears_loss=False)] if turns.separator else segments

    def encode(self, sequence: SpectrumSequence, *, max_length: int) -> EncodedRow:
        """Tokenise a sequence piece by piece, so that no token spans the beginning or end of an output.

        Descriptions, inputs and outputs are data: whatever they spell becomes no control token.

        Args:
            sequence: The sequence.
            max_length: Rows longer than this many tokens are cut off on the right.

        Raises:
            ModelError: A text holds marks that this tokenizer cannot read as plain text.
        """
        input_ids: list[int] = []
        labels: list[int] = []
        outputs: dict[int, tuple[int, int]] = {}
        for segment in self.segments(sequence):
            ids = self.segment_ids(segment)
            start = len(input_ids)
            input_ids += ids
            if segment.example is not None and start < max_length:
                first, _ = outputs.get(segment.example, (start, start))
                outputs[segment.example] = (first, min(len(input_ids), max_length))
            labels += ids if segment.bears_loss else [IGNORED] * len(ids)
        return EncodedRow(
            input_ids=tuple(input_ids[:max_length]),
            labels=tuple(labels[:max_length]),
            task=sequence.task,
            described=sequence.description is not None,
            truncated=len(input_ids) > max_length,
            outputs=tuple(outputs.values()),
        )

    def segment_ids(self, segment: Segment) -> list[int]:
        """The tokens of a segment alone, whose contents become no control token; raises as `encode`."""
        contents = segment.pieces[1::2]
        frame = _WORD.join(segment.pieces[::2])
        chat = LaidOutChat(
            segment.text,
            segment.pieces,
            controls=self._controls(frame),
            marked=any(self._containment.marks_in(content) for content in contents),
            frame=frame,
        )
        (ids,) = self._containment.encode(chat)
        return ids

    def _controls(self, frame: str) -> tuple[int, ...]:
        """The control ids of a segment with plain words for its contents."""
        if frame not in self._known_controls:
            ids = self.tokenizer(frame, add_special_tokens=False)["input_ids"]
            self._known_controls[frame] = tuple(
                index for index in ids if index in self._containment.control_ids
            )
        return self._known_controls[frame]

    @cached_property
    def _containment(self) -> Containment:
        return Containment(self.tokenizer)

    @cached_property
    def _known_controls(self) -> dict[str, tuple[int, ...]]:
        return {}


def format_fields(values: Mapping[str, object]) -> str:
    """Several variables as one input or output: one is written as it is, several as a JSON object.

    Raises:
        DataError: There is no variable.
    """
    if not values:
        raise DataError("values: an input or output needs at least one variable")
    if len(values) == 1:
        return str(next(iter(values.values())))
    return json.dumps(dict(values), ensure_ascii=False)
