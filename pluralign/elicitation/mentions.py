"""Where a reply names the options it was given.

Every mention of an option becomes one private character, so that the readers of replies work on plain strings.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from string import ascii_uppercase
from types import MappingProxyType

# Unicode's private use area: none of its characters is a word character, a digit or a space.
_FIRST = 0xE000
MARK = r"[\uE000-\uF8FF]"
_PRIVATE = re.compile(MARK)

NO_LETTERS: Mapping[str, int] = MappingProxyType({})

_TYPOGRAPHY = str.maketrans({
    **dict.fromkeys("\u2018\u2019\u201a\u2032`\u00b4\u02bc", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u00ab\u00bb\u300c\u300d\u300e\u300f\u2033", '"'),
    **dict.fromkeys("\u2212\u2010\u2011", "-"),
    "\u3002": ".",
    "\u3001": ",",
    "_": " ",
    **dict.fromkeys("*\u00ad\u200b\u200c\u200e\u200f\ufeff"),
})
_LATEX = re.compile(r"\\(?:text|math)\w*")
_LINE_OPENING = re.compile(r"^ ?[#>]+ ?", re.MULTILINE)

# Punctuation of an option that a reply may leave out.
_OPTIONAL = frozenset(",;:'\"$()")
_SPACING = frozenset(" -")
_ARTICLE = re.compile(r"\b(?:the|an?) ", re.IGNORECASE)
# Options that are everyday words besides: "There is no right answer" does not answer "No".
_EVERYDAY = frozenset({
    "no",
    "none",
    "all",
    "some",
    "most",
    "many",
    "any",
    "other",
    "both",
    "either",
    "neither",
})
_SET_OFF = r"(?= ?(?:[^\w\s'-]|\n|$)| (?:because|since|as)\b)"
_NUMBER = re.compile(r"[-+]?\d+(?:[.,]\d+)?")
_SCALE = r"(?i:\b(?:of|from|between) \d+ ?(?:to|and|[-–]) ?\d+)"

# A mention is no choice behind these words; the second line only where they stand right before it.
_NEGATION = re.compile(
    r"(?:(?:\b(?:not|never|nor|neither|cannot|unlike|except|excluding|against|rather than|(?<!none )other than|instead of"
    r"|as opposed to)|n't)(?: \w+){0,3}"
    r"|\b(?<!none other )(?:than|over)) [\"'(\[]*$",
    re.IGNORECASE,
)
_NEGATION_REACH = 60


def plain(text: str) -> str:
    """Text without typography: NFKC, straight quotes, no markdown or reasoning block, single spaces and breaks.

    Args:
        text: A reply or an option, as it came.
    """
    text = re.split(r"</think(?:ing)?>", text)[-1]
    text = re.split(r"<think(?:ing)?>", text)[0]
    text = _PRIVATE.sub(" ", unicodedata.normalize("NFKC", text)).translate(_TYPOGRAPHY)
    text = re.sub(r"[^\S\n]+", " ", _LATEX.sub("", text))
    text = re.sub(r" ?\n[ \n]*", "\n", text)
    return _LINE_OPENING.sub("", text).strip()


def listed_letters(options: Sequence[str]) -> Mapping[str, int]:
    """Letter -> index of the option listed under it; none where there are more options than letters."""
    return dict(zip(ascii_uppercase, range(len(options)), strict=False)) if len(options) <= 26 else NO_LETTERS


def mark(
    text: str, options: Sequence[str], *, letters: Mapping[str, int] = NO_LETTERS, labels_only: bool = False
) -> str:
    """Replace every mention of an option by its private character; negated mentions stay as they are.

    An option is found whatever its case, spacing and punctuation, as whole words; where several begin at one
    place the longest is meant. A number is found as a whole: "7" neither in "17" nor in "7.5" or "1-7".

    Args:
        text: Plain text.
        options: The options as they were listed.
        letters: Which letter stands for which option; an option that is a letter itself stands for itself.
        labels_only: Options label numbers: a number is an option only where it labels one ("7: 30", not "30"),
            and an everyday word may be followed by one ("No 40%").
    """
    own = {key.upper(): index for index, key in enumerate(map(plain, options)) if _is_letter(key)}
    known = {**letters, **own}
    pattern = _pattern(tuple(options), "".join(sorted(known)), labels_only)

    def replace(match: re.Match[str]) -> str:
        before = text[max(0, match.start() - _NEGATION_REACH) : match.start()]
        group = match.lastgroup
        if group is None or _NEGATION.search(before):
            return match[0]
        if group == "letter":
            return chr(_FIRST + known[match[group].upper()])
        if group == "position":
            place = int(match[group]) - 1
            return chr(_FIRST + place) if 0 <= place < len(options) else match[0]
        return chr(_FIRST + int(group.removeprefix("option")))

    return pattern.sub(replace, text)


def marked(text: str) -> list[int]:
    """Indices of the options that a marked text names, in order of mention."""
    return [index_of(character) for character in _PRIVATE.findall(text)]


def index_of(character: str) -> int:
    """Index of the option that a private character stands for."""
    return ord(character) - _FIRST


@lru_cache(maxsize=256)
def _pattern(options: tuple[str, ...], letters: str, labels_only: bool) -> re.Pattern[str]:
    """One alternation: the options, longest first, then letters, positions, and scales that name no option."""
    keys = sorted(enumerate(map(plain, options)), key=lambda item: -len(item[1]))
    parts = [
        f"(?P<option{index}>{_option(key, labels_only)})"
        for index, key in keys
        if key and not _is_letter(key)
    ]
    if letters:
        parts.append(_letter(letters))
    if any(_NUMBER.fullmatch(key) for _, key in keys):
        parts.append(_SCALE)
    else:
        parts.append(r"(?i:\b(?:option|choice) (?:number |no\.? ?|#)?(?P<position>\d{1,4})\b)")
    return re.compile("|".join(parts), re.MULTILINE)


def _option(key: str, labels_only: bool) -> str:
    """Pattern of one option."""
    if not re.search(r"\w", key):
        return re.escape(key)
    if _NUMBER.fullmatch(key):
        label = r"(?=[\"')\]]* ?[-–:=(|])" if labels_only else r"(?: ?/ ?\d+| out of \d+)?"
        return rf"(?<![\w.,$+-])(?<!\d–){re.escape(key)}(?!\w)(?![.,:]\d)(?![-–]\d)(?! ?%){label}"
    words = _words(key)
    set_off = _SET_OFF if key.lower() in _EVERYDAY and not labels_only else ""
    start = r"(?<!\w)(?<!\w-)" if key[0].isalnum() or key[0] in _OPTIONAL else ""
    end = r"(?!\w)" if key[-1].isalnum() or key[-1] in _OPTIONAL | set(".!?") else ""
    return f"(?i:{start}{words}{end}{set_off})"


def _words(key: str) -> str:
    """Pattern of an option's words: hyphens may be spaces, articles and weak punctuation may be missing."""
    tokens = re.findall(
        rf"{_ARTICLE.pattern}|\d[\d,.]*\d|\w+|\s|[^\w\s]", key.rstrip(".!?") or key, re.IGNORECASE
    )
    is_more_than_articles = re.search(r"\w", _ARTICLE.sub("", key))
    parts: list[str] = []
    for before, token in zip(["", *tokens], tokens, strict=False):
        if _ARTICLE.fullmatch(token) and is_more_than_articles:
            parts.append(f"(?:{token})?")
        elif before and token in _SPACING:
            parts.append("[ -]?" if before in _OPTIONAL else "[ –—-]")
        elif token in _OPTIONAL or token == ".":
            parts.append(f"{re.escape(token)}?")
        else:
            parts.append(re.escape(token).replace(",", ",?"))
    return "".join(parts)


def _letter(letters: str) -> str:
    """Pattern of a letter that stands for an option, and not for a word.

    A capital counts wherever it stands alone, but "A" and "I" only where no word follows. In brackets or quotes,
    behind "option", before a closing bracket or as the first thing in its line, any letter counts.
    """
    anycase = f"[{letters}{letters.lower()}]"
    capitals = "".join(letter for letter in letters if letter not in "AI")
    words = "".join(letter for letter in letters if letter == "A")
    forms = [
        rf"(?<=[(\[\"']){anycase}(?=[)\]\"'.,:])",
        rf"(?:(?<=[Oo]ption )|(?<=OPTION )|(?<=[Ll]etter )|(?<=[Cc]hoice )|(?<=boxed{{)){anycase}(?![\w'])",
        rf"(?<![\w'.]){anycase}(?=\)(?!\w))",
        rf"^{anycase}(?=[.:!]* ?$|[.:] | [-–] )",
        rf"(?<=: ){anycase}(?=[.)]? ?$)",
    ]
    if capitals:
        forms.append(rf"(?<![\w'./&-])[{capitals}](?![\w'&-]|\.\w)")
    if words:
        forms.append(
            r"(?<![\w'./&-])A(?=[,;:)!?\]\"/=]| ?(?:\||$)|\.(?!\w)| (?:because|since|is|and [B-Z]|or [B-Z])\b)"
        )
    return f"(?P<letter>{'|'.join(forms)})"


def _is_letter(key: str) -> bool:
    return len(key) == 1 and key.isascii() and key.isalpha()
