"""Which characters and marks may stand in a text that is put before a model, and why others may not.

Zero width joiners, combining marks, direction marks and variation selectors are part of honest spelling in many
scripts, so that each is judged by where it stands. Nothing is ever removed here: a text passes as it is or not.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

# Special tokens of chat and base models, with which a text could open or close a turn.
TURN_MARKS = (
    "[INST]", "[/INST]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]",
    "[TOOL_CALLS]", "[TOOL_RESULTS]", "[/TOOL_RESULTS]", "[TOOL_CONTENT]", "[gMASK]", "[sMASK]",
    "<<SYS>>", "<</SYS>>", "<s>", "</s>", "<bos>", "<eos>", "<sop>", "<eop>", "<BOS_TOKEN>", "<EOS_TOKEN>",
    "<start_of_turn>", "<end_of_turn>", "<start_of_image>", "<tool_call>", "</tool_call>", "<tool_response>",
    "</tool_response>", "<seed:bos>", "<seed:eos>",
)  # fmt: skip
# The pieces of the form that most turn marks have.
_MARK_PIECES = ("<|", "|>", "<\uff5c", "\uff5c>")
# Tokens that few vocabularies know as special.
WEAK_MARKS = (
    "<think>", "</think>", "<unk>", "<pad>", "<mask>", "<sep>", "<cls>",
    "[SEP]", "[CLS]", "[MASK]", "[PAD]", "[UNK]",
)  # fmt: skip
# The form of turn marks, for models not listed: <|name|>, <|name>, <name|>, [|name|], numbered spare tokens.
TURN_MARK = re.compile(
    "|".join(map(re.escape, TURN_MARKS))
    + r"|<\|[a-z][a-z0-9_]*\|?>|<[a-z][a-z0-9_]*\|>|<\|(?:[A-Z0-9_]+_TOKEN|[A-Z][a-z]+)\|>|\[\|[a-z_]+\|\]"
    r"|<(?:unused_?|reserved_|extra_id_|SPECIAL_)\d+>|\[UNUSED_TOKEN_\d+\]"
)
_LISTED_MARK = re.compile("|".join(map(re.escape, TURN_MARKS + WEAK_MARKS + _MARK_PIECES)), re.IGNORECASE)

_TAGS = (0xE0000, 0xE007F)
# The flags of England, Scotland and Wales: the only sequences of tag characters recommended for interchange (UTS 51).
_FLAGS = frozenset(
    "\U0001f3f4" + "".join(chr(0xE0000 + ord(letter)) for letter in region) + "\U000e007f"
    for region in ("gbeng", "gbsct", "gbwls")
)
_FLAG_LENGTH = 7
_JOINERS = frozenset("\u200c\u200d")
_EMOJI_OR_TEXT = frozenset("\ufe0e\ufe0f")
_OVERRIDES = frozenset("\u202d\u202e")
_OPENERS = {
    "\u202a": "\u202c",
    "\u202b": "\u202c",
    "\u2066": "\u2069",
    "\u2067": "\u2069",
    "\u2068": "\u2069",
}
_CLOSERS = frozenset("\u202c\u2069")
_DIRECTION = frozenset("\u200e\u200f\u061c") | _OVERRIDES | _CLOSERS | frozenset(_OPENERS)
# Format characters that are seen: number and verse signs of Arabic, Syriac and Kaithi.
_VISIBLE_FORMAT = frozenset(
    map(chr, (*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD))
)
_FILLERS = frozenset(
    map(chr, (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810), 0x2065, 0x3164, 0xFFA0))
)
_SELECTORS = ((0xFE00, 0xFE0D), (0xE0100, 0xE01EF))
# Scripts written without spaces, where a zero width space says where a line may break.
_UNSPACED = ((0x0E00, 0x0FFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x1900, 0x1AAF), (0x3040, 0x30FF),
             (0x3400, 0x9FFF), (0xA980, 0xA9DF))  # fmt: skip
# Behind these, editors let a line break with a zero width space.
_BREAKS = frozenset("/-\u2013\u2014")
_HAN = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFD))
_MONGOLIAN = ((0x1800, 0x18AF),)
_KHMER = ((0x1780, 0x17FF),)
_JAMO = ((0x1100, 0x11FF), (0xA960, 0xA97F), (0xD7B0, 0xD7FF))
# Not assigned in older tables of Unicode than 17.0, but kept for pictographs and ideographs, or since given to
# scripts in use: Kannada, Telugu, Cyrillic, Garay, Sunuwar, Devanagari, Gurung Khema, Kirat Rai, Nag Mundari, Ol Onal.
_NEWER = ((0x1F000, 0x1FAFF), (0x20000, 0x3FFFD), (0x0C80, 0x0CFF), (0x0C00, 0x0C7F), (0x1C80, 0x1C8F),
          (0x10D40, 0x10D8F), (0x11BC0, 0x11BFF), (0x11B00, 0x11B5F), (0x16100, 0x1613F), (0x16D40, 0x16D7F),
          (0x1E4D0, 0x1E4FF), (0x1E5D0, 0x1E5FF))  # fmt: skip
_EMOJI_BASES = frozenset("0123456789#*\u203c\u2049\u2139\u3030\u303d")
# A run of so many invisible characters spells nothing in any script: it carries a message.
LONGEST_INVISIBLE_RUN = 2
# Honest places for them are few in a text; more of them can carry a bit each.
MOST_SELECTORS = 12
_PLAIN_ASCII = re.compile(r"[\t\n -~]*")
_CONTROL_NAMES = {"\n": "LINE FEED", "\r": "CARRIAGE RETURN", "\t": "TAB", "\x85": "NEXT LINE"}


@dataclass(frozen=True)
class CharacterFault:
    """A place where a text holds what is no visible text.

    Attributes:
        start: First character.
        end: One past the last.
        certain: True: no honest text holds it; False: an honest text may, rarely.
        why: What it is taken for, to follow the character's name: "may not stand in a profile: ...".
    """

    start: int
    end: int
    certain: bool
    why: str


def character_name(character: str) -> str:
    """Code point and name, for example "U+200B (ZERO WIDTH SPACE)"."""
    control = unicodedata.category(character) == "Cc"
    unnamed = "control character" if control else "unassigned or private"
    named = _CONTROL_NAMES.get(character) or unicodedata.name(character, unnamed)
    return f"U+{ord(character):04X} ({named})"


@lru_cache(maxsize=1 << 14)
def is_invisible(character: str) -> bool:
    """Whether a character leaves no mark of its own: format characters, fillers, selectors, tags, controls."""
    if character in "\t\n" or character in _VISIBLE_FORMAT:
        return False
    code = ord(character)
    return (
        unicodedata.category(character) in {"Cf", "Cc"}
        or character in _FILLERS
        or character in _EMOJI_OR_TEXT
        or _within(code, (*_SELECTORS, _TAGS))
    )


def is_plain_ascii(text: str) -> bool:
    """Whether a text is nothing but ASCII that is seen, tabs and line feeds."""
    return _PLAIN_ASCII.fullmatch(text) is not None


def listed_mark(text: str) -> str | None:
    """The first mark of a chat format in a text, in any case; None where there is none."""
    found = _LISTED_MARK.search(text) or TURN_MARK.search(text)
    return found[0] if found else None


def character_faults(text: str) -> Iterator[CharacterFault]:
    """Every place where a text of one or several lines holds what is no visible text, in order."""
    if is_plain_ascii(text) or all(map(_is_plain, set(text))):
        return
    rtl = any(map(_is_rtl_letter, set(text)))
    unpaired = _unpaired(text) if rtl else frozenset()
    n_run = n_selectors = 0
    flag_end = 0
    for index, character in enumerate(text):
        if _is_flag(text, index):
            flag_end = index + _FLAG_LENGTH - 1
        n_run = n_run + 1 if index >= flag_end and is_invisible(character) else 0
        if index < flag_end or _is_plain(character):
            continue
        n_selectors += _within(ord(character), _SELECTORS)
        if n_run > LONGEST_INVISIBLE_RUN:
            yield CharacterFault(
                index - n_run + 1,
                index + 1,
                True,
                f"{n_run} invisible characters in a row can carry a message",
            )
        elif n_selectors > MOST_SELECTORS:
            yield CharacterFault(index, index + 1, False, "so many variation selectors can carry a message")
        elif fault := _fault(text, index, rtl=rtl, unpaired=unpaired):
            yield CharacterFault(index, index + 1, *fault)


@lru_cache(maxsize=1 << 14)
def _is_plain(character: str) -> bool:
    """Whether a character is visible wherever it stands."""
    if " " <= character <= "~" or character in "\t\n" or character in _VISIBLE_FORMAT:
        return True
    category = unicodedata.category(character)
    if category == "Cn":
        return not _is_noncharacter(ord(character)) and _within(ord(character), _NEWER)
    return category not in {"Cc", "Co", "Cs", "Zl", "Zp"} and not is_invisible(character)


def _fault(text: str, index: int, *, rtl: bool, unpaired: frozenset[int]) -> tuple[bool, str] | None:
    """Whether the fault is certain, and why; None where the character stands as spelling has it."""
    character, before = text[index], text[index - 1 : index]
    after = text[index + 1 : index + 2]
    category = unicodedata.category(character)
    if category in {"Cc", "Cs", "Zl", "Zp"}:
        if character == "\r" and after == "\n":
            return None
        return category not in {"Zl", "Zp"}, "write one line of visible text"
    if category in {"Co", "Cn"}:
        return True, "it has no meaning that all readers share"
    if _within(ord(character), (_TAGS,)):
        return True, "tag characters are invisible and stand only in the flags of England, Scotland and Wales"
    if character in _DIRECTION:
        return _direction_fault(character, rtl=rtl, paired=index not in unpaired)
    if character in _JOINERS | _EMOJI_OR_TEXT:
        return _joiner_fault(character, before)
    return _invisible_fault(character, before=before, after=after)


def _direction_fault(character: str, *, rtl: bool, paired: bool) -> tuple[bool, str] | None:
    if character in _OVERRIDES:
        return True, "it shows text in another order than it is read"
    if not rtl:
        return True, "it changes the direction of writing, and nothing here is written from right to left"
    return None if paired else (False, "it opens or closes a change of direction that is not paired")


def _joiner_fault(character: str, before: str) -> tuple[bool, str] | None:
    """ZWJ and ZWNJ stand behind any visible character, the emoji selectors behind a symbol."""
    visible = before and not before.isspace() and before not in _JOINERS
    if character in _EMOJI_OR_TEXT:
        fits = visible and (before in _EMOJI_BASES or unicodedata.category(before)[0] == "S")
    else:
        fits = visible and (not is_invisible(before) or before in _EMOJI_OR_TEXT)
    return None if fits else (False, "it may stand only behind a visible character that it can change")


def _invisible_fault(character: str, *, before: str, after: str) -> tuple[bool, str] | None:
    """Selectors, fillers and format characters, each by the script that it belongs to."""
    code = ord(character)
    base = ord(before) if before else 0
    if 0xE0100 <= code <= 0xE01EF:
        return (
            None
            if _within(base, _HAN)
            else (True, "it may vary an ideograph only, and hides a byte elsewhere")
        )
    if 0xFE00 <= code <= 0xFE0D:
        fits = code <= 0xFE02 and base > 0x7F and unicodedata.category(before) in {"Lo", "Sm", "So"}
        return (
            None if fits else (True, "it may vary an ideograph or a sign only, and hides a message elsewhere")
        )
    if _within(code, _MONGOLIAN):
        return None if _within(base, _MONGOLIAN) else (True, "it belongs in Mongolian words only")
    if code in {0x115F, 0x1160}:
        near = _within(base, _JAMO) or (after and _within(ord(after), _JAMO))
        return None if near else (True, "it fills a Hangul syllable only")
    if code in {0x3164, 0xFFA0} or 0x206A <= code <= 0x206F or 0xFFF0 <= code <= 0xFFFB or code == 0x2065:
        return True, "it is invisible and no writing needs it"
    if code == 0x00AD and before.isalpha() and after.isalpha():
        return None
    if code == 0xFEFF and not before:
        return None
    if code == 0x200B and (_within(base, _UNSPACED) or before in _BREAKS):
        return None
    if code == 0x034F and before and unicodedata.combining(before):
        return None
    if code in {0x17B4, 0x17B5} and _within(base, _KHMER):
        return None
    return False, "it is invisible and can split words apart"


def _unpaired(text: str) -> frozenset[int]:
    """Where embeddings and isolates open without closing in their line, or close without opening."""
    unpaired: set[int] = set()
    opened: list[tuple[int, str]] = []
    for index, character in enumerate(text):
        if character in _OPENERS:
            opened.append((index, _OPENERS[character]))
        elif character in _CLOSERS:
            if opened and opened[-1][1] == character:
                opened.pop()
            else:
                unpaired.add(index)
        elif character == "\n":
            unpaired.update(place for place, _ in opened)
            opened.clear()
    return frozenset(unpaired.union(place for place, _ in opened))


@lru_cache(maxsize=1 << 14)
def _is_rtl_letter(character: str) -> bool:
    # Marks of direction have the class of the direction that they set.
    return unicodedata.bidirectional(character) in {"R", "AL"} and unicodedata.category(character)[0] == "L"


def _is_flag(text: str, index: int) -> bool:
    """Whether a tag character is the first of a flag's six."""
    return index > 0 and text[index - 1 : index - 1 + _FLAG_LENGTH] in _FLAGS


def _within(code: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= code <= last for first, last in ranges)


def _is_noncharacter(code: int) -> bool:
    return 0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE
