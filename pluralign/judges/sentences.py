"""Sentences of a response, and whether a sentence states a view. Rules alone: no model, no dependency."""

import re
from itertools import pairwise

# Ends of sentences of scripts that put no space behind them, or need no capital after it.
_WIDE_END = "。！？｡"  # noqa: RUF001 - the full-width marks of Chinese and Japanese
_OTHER_END = "।॥؟۔։።။។"  # noqa: RUF001
_CLOSING = "\"'”’»)]」』）】›"  # noqa: RUF001
_OPENING = "\"'“‘«([「『（【‹¿¡„"  # noqa: RUF001
_CLOSINGS = f"[{re.escape(_CLOSING)}]*"
_END = re.compile(
    rf"(?P<wide>[{_WIDE_END}]+{_CLOSINGS}\s*)|(?P<other>[{_OTHER_END}]+{_CLOSINGS}(?:\s+|$))"
    rf"|(?P<latin>(?:[.!?]+|…){_CLOSINGS})\s+"
)
# Words after which a full stop ends no sentence; by language: English, German, French, Spanish.
_ABBREVIATIONS = frozenset([
    "mr",
    "mrs",
    "ms",
    "dr",
    "prof",
    "st",
    "vs",
    "e.g",
    "i.e",
    "cf",
    "al",
    "eds",
    "rev",
    "gen",
    "sen",
    "rep",
    "gov",
    "col",
    "lt",
    "sgt",
    "capt",
    "hon",
    "approx",
    "dept",
    "est",
    "inc",
    "ltd",
    "co",
    "corp",
    "jr",
    "sr",
    "u.s",
    "u.k",
    "u.n",
    "e.u",
    "p.m",
    "a.m",
    "bzw",
    "z.b",
    "d.h",
    "u.a",
    "ca",
    "hr",
    "fr",
    "str",
    "mio",
    "mrd",
    "evtl",
    "ggf",
    "sog",
    "usw",
    "mme",
    "mlle",
    "sra",
    "srta",
    "ud",
    "uds",
    "p.ej",
])
# These are abbreviations before a number only: "No. 5", and "No." as an answer.
_BEFORE_NUMBER = frozenset(["no", "nr", "fig", "vol", "p", "pp", "art", "sec", "ch"])
# After these a sentence may well end, and does where a capital follows.
_MAY_END = frozenset(["etc", "p.m", "a.m", "inc", "ltd", "co", "corp", "jr", "sr", "al", "usw"])

_FENCE = re.compile(r"^\s*(```|~~~)")
_RULE = re.compile(r"^\s*([-*_=]\s*){3,}$|^\s*\|?\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)*\|?\s*$")
_BULLET = re.compile(
    r"^\s*(?:>\s*)*(?:[-*+•‣◦–—·]\s+|\(?(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{1,4})[.)]\s+|#{1,6}\s+)+"
)
_QUOTE = re.compile(r"^\s*(?:>\s*)+")
_MARKS = re.compile(r"\*\*|__|(?<!\w)[*_](?=\S)|(?<=\S)[*_](?!\w)|`")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)\s]*\)")

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")  # noqa: RUF001
_STANCE = re.compile(
    r"\b(should(n't)?|ought|must(n't)?|needs?|has to|have to|had better|deserves?|right|rights|wrong|good|bad|better|"
    r"best|worse|worst|harm\w*|benefi\w+|import\w+|necessary|essential|vital|fair|unfair|just|unjust|moral\w*|immoral"
    r"|believes?|thinks?|feels?|argues?|holds?|claims?|insists?|maintains?|supports?|opposes?|favou?rs?|wants?|"
    r"prefers?|worr(y|ies)|fears?|hopes?|disagrees?|agrees?|reject\w*|view|opinion|enough|too (much|many|little)|"
    r"waste\w*|worth\w*|dangerous|useless|myth|mistake\w*|never|always|only|simply|nobody|everyone|owe[sd]?)\b",
    re.IGNORECASE,
)
_GREETING = re.compile(
    r"^(hi|hello|hey|dear \w+|good (morning|afternoon|evening|day)|thank you|thanks|sure|certainly|of course|great|"
    r"welcome|you're welcome|i hope (this|that) helps|let me know|feel free|i'?m (happy|glad) to|happy to|"
    r"i('d| would) be (happy|glad) to|as an ai|i'?m an ai|i am an ai|as a language model)\b",
    re.IGNORECASE,
)
_ISSUE = r"(question|issue|topic|matter|debate|subject|problem|discussion|area|one)"
_ABOUT_VIEWS = re.compile(
    rf"\b(there (are|is|exist\w*) (many|several|various|different|a (range|variety|number|lot|wide range) of|two|three"
    rf"|four|multiple|diverse|some)( \w+)? (perspectives?|views?|viewpoints?|opinions?|sides?|positions?|arguments?|"
    rf"answers?|ways|schools?|considerations?|factors?|points?|things?|approaches)"
    rf"|(people|opinions?|views?|experts?|societ(y|ies)|families|scholars?|answers?|perspectives?|parties|positions?)"
    rf"( \w+){{0,3}} (differ|vary|diverge|disagree|are divided|are split|is divided)"
    rf"|(is|are|remains?|raises?) (a|an|one of the|some) (\w+[ ,]+(and )?){{0,3}}{_ISSUE}"
    rf"|(much|widely|hotly|often|still|being|is|are) (debated|discussed|contested)"
    rf"|here (are|is) (\w+ ){{0,3}}(perspectives?|views?|viewpoints?|positions?|arguments?|summary|overview|points?|look)"
    rf"|(following|main|key|different|various|common) (\w+ )?(are|perspectives|arguments|viewpoints)( are| include)?:?$"
    rf"|let.?s (look|explore|consider|examine)|(i|we) (will|'ll) (outline|present|explore|summari[sz]e|discuss)"
    rf"|in (summary|conclusion), (there|this|the (question|issue|debate|answer)))\b",
    re.IGNORECASE,
)
_FIGURE = re.compile(
    r"\b(\d[\d.,]*|(two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|sixty|"
    r"hundred|thousand|million)s?)\b",
    re.IGNORECASE,
)
_LONGEST_HEADING = 8
# As in "Farmers: they may shoot wolves", which is no heading.
_LEAD_IN = re.compile(r"[^:]+:\s+(\S+\s+){2,}\S")
_FINAL = f".!?…{_WIDE_END}{_OTHER_END}"
_VERB = re.compile(
    r"\b(is|are|was|were|be|been|has|have|had|do|does|did|can|could|will|would|may|might|shall|should|must|ought|"
    r"isn't|aren't|don't|doesn't|won't|can't|shouldn't|need|needs|let|put|make|makes|keep|give|take|\w+(ies|ises?|izes?))\b",
    re.IGNORECASE,
)


def split_sentences(text: str) -> tuple[str, ...]:
    """Split a text into sentences.

    Lines of a list, headings and cells of a table are sentences of their own; their marks are taken away, words are
    not. Lines that were only wrapped are joined. A full stop ends no sentence inside a number, after an initial or an
    abbreviation, or where a small letter follows; full stops of other scripts need no space behind them.

    Args:
        text: Plain text or Markdown.

    Returns:
        The sentences in order, without line ends; what holds no letter and no digit, such as a row of emoji, is none.
    """
    found = (sentence for block in _blocks(text) for sentence in _sentences_of(block))
    return tuple(sentence for sentence in found if any(map(str.isalnum, sentence)))


def states_opinion(sentence: str) -> bool:
    """Whether a sentence states a view of whatever kind, somebody's or the writer's own.

    Greetings, questions, headings, sentences about the question or about there being several views, and bare facts and
    figures state none. Rules for English; of other languages only questions and headings are told apart.

    Args:
        sentence: One of `split_sentences`.
    """
    words = _WORD.findall(sentence)
    bare = sentence.strip(_CLOSING + _OPENING + " ")
    if len(words) < 2 and not re.search(r"[^\x00-\u024f]{6}", sentence):
        return False
    if bare.endswith(("?", "؟", "？", ":")) or _GREETING.match(bare):  # noqa: RUF001
        return False
    if _ABOUT_VIEWS.search(bare):
        return False
    stance = has_stance(bare)
    if _is_heading(bare, words, stance=stance):
        return False
    return stance or not has_figure(bare)


def has_stance(text: str) -> bool:
    """Whether an English text has words that take a stand: "should", "wrong", "believe", "better"."""
    return _STANCE.search(text) is not None


def has_figure(text: str) -> bool:
    """Whether a text gives numbers, in digits or in English words."""
    return _FIGURE.search(text) is not None


def _is_heading(bare: str, words: list[str], *, stance: bool) -> bool:
    """Whether words without a full stop are a mere heading: no verb, no view."""
    if bare.endswith(tuple(_FINAL)) or len(words) > _LONGEST_HEADING or _LEAD_IN.match(bare):
        return False
    titled = sum(word[0].isupper() for word in words) >= max(2, len(words) - 2)
    return not _VERB.search(bare) or (titled and not stance)


def _blocks(text: str) -> list[str]:
    """Lines that stand for themselves, and paragraphs of wrapped lines joined; marks of Markdown taken away."""
    blocks: list[str] = []
    open_paragraph = False
    for line in text.splitlines():
        if _FENCE.match(line) or _RULE.match(line) or not line.strip():
            open_paragraph = False
            continue
        bullet = _BULLET.match(line)
        content = _plain(line[bullet.end() :] if bullet else _QUOTE.sub("", line))
        cells = [cell.strip() for cell in content.strip("|").split("|")] if content.startswith("|") else None
        if cells is not None:
            blocks += [cell for cell in cells if cell]
            open_paragraph = False
            continue
        if not content:
            continue
        own = bullet or _QUOTE.match(line)
        if open_paragraph and not own and _goes_on(blocks[-1], content):
            blocks[-1] += f" {content}"
        else:
            blocks.append(content)
        open_paragraph = not line.lstrip().startswith("#")
    return blocks


def _goes_on(before: str, content: str) -> bool:
    """Whether a line goes on the one before it: it was wrapped in the middle of a sentence."""
    return content[0].islower() or (before[-1] not in f"{_FINAL}:{_CLOSING}" and len(before) >= 60)


def _plain(line: str) -> str:
    return _MARKS.sub("", _LINK.sub(r"\1", line)).strip()


def _sentences_of(block: str) -> list[str]:
    cuts = [0]
    for found in _END.finditer(block):
        if found["latin"] is None or _ends(block, found):
            cuts.append(found.end())
    pieces = [block[start:end].strip() for start, end in pairwise([*cuts, len(block)])]
    return [piece for piece in pieces if piece]


def _ends(block: str, found: re.Match[str]) -> bool:
    """Whether a full stop, question or exclamation mark followed by space ends the sentence."""
    rest = block[found.end() :].lstrip(_OPENING)
    if not rest or rest[0].islower():
        return False
    mark = found["latin"]
    if not mark.startswith(".") or mark.startswith(".."):
        return True
    word = block[: found.start()].rsplit(None, 1)[-1].lstrip(_OPENING) if found.start() else ""
    known = word.lower()
    if known in _MAY_END:
        return rest[0].isupper()
    if known in _BEFORE_NUMBER and rest[0].isdigit():
        return False
    initial = len(word) == 1 and word.isupper() and word != "I"
    return not (initial or known in _ABBREVIATIONS)
