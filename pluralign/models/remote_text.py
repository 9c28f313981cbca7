"""Text for models behind a server, which renders the chat template itself, so that only the text can be made safe."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal
from unicodedata import normalize

from pluralign.models.control_marks import GENERIC_MARKS
from pluralign.profiles.characters import is_invisible

# Copies of a mark within one question to the server: enough that what a single copy costs stands out.
_N_COPIES = 8
# Ends of marks. `control_marks.GENERIC_MARKS` holds none that ends otherwise, or with white space before its end.
_ENDS = frozenset(">][:")

Reading = Literal["text", "token", "removed", "unclear"]


@dataclass(frozen=True)
class ProbeResult:
    """How a server reads marks within a message.

    Attributes:
        readings: Of each mark: "text", as any other characters; "token", so that a message could end its turn or
            open another; "removed", which lets a mark be hidden inside a mark; "unclear", where the counts fit none.
    """

    readings: dict[str, Reading]

    @property
    def is_safe(self) -> bool:
        """Whether every mark that was tried is read as text, and one was tried."""
        return bool(self.readings) and set(self.readings.values()) == {"text"}


def as_shown(text: str) -> str:
    """What is left of a text in compatibility form (NFKC) without invisible characters.

    For looking at, never for a model: in many scripts the joiners that it leaves out belong to the spelling.
    """
    while (shown := _visible(normalize("NFKC", text))) != text:
        text = shown
    return text


def neutralised(text: str) -> str:
    """The text with every control mark broken by a space before its last character; nothing is taken out.

    Deleting would not do: `<|im_<|im_end|>start|>` without its middle is a mark. Nor would an invisible character,
    which a server may drop. Marks count as they are once full-width forms are folded and invisible characters are
    gone (`as_shown`); a text that then holds none comes back as it is.
    """
    while GENERIC_MARKS.search(as_shown(text)):
        ends = _ends_of_marks(text)
        # Characters that join only within the text as a whole hide where they come from: then every end is set apart.
        text = _spaced(
            text, ends or [i for i, each in enumerate(text) if _ENDS & set(normalize("NFKC", each))]
        )
    return text


def probe(count_tokens: Callable[[str], int], marks: Sequence[str]) -> ProbeResult:
    """Find out whether a server reads its own marks within a message as control tokens.

    Rows of copies of a mark are sent, and rows of its broken form, a longer and a shorter one each: the difference
    tells what one copy costs, whatever stands around. A control token costs one token; as text a mark costs about as
    much as its broken form, which the server can read as nothing but text. Marks that are no tokens of the server's
    model, as "[INST]" is for some, are text by this measure, even where its template writes them.

    Args:
        count_tokens: Length in tokens of the prompt that the server makes of a message; asked four times a mark.
        marks: Marks of the model behind the server, its end of turn first of all.
    """
    return ProbeResult({
        mark: _reading(_cost(count_tokens, mark), _cost(count_tokens, neutralised(mark))) for mark in marks
    })


def _cost(count_tokens: Callable[[str], int], form: str) -> float:
    """Tokens of a further copy."""
    shorter, longer = (count_tokens("The sign is " + form * n) for n in (_N_COPIES, 2 * _N_COPIES))
    return (longer - shorter) / _N_COPIES


def _reading(whole: float, broken: float) -> Reading:
    """What the tokens that a copy of a mark costs, whole and broken, say."""
    if broken <= 1:  # words and signs that cost no more than that are not counted as they are read
        return "unclear"
    if whole <= 0:
        return "removed"
    if whole <= 1:
        return "token"
    # The space and the character behind it cost two tokens at most.
    return "text" if broken - whole <= 2 else "unclear"


def _visible(text: str) -> str:
    return "".join(character for character in text if not is_invisible(character))


def _ends_of_marks(text: str) -> list[int]:
    """Where in the text the last characters of its marks stand."""
    shown = [_visible(normalize("NFKC", character)) for character in text]
    origins = [index for index, characters in enumerate(shown) for _ in characters]
    return [origins[match.end() - 1] for match in GENERIC_MARKS.finditer("".join(shown))]


def _spaced(text: str, places: Sequence[int]) -> str:
    """The text with a space before the characters at these places."""
    before = set(places)
    return "".join(f" {character}" if index in before else character for index, character in enumerate(text))
