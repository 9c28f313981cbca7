# ruff: noqa: RUF001
"""Whether a text is English: the screen was trained on nothing else, and abstains where it is not sure.

Script first, then function words: about every second word of English prose is one. The answer errs to "no".
"""

import re
import unicodedata

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
# Only words that the other languages below, and the most common ones beside them, do not share ("in", "die", "was").
_ENGLISH = frozenset(
    _WORD.findall(
        """the of and to is are be been that this these those it its for with as by from at or but if not his her
    their they them you your we our us who which what when where how why would should could can cannot will shall
    must may might do does did has have had being than then there here because while whoever nobody everybody
    anyone everyone people i i'm i've i'd i'll my myself don't doesn't isn't aren't won't can't it's that's they're
    we're before after until without within between against about into over under only never always every each all
    any some no more most other others such own same too very just good right wrong think believe want like value
    one"""
    )
)
# English, but also found elsewhere: they speak for English where nothing speaks for another language.
_WEAK = frozenset([
    "in",
    "an",
    "on",
    "was",
    "so",
    "he",
    "she",
    "me",
    "am",
    "a",
    "were",
    "well",
    "again",
    "use",
    "few",
])
_WEAK_ENDING = "ing"
_FOREIGN = frozenset(
    _WORD.findall(
        """der das und ist nicht ich wir sie ein eine einen einem einer dem den des mit von zu auf für fur sich auch
    es dass wer wie aber oder wenn sind wird werden hat haben sein seine ihre ihr mein unser kein keine nur noch
    le la les un une et est sont je nous vous ils elles dans pour sur avec qui que ne pas mes sa
    ses leur leurs notre nos ce cette ces du aux au par mais ou où il elle être avoir doit faut
    el los las una y es yo nosotros ellos en por para con quien no se su sus mi mis nuestro nuestra lo del al
    pero como más mas muy ser debe hay esta este
    o os as um uma e são eu nós eles em com não nao seu sua meu minha nosso da do dos
    gli della delle che non io noi loro di per si suo mio nel alla
    het een van ik wij niet met voor zijn aan maar ook naar bij dat deze
    och att det som är jag vi på av till inte med av den ett"""
    )
)
_BOTH = _ENGLISH & _FOREIGN
# Below this many words a text may well hold no function word ("Just war"); foreign ones still tell.
_FEW_WORDS = 6
_ENGLISH_SHARE = 0.15
_LATIN_SHARE = 0.95


def is_english(text: str) -> bool:
    """Whether a text is surely English: Latin letters, and function words as English has them."""
    words, n_english, n_foreign = _counts(text)
    return (
        _is_latin(text)
        and n_english > n_foreign
        and n_english >= _ENGLISH_SHARE * words
        and (n_english > 1 or words < _FEW_WORDS)
    )


def may_be_foreign(text: str) -> bool:
    """Whether a part of an English text may be in another language; a few words that tell nothing may not."""
    words, n_english, n_foreign = _counts(text)
    if not _is_latin(text):
        return True
    if n_foreign > n_english:
        return n_foreign > 1 or n_english == 0
    return words >= _FEW_WORDS and n_english == 0


def _counts(text: str) -> tuple[int, int, int]:
    """Number of words, of English function words, of those of other languages."""
    words = [word.replace("’", "'") for word in _WORD.findall(text.lower())]
    n_foreign = sum(word in _FOREIGN and word not in _BOTH for word in words)
    n_english = sum(word in _ENGLISH and word not in _BOTH for word in words)
    if n_foreign == 0:
        n_english += sum(
            word in _WEAK or word.endswith(_WEAK_ENDING) for word in words if word not in _ENGLISH
        )
    return len(words), n_english, n_foreign


def _is_latin(text: str) -> bool:
    letters = [character for character in text if character.isalpha()]
    n_latin = sum(
        character.isascii() or unicodedata.name(character, "").startswith("LATIN") for character in letters
    )
    return n_latin >= _LATIN_SHARE * len(letters)
