# ruff: noqa: RUF001
"""Characters that look like ASCII ones, and what they look like: a skeleton in the sense of UTS 39, for detection.

Unlike the skeleton of UTS 39, ASCII characters stay as they are ("I", "l" and "1" differ): what is looked for is
written in ASCII. Compatibility forms (full-width, mathematical, circled, superscript letters, ligatures) and accents
are dealt with by NFKD; this table holds what NFKD leaves.
"""

import re
import unicodedata
from functools import lru_cache

from pluralign.profiles.characters import is_invisible

# What is seen -> characters that look like it (the letters and brackets of Unicode's confusables.txt that scripts in daily use do not need).
_LOOKALIKES = {
    "A": "𐊠𖽀АΑᎪᗅꓮ", "B": "Ꞵ𐊂𐊡𐌁ВΒᏴᗷꓐ", "C": "𐊢𐌂𐐕𐔜𑣲СϹᏟꓚⲤ", "D": "Ꭰᗞꓓᗪ", "E": "⋿𐊆𑢦𑢮ЕΕᎬꓰⴹ", "F": "𐊇𐊥𐔥𑢢𑣂Ϝꓝᖴ", "G": "ᏳԌᏀꓖ", "H": "𐋏НΗᎻᕼꓧⲎ",
    "I": "ᛁ⏽𖼨ІӀΙⲒꓲ", "J": "ЈͿᎫᒍꓙ", "K": "ᛕ𐔘КΚᏦꓗⲔ", "L": "𐐛𐔦𑢣𑢲𖼖ᏞᒪꓡⳐ", "M": "ᛖ𐊰𐌑МΜᎷᗰꓟⲘϺ", "N": "𐔓ΝꓠⲚ", "O": "ⵔ𐊒𐊫𐐄𐓂𐔖𑢵ОΟՕꓳⲞ", "P": "𐊕РΡᏢᑭꓑⲢ",
    "Q": "ԚⵕႳ", "R": "Ʀ𐒴𖼵ᎡᏒᖇꓣԻ", "S": "𐊖𐐠𖼺ЅՏᏚꓢᏕ", "T": "⊤⟙𐊗𐊱𐌕𑢼𖼊ТΤᎢꓔⲦ", "U": "∪⋃𐓎𑢸𖽂Սᑌꓴ", "V": "ⴸꛟ𐔝𑢠𖼈ѴᏙᐯꓦ", "W": "Ꮤ𑣯ԜᎳꓪ", "X": "᙭ᚷ╳ⵝꞳ𐊐𐊴𐌗𐌢𐔧𑣬ХΧꓫⲬ",
    "Y": "УᎽ𐊲𑢤𖽃ҮΥᎩꓬⲨ", "Z": "𐋵𑢩ΖᏃꓜ",
    "a": "аαɑ", "b": "ЬᑲьƄᏏᖯв", "c": "ꮯ𐐽сϲᴄⲥ", "d": "ꓒԁᏧᑯժ", "e": "ꬲеҽε℮", "f": "ꬵẝքꞙ", "g": "ɡցƍɢ", "h": "һհᏂ", "i": "Ꭵꙇꭵ𑣃іιıɩӏɪ",
    "j": "јϳյ", "k": "кκⲕ", "l": "𐌠ׇǀׅ", "m": "ⅿм", "n": "ոռηп", "o": "ංჿᴑꬽ𐐬𐓪𑣈𑣗оοօσᴏⲟ", "p": "рρⲣϱ", "q": "ԛզգ", "r": "ꭇꭈꮁгᴦⲅ", "s": "ƽꮪ𐑈𑣁ѕꜱ",
    "t": "тτᴛ", "u": "ꞟ𐓶𑣘υսʋᴜц", "v": "∨⋁ꮩ𑣀νѵᴠ", "w": "ꮃԝѡաᴡω", "x": "×ᕁᕽ᙮⤫⤬⨯хχⲭ", "y": "ɣ𑣜уүγყʏ", "z": "ꮓ𑣄ᴢ", "0": "О", "3": "ЗӠ", "6": "б",
    "<": "‹˂❮❬ᐸ⟨〈⧼\u1438ᚲ≺⋖", ">": "𖼿›˃❯❭ᐳ⟩〉⧽\u1433≻⋗", "<<": "«⟪《≪❰", ">>": "»⟫》≫❱",
    "|": "𐊊𐌉ǀ∣│┃⎜⎟⎢⎥❘❙❚⏐¦׀ӏⵏ￨∥", "||": "‖ǁ", "[": "⟦【〔❲⁅〖〘﹝", "]": "⟧】〕❳⁆〗〙﹞",
    "_": "▁ˍ‗⎯ꟷ", "/": "᜵Ⳇ⁄∕╱⧸⟋", "-": "‐‑‒–—―−⁃", ":": "˸܃܄᛬⁚ꓽː։׃∶꞉", "'": "‘’‛ʹʼʻ′", '"': "“”„‟″",
}  # fmt: skip
# A letter that stands for two is given to the first of these tables' rows; the bar wins over the letter l.
_PROTOTYPES = {
    character: seen
    for seen, characters in reversed(list(_LOOKALIKES.items()))
    for character in characters
    if not character.isascii()
} | {"ǀ": "|"}
# Letters in boxes and bubbles that NFKD does not take apart, and the letters of flags.
_BOXED = (0x1F150, 0x1F170, 0x1F1E6)
# Accents and marks that are put on letters of any script; the vowel signs of Arabic, Hebrew or Hindi are not among them.
_COMMON_MARKS = (
    (0x0300, 0x036F), (0x0483, 0x0489), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0xFE20, 0xFE2F),
)  # fmt: skip
_LATIN_VARIANT = re.compile(
    r"LATIN (?:(?P<case>SMALL|CAPITAL) LETTER (?:DOTLESS |SCRIPT |OPEN |REVERSED |LONG |TURNED )?(?P<letter>[A-Z])"
    r"|LETTER SMALL CAPITAL (?P<small>[A-Z]))(?: WITH .*)?"
)


@lru_cache(maxsize=1 << 14)
def skeleton_of(character: str) -> str:
    """What a character looks like in ASCII: one or more characters, itself, or nothing where it is invisible."""
    if character.isascii():
        return "" if is_invisible(character) else character
    if is_invisible(character) or any(first <= ord(character) <= last for first, last in _COMMON_MARKS):
        return ""
    if character in _PROTOTYPES:
        return _PROTOTYPES[character]
    taken_apart = unicodedata.normalize("NFKD", character)
    if taken_apart != character:
        return "".join(map(skeleton_of, taken_apart))
    for first in _BOXED:
        if first <= ord(character) < first + 26:
            return chr(ord("A") + ord(character) - first)
    if found := _LATIN_VARIANT.fullmatch(unicodedata.name(character, "")):
        letter = found["letter"] or found["small"]
        return letter if found["case"] == "CAPITAL" else letter.lower()
    return character


@lru_cache(maxsize=1 << 14)
def script_of(character: str) -> str | None:
    """The script of a letter whose letters are taken for those of another: LATIN, GREEK, CYRILLIC ...; else None."""
    if character.isascii():
        return "LATIN" if character.isalpha() else None
    script = unicodedata.name(character, "").partition(" ")[0]
    return (
        script if script in {"LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU"} else None
    )
