"""The judged text as data inside a judge's prompt: nothing in it can end the frame, open a turn or start a line."""

import re
import unicodedata
from collections.abc import Mapping

from pluralign.guard.verdict import Document
from pluralign.records.jsonl import content_hash

# Every chat format spells its turns with one of these, and so do the fences and tags of the prompts here.
_MARKS = frozenset("<>[]|")
_LINE_ENDS = frozenset("\x85\u2028\u2029")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\"}
_PLACEHOLDER = re.compile(r"\{(policy|text|question)\}")
_NONCE_DIGITS = 16


def escaped(text: str) -> str:
    r"""A text on one line, without a character that a chat format, a tag or a fence is spelled with.

    Those characters, their full-width forms (anything that NFKC turns into one of them), line ends and controls are
    written as in JSON strings, \uXXXX; a backslash is doubled, so that the text can be told again. Nothing is
    deleted: what is deleted can bring together what stood apart. All other characters stay as they are.
    """
    return "".join(map(_escaped, text))


def quoted(text: str) -> str:
    """A text as a JSON string literal, with the characters of `escaped` escaped too."""
    return '"' + escaped(text).replace('"', '\\"') + '"'


def plain(document: Document) -> str:
    """A document as the turn of somebody who holds it, one passage a line, for models that read a turn of talk."""
    own = [escaped(passage.text) for passage in document.passages]
    return "\n".join([*own, *(f"I reject this view: {quoted(passage.text)}" for passage in document.denied)])


def verbatim(document: Document) -> str:
    """A document as it is, one passage a line: for classifiers, which have no frame that it could break."""
    return "\n".join(passage.text for passage in (*document.passages, *document.denied))


def fenced(document: Document) -> str:
    """A document as quoted data between two lines with a nonce.

    The nonce is a hash of what stands between: a text that holds the end of its own fence would have to hold its own
    hash. It needs no randomness, so that equal documents give equal prompts and verdicts can be kept.
    """
    own, denied = (
        [f"{_label(passage.field)}: {quoted(passage.text)}" for passage in passages]
        for passages in (document.passages, document.denied)
    )
    if denied:
        own += ["The holder says of the following that it is NOT what the holder values:", *denied]
    nonce = content_hash(own)[:_NONCE_DIGITS]
    return "\n".join([f"BEGIN DATA {nonce}", *own, f"END DATA {nonce}"])


def filled(template: str, values: Mapping[str, str]) -> str:
    """A template with {policy}, {text} and {question} replaced.

    What is put in is never read as a template itself, whatever braces it holds.
    """
    return _PLACEHOLDER.sub(lambda found: values[found.group(1)], template)


def placeholders(template: str) -> list[str]:
    """The placeholders of a template, in order, with repetitions."""
    return _PLACEHOLDER.findall(template)


def _label(field: str) -> str:
    """A field's name without brackets: "values[3].statement" is "values.3.statement"."""
    return re.sub(r"[^\w.]+", ".", field).replace("..", ".").strip(".")


def _escaped(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    control = unicodedata.category(character) in {"Cc", "Cs"}
    if control or character in _LINE_ENDS or _MARKS & set(unicodedata.normalize("NFKC", character)):
        units = character.encode("utf-16-be", "surrogatepass")
        return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
    return character
