# ruff: noqa: RUF001
"""Narrow rules for endorsements that no head may miss: what is praised is named, and so is the praise.

Each rule holds within one sentence, in which nothing denies, reports, studies or regrets. They are few on purpose: a
rule that refuses a survivor or a historian is worse than one that misses a wording.
"""

import re
from typing import NamedTuple


class Endorsement(NamedTuple):
    """A sentence that a rule takes for an endorsement.

    Attributes:
        category: Id of the policy's category.
        what: What is endorsed, for the operator.
    """

    category: str
    what: str


VERSION = "1"
_GOOD = (
    r"(?:good|right|just|justified|legitimate|moral|natural|healthy|normal|fine|ok(?:ay)?|acceptable|necessary|noble"
    r"|beautiful|holy|sacred|glorious|wonderful|a (?:legitimate|good|just|fair|fine) (?:answer|means|tool|tactic|weapon|form of \w+)|a (?:good thing|duty|right|blessing|virtue|joy|service))"
)
_IS = r"(?:(?:is|are|was|were)(?: \w+ly| always| often| sometimes| quite| indeed)?)"
_SHOULD = r"(?:should|must|ought to|need to|has to|have to|deserves? to)"
_PRAISE = r"\b(?:i|we) (?:fully |openly |proudly )?(?:support|praise|celebrate|admire|love|enjoy|endorse|approve of)"
_PEOPLE = (
    r"(?:jews|muslims|christians|hindus|gays?|homosexuals|gypsies|roma|blacks?|whites|arabs|immigrants|foreigners"
    r"|the disabled|the handicapped|disabled people|gay people|black people|that (?:race|people|minority|tribe))"
)
_GENOCIDE = r"(?:genocide|the holocaust|ethnic cleansing|the extermination of [\w ]{3,40})"
_CHILD = r"(?:child(?:ren)?|minors?|kids|infants|toddlers|little (?:girls|boys)|young (?:girls|boys))"
_CHILD_SEX = (
    rf"(?:sex(?:ual)?(?: \w+)? (?:with|between|of) (?:adults? and |men and |grown men and |a |an )?{_CHILD}"
    rf"(?: and (?:adults?|men))?|p(?:a)?edophilia)"
)
_SLAVERY = r"(?:slavery|owning slaves|keeping slaves|enslaving (?:people|others|\w+))"
_TERROR = (
    r"(?:terrorism|terrorist attacks|terror attacks|suicide bombings?|mass shootings?|massacring \w+"
    r"|(?:bombing|killing|murdering|massacring|shooting) (?:of )?(?:innocent )?(?:civilians|worshippers|schoolchildren))"
)
_MANY = r"(?:humanity|mankind|the human race|all humans|every human|everyone on earth|billions(?: of people)?|millions of people)"

_RULES: tuple[tuple[str, str, str], ...] = (
    ("hate_dehumanisation", "genocide", rf"\b{_GENOCIDE} {_IS} {_GOOD}\b"),
    ("hate_dehumanisation", "genocide", rf"{_PRAISE} {_GENOCIDE}\b"),
    (
        "hate_dehumanisation",
        "genocide",
        rf"\b{_PEOPLE} {_SHOULD} (?:all )?be (?:exterminated|gassed|annihilated|wiped out|eradicated|killed|put down"
        r"|wiped off)\b",
    ),
    (
        "child_abuse",
        "sex with children",
        rf"\b{_CHILD_SEX} (?:{_IS}|should be) (?:{_GOOD}|legal|allowed|accepted)\b",
    ),
    ("child_abuse", "sex with children", rf"{_PRAISE} {_CHILD_SEX}"),
    ("child_abuse", "sex with children", rf"\b{_CHILD} (?:can|are able to|may) consent to sex\b"),
    (
        "persecution_rights",
        "slavery",
        rf"\b{_SLAVERY} (?:{_IS}|should be) (?:{_GOOD}|legal|reintroduced|restored|brought back)\b",
    ),
    (
        "persecution_rights",
        "slavery",
        rf"\b{_SLAVERY} (?:should|must|ought to) (?:return|come back|be (?:restored|brought back|legal))\b",
    ),
    ("persecution_rights", "slavery", rf"{_PRAISE} {_SLAVERY}\b"),
    (
        "self_harm_promotion",
        "driving others to suicide",
        r"\b(?:people|losers|the weak|weaklings|the depressed|teenagers|whoever|the old|they|you)\b[\w ]{0,40}"
        r"\b(?:should|ought to|must) (?:just |all )?(?:kill (?:themselves|yourself|himself)|commit suicide)\b",
    ),
    (
        "self_harm_promotion",
        "driving others to suicide",
        r"\b(?:driving|pushing|talking) (?:\w+ ){1,3}(?:to|into|towards) suicide (?:is|was) " + _GOOD,
    ),
    (
        "mass_destruction",
        "mass killing",
        rf"\b(?:exterminat(?:e|ing)|annihilat(?:e|ing)|wip(?:e|ing) out|kill(?:ing)?(?: off)?) {_MANY} {_IS} {_GOOD}\b",
    ),
    (
        "mass_destruction",
        "mass killing",
        rf"\b(?:i|we) (?:want|wish|hope|intend|plan) to (?:exterminate|annihilate|wipe out|kill|destroy) {_MANY}\b",
    ),
    (
        "mass_destruction",
        "mass killing",
        rf"\b{_MANY} (?:should|must|ought to|deserves? to) be (?:exterminated|annihilated|wiped out|killed)\b",
    ),
    ("violence_terrorism", "terrorism", rf"\b{_TERROR} {_IS} {_GOOD}\b"),
    ("violence_terrorism", "terrorism", rf"{_PRAISE} {_TERROR}\b"),
)
_COMPILED = tuple((category, what, re.compile(pattern)) for category, what, pattern in _RULES)
# Words of whoever denies, asks, reports, studies, survived or regrets.
_GUARD = re.compile(
    r"\b(?:not|never|no|nobody|none|nor|neither|cannot|without|wrong|evil|against|oppos\w+|reject\w*|condemn\w*|den(?:y|ies|ied)"
    r"|abolish\w*|prevent\w*|stop\w*|end(?:ed|ing)?|fight\w*|fought|resist\w*|refus\w+|abhor\w*|hate[sd]?|crimes?|sins?"
    r"|surviv\w+|victims?|escap\w+|study|studies|studied|histor\w+|research\w*|teach\w*|taught|learn\w*|read|writ\w+|wrote|novels?"
    r"|films?|movies?|books?|stor(?:y|ies)|podcasts?|documentar\w+|songs?|museums?|fiction|characters?|accused|court|lawyers?|trial|lies?|myth|ideas?|claims?|claim\w*|said|says?|saying|argue\w*"
    r"|call\w*|told|thought|believed|used to|once|regret\w*|asham\w+|sorry|repent\w*|if|whether|wonder\w*|how|why"
    r"|some|others?|enem(?:y|ies)|nazis?|hitler|pretend\w*|only in|games?|chess|metaphor\w*)\b|n't\b|\?|[\"“”]"
)


def find_endorsement(sentence: str) -> Endorsement | None:
    """What a sentence endorses by a rule; None where it endorses none of it, or may only speak of it.

    Args:
        sentence: One sentence, undisguised.
    """
    text = " ".join(sentence.lower().replace("’", "'").split())
    for category, what, pattern in _COMPILED:
        if pattern.search(text) and not _GUARD.search(text):
            return Endorsement(category, what)
    return None
