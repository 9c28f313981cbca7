"""Rules that tell right answers from wrong ones, and give the right ones a canonical form."""

import re
from collections.abc import Callable, Iterable, Mapping

from pluralign.data.verifiable.lists import (
    CALLING_CODES,
    FREE_MAIL,
    NOT_GERUNDS,
)

# An answer without white space around it -> its canonical form; None where it is wrong.
Rule = Callable[[str], str | None]

PRIME_LIMIT = 10**20

# Digits of ASCII only, and no leading zero: "07" is no number as it was asked for, nor are digits of other scripts.
_WHOLE = re.compile(r"0|[1-9][0-9]*")
# With these bases the test of Miller and Rabin is exact below 3.3e24 (Sorenson and Webster 2015, arXiv:1509.00864).
_WITNESSES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)

# North American Numbering Plan: area code and exchange begin with 2 to 9 and do not end in 11.
_NXX = r"[2-9](?!11)[0-9]{2}"
_US_PHONE = re.compile(rf"(?:\+?1[-. ]?)?(?:\(({_NXX})\)[- ]?|({_NXX})[-. ]?)({_NXX})[-. ]?([0-9]{{4}})")
_INTERNATIONAL = re.compile(r"\+[0-9](?:[-. ]?(?:[0-9]|\([0-9]+\)))*")

_LOCAL = r"[a-z0-9_%+-]+(?:\.[a-z0-9_%+-]+)*"
_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_EMAIL = re.compile(rf"({_LOCAL})@((?:{_LABEL}\.)+[a-z]{{2,24}})")
_NAMES = re.compile(r"[a-z]+(?:[._-][a-z]+)*[0-9]{0,2}")
# RFC 5321, section 4.5.3.1.
_MAX_LOCAL, _MAX_EMAIL = 64, 254

_GERUND = re.compile(r"[a-z]*[aeiouy][a-z]*ing")


def whole_number(low: int, high: int) -> Rule:
    """Rule for a whole number from low to high, without leading zeros."""

    def read(text: str) -> str | None:
        # A number with more digits than the bound is no candidate, and int() need not read it.
        if len(text) > len(str(high)) or not _WHOLE.fullmatch(text):
            return None
        return text if low <= int(text) <= high else None

    return read


def prime_below(limit: int) -> Rule:
    """Rule for a prime number below a limit of at most 3.3e24."""
    number = whole_number(2, limit - 1)

    def read(text: str) -> str | None:
        found = number(text)
        return found if found is not None and is_prime(int(found)) else None

    return read


def is_prime(number: int) -> bool:
    """Whether a number below 3.3e24 is prime, by the test of Miller and Rabin."""
    if number < 2:
        return False
    for prime in _WITNESSES:
        if number % prime == 0:
            return number == prime
    twos = ((number - 1) & -(number - 1)).bit_length() - 1
    odd = (number - 1) >> twos
    return all(_is_no_witness(pow(base, odd, number), number, twos=twos) for base in _WITNESSES)


def _is_no_witness(power: int, number: int, *, twos: int) -> bool:
    """Whether squaring a^odd up to twos - 1 times meets what it would meet for a prime."""
    if power in {1, number - 1}:
        return True
    for _ in range(twos - 1):
        power = power * power % number
        if power == number - 1:
            return True
    return False


def cased(answers: Mapping[str, str]) -> dict[str, str]:
    """Answers as they are listed, in small letters and in capitals; no other mixture of cases."""
    return {
        written: canonical
        for text, canonical in answers.items()
        for written in (text, text.lower(), text.upper())
    }


def one_of(answers: Iterable[str], *, also: Mapping[str, str]) -> Rule:
    """Rule for one of a list, whatever its case, its hyphens and the number of its spaces.

    Args:
        answers: The list.
        also: Another way to write an answer -> the answer.
    """
    listed = {answer: answer for answer in answers}
    known = {_plain(written): answer for written, answer in (listed | dict(also)).items()}
    return lambda text: known.get(_plain(text))


def _plain(text: str) -> str:
    return " ".join(text.replace("-", " ").casefold().split())


def us_phone_number(text: str) -> str | None:
    """The ten digits of a number of the North American Numbering Plan, written in a usual way."""
    found = _US_PHONE.fullmatch(text)
    return "".join(filter(None, found.groups())) if found else None


def international_phone_number(text: str) -> str | None:
    """The plus sign and the digits of a number with a country code in use, 7 to 15 digits (ITU-T E.164)."""
    if not _INTERNATIONAL.fullmatch(text):
        return None
    digits = re.sub(r"[^0-9]", "", text)
    has_code = any(digits[:length] in CALLING_CODES for length in (1, 2, 3))
    return f"+{digits}" if has_code and 7 <= len(digits) <= 15 else None


def email_address(text: str) -> str | None:
    """An address in small letters: name, "@", and a domain with a top level of letters."""
    found = _EMAIL.fullmatch(text.lower()) if text.isascii() else None
    if found is None or len(found[1]) > _MAX_LOCAL or len(text) > _MAX_EMAIL:
        return None
    return found[0]


def professional_email_address(text: str) -> str | None:
    """An address whose name is made of words, at a domain that gives no free mail."""
    address = email_address(text)
    if address is None:
        return None
    name, _, domain = address.partition("@")
    return address if _NAMES.fullmatch(name) and domain not in FREE_MAIL else None


def gerund(text: str) -> str | None:
    """A single word of letters that ends in -ing behind a stem with a vowel, and is no other word of that ending."""
    word = text.lower()
    if not text.isascii() or word in NOT_GERUNDS or not 5 <= len(word) <= 24:
        return None
    # Mixed case is no word; a capital at its head or all capitals are.
    is_cased = text in {word, word.capitalize(), word.upper()}
    return word if is_cased and _GERUND.fullmatch(word) else None
