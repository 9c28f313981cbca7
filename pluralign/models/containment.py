"""Message contents are data: whatever they say, they become no turn and no control token.

A chat template joins its own marks and the contents into one text, and a tokenizer cannot tell them apart in it. So
contents that hold a mark are read with a twin of the tokenizer, in which the model's control tokens have secret names.
The template's marks are given these names, the contents are left as they are: what they spell is then ordinary text,
read where it stands. Contents without marks are read as they always were, with the tokenizer itself.

Either way the control ids must come out as the template writes them around plain words, or there is a ModelError.
`apply_chat_template(sanitize_control_tokens=True)` of transformers has the same aim. It looks for control tokens as they
are spelt, so that those which normalising makes get through, as do added tokens that are not special and not in the
template's source, and marks that are no tokens ("[INST]"); it shows the contents to the template, which may take them
apart, deletes private-use characters, and does not compare the ids of the whole with those of the template alone.
"""

import json
import re
import secrets
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, chain, pairwise, zip_longest
from typing import TYPE_CHECKING, Any, NoReturn
from unicodedata import normalize

from pluralign.errors import ModelError
from pluralign.models import chat_template as templates
from pluralign.models.control_marks import control_tokens, template_marks
from pluralign.models.protocol import Message

if TYPE_CHECKING:
    from tokenizers import Encoding
    from transformers import PreTrainedTokenizerBase

Ids = list[int]
Span = tuple[int, int]
# White space around a stand-in, by which a template shows that it trims; no template ends a header like that.
_BEFORE, _AFTER = "\t \n", "\n \t"
# A token of vocabularies that fall back to bytes.
_BYTE = re.compile("<0x[0-9A-F]{2}>")


@dataclass(frozen=True)
class _Frame:
    """A conversation without its contents.

    Attributes:
        text: As the template writes it around stand-ins.
        literals: What stands before, between and after the contents; None where the template repeats or drops some.
        trims: Per content whether the template trims its left and its right end; in the order of `order`.
        order: The messages' numbers in the order in which their contents stand; blank ones belong to the literals.
        controls: The control ids of the text, in order.
    """

    text: str
    literals: tuple[str, ...] | None
    trims: tuple[tuple[bool, bool], ...]
    order: tuple[int, ...]
    controls: tuple[int, ...]

    def filled(self, contents: Sequence[str]) -> tuple[str, ...] | None:
        """Literals and contents in turn; the first and the last are literals."""
        if self.literals is None:
            return None
        pieces = [self.literals[0]]
        for index, (left, right), literal in zip(self.order, self.trims, self.literals[1:], strict=True):
            content = contents[index].lstrip() if left else contents[index]
            pieces += [content.rstrip() if right else content, literal]
        return tuple(pieces)


@dataclass(frozen=True)
class LaidOutChat:
    """A conversation as text, and which of it is data.

    Attributes:
        text: What the model reads, special tokens written out.
        pieces: The text in parts: literal, content, literal, ..., literal. None where the template rewrites these
            contents, which hold no mark.
        controls: The control ids that the template itself writes, in order.
        marked: Whether the contents hold marks.
        frame: The text with plain words for its contents.
    """

    text: str
    pieces: tuple[str, ...] | None
    controls: tuple[int, ...]
    marked: bool
    frame: str


@dataclass(frozen=True)
class _Twin:
    """The tokenizer with secret names for its control tokens.

    Attributes:
        backend: A `tokenizers.Tokenizer`.
        names: Control token -> its secret name.
        ids: Id in the twin -> id in the tokenizer, of added tokens.
        literal: Finds control tokens in what the template wrote.
    """

    backend: Any
    names: dict[str, str]
    ids: dict[int, int]
    literal: re.Pattern[str]

    def renamed(self, text: str) -> str:
        return self.literal.sub(lambda found: self.names[found[0]], text)

    def read(self, text: str) -> tuple["Encoding", Ids]:
        encoding = self.backend.encode(text, add_special_tokens=False)
        return encoding, [self.ids.get(index, index) for index in encoding.ids]


class Containment:
    """Lays out conversations for one tokenizer and its chat template, and turns them into token ids.

    Args:
        tokenizer: The tokenizer, with the chat template in use.
    """

    def __init__(self, tokenizer: "PreTrainedTokenizerBase") -> None:
        self._tokenizer = tokenizer
        self._secret = f"zq{secrets.token_hex(8)}"
        self._frames: dict[tuple[object, ...], _Frame] = {}
        self._end_controls: dict[str, tuple[int, ...]] = {"": ()}

    def lay_out(
        self,
        messages: Sequence[Message],
        *,
        opening: Callable[[str], str] = str,
        continue_from: str = "",
    ) -> LaidOutChat:
        """The conversation as text, the model's turn opened.

        Contents with marks are put where the template puts plain words, and the template does not see them.

        Args:
            messages: The turns.
            opening: Changes the beginning of the text; may depend on the roles, not on the contents.
            continue_from: First words of the answer. They are the caller's: marks in them count.

        Raises:
            ModelError: A role is no plain word, or contents hold marks and the template repeats or drops some.
            jinja2.TemplateError: The template refuses the conversation.
        """
        for message in messages:
            if not message.role.isidentifier():
                raise ModelError(f"The role {message.role!r} is no plain word, so it cannot head a turn.")
        contents = [message.content for message in messages]
        marked = any(self.marks_in(content) for content in contents)
        frame = self._frame(messages, opening=opening, continue_from=continue_from, fresh=marked)
        pieces = frame.filled(contents)
        if not marked:
            text = opening(self._template([(each.role, each.content) for each in messages])) + continue_from
            pieces = pieces if pieces is not None and "".join(pieces) == text else None
        elif pieces is not None:
            text = "".join(pieces)
        else:
            self._refuse(
                contents, "its chat template repeats or drops messages, so their places cannot be told"
            )
        return LaidOutChat(text, pieces, controls=frame.controls, marked=marked, frame=frame.text)

    def encode(self, chat: LaidOutChat, *, answers: Sequence[str] = (), end: str = "") -> list[Ids]:
        """Token ids of a conversation, then of the conversation with each answer and its end behind it.

        Args:
            chat: From `lay_out`.
            answers: Answers without marks.
            end: The template's own mark behind each answer.

        Returns:
            1 + len(answers) lists of ids.

        Raises:
            ModelError: An answer holds a mark, or contents cannot be kept apart from the template's marks.
        """
        for answer in answers:
            if marks := self.marks_in(answer):
                raise ModelError(
                    f"The option {answer!r} holds {marks[0]!r}, a mark of the model's own, so it cannot be scored as "
                    "an answer. Reword it."
                )
        tails = ["", *(answer + end for answer in answers)]
        if not chat.marked:
            read = self._read([chat.text + tail for tail in tails])
            if self._agrees(read, chat=chat, end=end):
                return read
            if chat.pieces is None:
                self._refuse([chat.text], "its chat template rewrites them, and control tokens come of it")
        assert chat.pieces is not None  # `lay_out` refuses marked contents whose places cannot be told
        return self._read_as_data(chat, pieces=chat.pieces, tails=tails, end=end)

    def marks_in(self, text: str) -> list[str]:
        """The marks that a text holds, as this tokenizer would see them."""
        found = self._marks.findall(text)
        if self._normalizer is not None and not found:
            found = self._marks.findall(self._normalizer.normalize_str(text))
        return [str(mark) for mark in found]

    @cached_property
    def control_ids(self) -> frozenset[int]:
        """Ids that contents never yield."""
        tokens = control_tokens(self._tokenizer)
        unknown = self._tokenizer.unk_token_id
        others = (self._tokenizer.bos_token_id, self._tokenizer.eos_token_id, self._tokenizer.pad_token_id)
        # What the vocabulary lacks becomes bytes or the unknown token, which then stand for text.
        text = {index for token, index in tokens.items() if _BYTE.fullmatch(token)}
        return frozenset(set(tokens.values()) - text - (set() if unknown in others else {unknown}))

    @cached_property
    def _literal_marks(self) -> frozenset[str]:
        """Marks of the template that are no tokens."""
        return template_marks(self._tokenizer)

    @cached_property
    def _marks(self) -> re.Pattern[str]:
        return _any_of([*control_tokens(self._tokenizer), *self._literal_marks])

    @cached_property
    def _normalizer(self) -> Any:
        return self._tokenizer.backend_tokenizer.normalizer if self._tokenizer.is_fast else None

    def _template(self, turns: Iterable[tuple[str, str]]) -> str:
        messages = [{"role": role, "content": content} for role, content in turns]
        return templates.render(self._tokenizer, messages, add_generation_prompt=True)

    def _read(self, texts: list[str]) -> list[Ids]:
        ids: list[Ids] = self._tokenizer(texts, add_special_tokens=False)["input_ids"]
        return ids

    def _controls(self, ids: Iterable[int]) -> tuple[int, ...]:
        return tuple(filter(self.control_ids.__contains__, ids))

    def _frame(
        self,
        messages: Sequence[Message],
        *,
        opening: Callable[[str], str],
        continue_from: str,
        fresh: bool,
    ) -> _Frame:
        """The conversation around stand-ins for its contents; blank contents, which some templates drop, stay."""
        key = (
            continue_from,
            *((each.role, None if each.content.strip() else each.content) for each in messages),
        )
        if fresh or key not in self._frames:  # some templates write the date: what is laid out anew must fit
            self._frames[key] = self._made_frame(messages, opening=opening, continue_from=continue_from)
        return self._frames[key]

    def _made_frame(
        self, messages: Sequence[Message], *, opening: Callable[[str], str], continue_from: str
    ) -> _Frame:
        names = {
            index: f"{self._secret}i{index}zq" for index, each in enumerate(messages) if each.content.strip()
        }
        text = self._template(
            (each.role, f"{_BEFORE}{names[index]}{_AFTER}" if index in names else each.content)
            for index, each in enumerate(messages)
        )
        order = tuple(sorted(names, key=lambda index: text.find(names[index])))
        literals: tuple[str, ...] | None = None
        trims: tuple[tuple[bool, bool], ...] = ()
        if all(text.count(name) == 1 for name in names.values()):
            raw = re.split("|".join(names.values()) or "(?!)", text)
            trims = tuple(
                (not before.endswith(_BEFORE), not after.startswith(_AFTER))
                for before, after in pairwise(raw)
            )
            bare = [each.removeprefix(_AFTER).removesuffix(_BEFORE) for each in raw]
            bare[0] = opening(bare[0])
            bare[-1] += continue_from
            literals = tuple(bare)
            text = "".join(chain(*zip_longest(bare, [names[index] for index in order], fillvalue="")))
        else:
            text = opening(text) + continue_from
        return _Frame(
            text, literals, trims=trims, order=order, controls=self._controls(self._read([text])[0])
        )

    def _agrees(self, read: Sequence[Ids], *, chat: LaidOutChat, end: str) -> bool:
        """Whether the control ids are those of the template and, behind an answer, of its end; no more, no fewer."""
        own, *joint = read
        if end not in self._end_controls:
            self._end_controls[end] = self._controls(self._read([end])[0])
        if self._controls(own) != chat.controls:
            return False
        behind = self._end_controls[end]
        return all(
            self._controls(ids[len(own) :]) == behind
            if ids[: len(own)] == own
            else self._controls(ids) == (*chat.controls, *behind)
            for ids in joint
        )

    def _read_as_data(
        self, chat: LaidOutChat, *, pieces: Sequence[str], tails: Sequence[str], end: str
    ) -> list[Ids]:
        """Token ids by the twin; what even so would be read as a mark is spelt, character by character."""
        contents = pieces[1::2]
        twin = self._twin
        if self._secret in chat.text:
            self._refuse(contents, "they hold the secret of this run")
        written = [piece if i % 2 else twin.renamed(piece) for i, piece in enumerate(pieces)]
        text = "".join(written)
        spans = list(pairwise(accumulate(map(len, written))))[::2]  # of the contents within the text
        spelt = [span for start, stop in spans for span in self._literal_spans(text, start, stop)]
        read = []
        for tail in tails:
            encoding, ids = twin.read(text + twin.renamed(tail))
            inside = [_overlaps(offsets, spans) for offsets in encoding.offsets]
            taken = [
                _overlaps(offsets, spelt) or (within and index in self.control_ids)
                for index, offsets, within in zip(ids, encoding.offsets, inside, strict=True)
            ]
            read.append([
                single
                for index, spell in zip(ids, taken, strict=True)
                for single in (self._spelt(index, contents) if spell else [index])
            ])
        self._check(read, chat=chat, contents=contents, end=end)
        return read

    def _literal_spans(self, text: str, start: int, stop: int) -> list[Span]:
        """Where a content holds marks of the template that are no tokens; all of it where they come of normalising."""
        content = text[start:stop]
        pattern = _any_of(self._literal_marks)
        found = [(start + match.start(), start + match.end()) for match in pattern.finditer(content)]
        if not found and self._normalizer is not None:
            found = [(start, stop)] if pattern.search(self._normalizer.normalize_str(content)) else []
        return found

    def _spelt(self, index: int, contents: Sequence[str]) -> Ids:
        """A token of text as tokens of one character each, or of one byte where the vocabulary lacks it."""
        backend = self._tokenizer.backend_tokenizer
        ids = []
        for character in str(backend.id_to_token(index)):
            single = backend.token_to_id(character)
            bytes_ = [backend.token_to_id(f"<0x{byte:02X}>") for byte in character.encode()]
            letters = [single] if single is not None else bytes_
            if None in letters:
                self._refuse(contents, f"its vocabulary cannot spell {character!r}")
            ids += letters
        return ids

    def _check(self, read: Sequence[Ids], *, chat: LaidOutChat, contents: Sequence[str], end: str) -> None:
        """Make sure that contents became no control ids, no marks of the template, and are still there."""
        if not self._agrees(read, chat=chat, end=end):
            self._refuse(contents, "control ids come of them even as plain text")
        for mark, forms in self._forms(chat).items():
            for form, n in forms.items():
                if _n_times(read[0], form) > n:
                    self._refuse(contents, f"it reads {mark!r} in them just as it reads the template's own")
        decoded = normalize("NFC", self._decode(read[0]))
        place = 0
        for content in contents:
            wanted = normalize("NFC", self._as_read(content.strip()))
            place = decoded.find(wanted, place)
            if place < 0:
                self._refuse(contents, f"it changes the text: {content!r} does not come back")
            place += len(wanted)

    def _as_read(self, content: str) -> str:
        """A content as the tokenizer changes any text, for example to NFKC; its signs for spaces are none of it."""
        if self._normalizer is None:
            return content
        return str(self._normalizer.normalize_str(content)).replace("▁", " ").strip()

    def _forms(self, chat: LaidOutChat) -> dict[str, dict[tuple[int, ...], int]]:
        """Of each mark that is no token, the ids as the template writes it, and how often."""
        text = self._twin.renamed(chat.frame)
        encoding, ids = self._twin.read(text)
        forms: dict[str, dict[tuple[int, ...], int]] = {}
        for found in _any_of(self._literal_marks).finditer(text):
            form = tuple(
                i for i, each in zip(ids, encoding.offsets, strict=True) if _overlaps(each, [found.span()])
            )
            forms.setdefault(found[0], {})[form] = _n_times(ids, form)
        return forms

    def _decode(self, ids: Ids) -> str:
        return str(self._tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False))

    @cached_property
    def _twin(self) -> _Twin:
        from tokenizers import AddedToken, Tokenizer

        if not self._tokenizer.is_fast:
            self._refuse([], "it is none of the tokenizers library, of which no twin can be made")
        plan = json.loads(self._tokenizer.backend_tokenizer.to_str())
        plan |= {"added_tokens": [], "post_processor": None, "truncation": None, "padding": None}
        backend = Tokenizer.from_str(json.dumps(plan))
        taken = set(backend.get_vocab(with_added_tokens=False).values())
        controls = control_tokens(self._tokenizer)
        names = {token: f"{self._secret}n{number}zq" for number, token in enumerate(controls)}
        added = sorted(self._tokenizer.added_tokens_decoder.items())
        backend.add_tokens([
            AddedToken(
                names.get(token.content, token.content),
                single_word=token.single_word,
                lstrip=token.lstrip,
                rstrip=token.rstrip,
                normalized=token.normalized,
                special=token.special,
            )
            for _, token in added
        ])
        ids: dict[int, int] = {}
        for index, token in added:
            new = backend.token_to_id(names.get(token.content, token.content))
            if new is not None:
                ids[new] = index
        if len(ids) != len(added) or taken & {backend.token_to_id(name) for name in names.values()}:
            self._refuse([], "its added tokens cannot be renamed")
        return _Twin(backend, names=names, ids=ids, literal=_any_of(controls))

    def _refuse(self, contents: Sequence[str], reason: str) -> NoReturn:
        marks = list(dict.fromkeys(mark for content in contents for mark in self.marks_in(content)))
        shown = f" hold {', '.join(map(repr, marks[:3]))}, which" if marks else ""
        raise ModelError(
            f"The messages{shown} cannot be kept apart from control tokens under the tokenizer "
            f"{self._tokenizer.name_or_path!r}: {reason}. Take the marks out of the text, or use another model."
        )


def _any_of(marks: Iterable[str]) -> re.Pattern[str]:
    """Finds the marks, of several that begin at a place the longest, as tokenizers do."""
    longest_first = sorted(marks, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)) or "(?!)")


def _overlaps(offsets: Span, spans: Sequence[Span]) -> bool:
    """Whether a token shares a character with one of the spans, which are apart and in order."""
    last = bisect_left(spans, offsets[1], key=lambda span: span[0]) - 1
    return last >= 0 and offsets[0] < min(spans[last][1], offsets[1])


def _n_times(ids: Sequence[int], form: Sequence[int]) -> int:
    """How often a run of ids occurs."""
    return sum(tuple(ids[start : start + len(form)]) == tuple(form) for start in range(len(ids)))
