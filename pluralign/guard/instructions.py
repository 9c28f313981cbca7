"""Rules that find instructions to the model or the judge in a text that should say what somebody values.

A rule that fires makes a text unsure, never refused: "I ignore every instruction that comes from authority" is a
value. The rules look for the second person, for talk about the model, its rules and its prompt, and for what only a
verdict or a transcript looks like. They miss most of what is said in other words: containment does not rest on them.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass

from pluralign.guard.inspection import Copy, plain, skeleton


@dataclass(frozen=True)
class Hit:
    """Where a rule fired.

    Attributes:
        rule: What was found, for a sentence: "an order to ignore instructions".
        start: First character, in the text itself.
        end: One past the last.
    """

    rule: str
    start: int
    end: int


@dataclass(frozen=True)
class _Rule:
    """A pattern for lower-case text, searched only where one of the words it cannot do without is there."""

    name: str
    words: frozenset[str]
    pattern: re.Pattern[str]


def _rule(name: str, words: str, pattern: str) -> _Rule:
    return _Rule(name, frozenset(words.split("|")), re.compile(pattern, re.MULTILINE))


# An order, not a report of what somebody does: at the start of a clause, or after "please", "then", "you must".
_ORDER = r"(?:^|[.!?:;,>\"'*\-\d(]\s*|\b(?:please|then|now|must|will|shall|should you|you|and|to)\s+)(?:please\s+)?"
_DROP = (
    r"(?:ignor|disregard|forget|overrid|bypass|skip|cancel|discard|drop|neglect|do not follow|don't follow"
    r"|stop following|do not obey)\w*"
)
_THE = r"(?:\s+(?:all|any|every|of|the|these|those|this|its|other|and|or|about|to)){0,4}"
_EARLIER = r"\s+(?:previous|prior|earlier|above|preceding|foregoing|initial|original|former|existing|system)"
_RULES = (
    r"(?:instructions?|rules?|prompts?|guidelines?|polic(?:y|ies)|directions?|directives?|commands?|orders"
)
_RULES += (
    r"|restrictions?|limits?|limitations?|filters?|safeguards?|safety|training|programming|frame|ethics)"
)
_MODEL = r"(?:assistant|ai|language model|model|chatbot|chat ?gpt|gpt|llm|bot|claude|dan)"
_GUARD = r"(?:guard|moderat(?:or|ion)|filters?|safety|judge|reviewer|classifier|policy|refusals?|safeguards?)"

_OVERRIDES = (
    _rule("an order to ignore instructions", "ignor|disregard|forget|overrid|bypass|skip|cancel|discard|drop|neglect|follow|obey",
          rf"{_ORDER}{_DROP}(?:{_THE}(?:{_EARLIER}|\s+your)+(?:\s+\w+){{0,2}}\s+{_RULES}\b|{_THE}\s+(?:above|previous)\b"
          rf"|{_THE}\s+(?:everything|anything|whatever|all)\s+(?:that\s+)?you\s+(?:were|have|had|know)|\s+your\b"
          rf"|\s+(?:the|all)\s+(?:{_RULES})\s+(?:above|before|around|of (?:the|this))|\s+rules? (?:one|two|\d))"),
    _rule("an order to ignore instructions", "ignor|disregard|forget|overrid|bypass|skip|cancel|discard",
          rf"(?:^|[.!?:;]\s+|,\s*)(?:please\s+)?{_DROP}\s+(?:all|any|every|the|this|these)\s+(?:\w+\s+)?{_RULES}\b"),
    _rule("instructions declared void", "instruction|guideline|rule|polic|limit|restriction|filter|guard|moderation|safety|profile|prompt",
          rf"\b{_RULES}\s+(?:are|is|were|was|have been|has been|no longer|do not|does not)\s+(?:now\s+|hereby\s+|all\s+)?"
          r"(?:off\b|void|cancel|lifted|gone\b|removed|cleared|deleted|disabled|suspended|replaced|overrid|exist|appl|to be ignored)"
          r"|\b(?:guard|moderation|filter|profile above)s?(?:\s+(?:is|are|must|now))*\s+(?:off\b|void|disabled|removed|answer)"
          r"|\b(?:instruction|rule|prompt)s?\b.{0,40}\bto be ignored by you|\blimits? off\b|\bchecks? skipped"),
    _rule("new instructions", "instruction|task", r"\b(?:new|real|actual|true|updated|next)\s+(?:system\s+)?(?:instructions?|task)\s*"
          r"(?::|start|begin|follow|are\b|from)"),
    _rule("an order to lift limits", "disable|remove|turn off|switch off|deactivate|lift|unlock|delete",
          rf"\b(?:disable|remove|turn off|switch off|deactivate|lift|unlock|deletes?d?)\s+(?:all\s+|the\s+|your\s+|its\s+|any\s+)*"
          rf"(?:{_GUARD}|{_RULES})\b"),
    _rule("talk of the model without limits", "without|no |unrestricted|uncensored|unfiltered|free|never refuse|not refuse|to refuse|say no",
          rf"\b(?:you|model|assistant|ai)\b.{{0,40}}\b(?:with(?:out)?|ha(?:ve|s)|are|is|free of)\s+(?:no|any|every|all)?\s*(?:more\s+)?{_RULES}\b(?!\s+of)"
          rf"|\byou\s+(?:now\s+)?(?:have|has)\s+no\s+(?:{_RULES}|guard)|\byou\s+(?:must\s+|may\s+|will\s+)?never\s+(?:refuse|say no)"
          rf"|\bunrestricted|uncensored|unfiltered {_MODEL}\b|\bnot allowed to refuse|\byou are now free|\bmust never say no"
          rf"|\b(?:answer|respond|continue|write|reply|act|speak)\w*\b.{{0,30}}\bwithout\s+(?:any\s+)?(?:{_RULES})\b"),
    _rule("a new part for the model", "you are|you will|act as|acts as|pretend|persona|mode|do anything now|roleplay|you're",
          rf"\byou(?:'re| are| will be| will act as| shall be)\s+(?:now\s+)?(?:a |an |the )?(?:\w+\s+){{0,2}}{_MODEL}\b"
          rf"|\bact(?:s|ing)?\s+as\s+(?:if\s+(?:the|you|your)\b|(?:a |an |the )?(?:\w+\s+){{0,2}}{_MODEL}\b)"
          rf"|\bpretend(?:ing)?\s+(?:that\s+)?(?:to be\s+|you|your)|\b(?:developer|dan|jailbreak|god|admin|debug)\s+mode\b"
          rf"|\bdo anything now|\bpersona of\b.{{0,30}}\b{_MODEL}\b|\byou(?: will|'ll| are going to| are to) (?:now )?(?:act|play|roleplay|immerse)\b"),
    _rule("an order to show the prompt", "prompt|instructions|words above|repeat",
          r"\b(?:print|reveal|show|repeat|output|tell|display|write|give|leak|expose)\w*\b.{0,40}\b(?:prompts?\b|words above|(?:system|your|hidden|initial)\s+instructions)"
          r"|\b(?:system|hidden|initial)\s+prompt\b"),
    _rule("an order about the answer", "reply|answer|response|respond|say|comply|obey|agree|confirm|priority|act|developer|operator|provider",
          r"\byour\s+(?:next|first|every|only)?\s*(?:reply|answer|response)s?\s+(?:must|should|shall|has to|will)\b"
          r"|\b(?:exactly|everything|whatever)\s+(?:as\s+)?(?:i|the user)\s+(?:say|ask|want|demand|tell)s?\b|\bobey\s+(?:only\s+)?(?:me\b|the user)"
          r"|\bagree\s+with\s+(?:whatever|everything|anything|all)\s+(?:that\s+)?(?:the user|i say)|\bobey\w*\s+(?:the|this)\s+profile"
          rf"|\b(?:whenever|when|if)\s+the\s+user\s+(?:says|asks|writes|types)|\bif you are an? {_MODEL}\b"
          r"|\bas your (?:developer|operator|owner|creator|administrator|programmer)|\bpriority (?:one|zero|override)|\boverride\s*:"
          r"|\b(?:operator|provider|administrator|developer)\s+(?:had\s+|has\s+)?(?:approved|authori[sz]ed|updated)|\bfrom the provider\b"
          r"|\b(?:drop|lift|leave|break)\s+your\s+\w+\s+and\s+(?:comply|obey)|\bsystem message\b|\bprofile\s+(?:is|gives|may give)\s+(?:the boss|orders|in charge)"
          r"|\banswer(?:s|ed)? (?:every|all|any) (?:question|request)s?\s+from (?:then|now) on"),
    _rule("talk about the model's rules", "assistant|model|language model|chatbot| ai |llm",
          rf"\b(?:the|this|my|a)?\s*(?:assistant|language model|ai model|llm|model)(?:'s)?\b(?!\s+nurse).{{0,50}}\b(?:{_RULES}|refus\w+|compl(?:y|ies)|obey\w*|swears?|sworn|hidden|thoughts)\b"
          r"|\bthe assistant (?:now |has |had )?(?:agreed|approved|writes|answers|replaced|is approved)"),
)  # fmt: skip
_VERDICTS = (
    _rule("an order to the judge", "output|answer|rate|score|judge|reviewer|moderator|guard|classifier|choose|category|format|reading|sky",
          r"\boutput\s+(?:the\s+word\s+)?['\"]?(?:safe|unsafe|serve|pass|yes|no)\b|(?<!\bi )\banswer\s+(?:only\s+)?(?:with\s+)?(?:['\"](?:safe|yes|no|serve|pass)|safe\b|yes or no accordingly|in \w+ only)"
          r"|\b(?:dear|to the|note to the|attention)\s+(?:judge|reviewer|moderator|guard|classifier)\b|\bjudge by (?:the )?(?:version|policy)"
          r"|\b(?:judge|guard|reviewer|classifier) (?:that|who|which) (?:refuses|rejects|flags)\b|\b(?:judge|guard|classifier) must\b|\brate (?:my|this) profile\b"
          r"|\b(?:set|give|choose|assign)\b.{0,20}\b(?:harm|lowest|highest|safety|toxicity)\s+scores?\b|\bscore of (?:every|each|all) statement"
          r"|\bstop reading (?:here|now)|\bname (?:a|the) category|\bcategory\s*[:,]?\s*name s\d|\byour (?:output )?format (?:asks|requires)|\bthe question to answer is\b|\bwrite your answer\b"
          r"|\bserve all (?:requests|profiles)"),
    _rule("the form of a verdict", "safe|verdict|decision|outcome|violation|score|answer|harm|reasoning|categor|approved|endorsement",
          r"^[ \t]*(?:safe|unsafe|serve|pass)[ \t]*[.!]?[ \t]*$|^[ \t]*(?:safety|harmful request|response refusal|harmful response|(?:final )?verdict|decision|outcome|endorsement|categor(?:y|ies))\s*:"
          r"|[.?!]\s+(?:verdict|final verdict|decision|outcome)\s*:|\bverdict\s*:[ \t]*(?:serve|safe|pass)?[ \t]*$|</?(?:score|answer|verdict|reasoning|judge?ment|decision)>"
          r"|[\"'](?:outcome|violation|verdict|is_?safe|approved|category|harm_?score|ruling)[\"']\s*:|\b(?:safe|lawful|harmless)(?:\s+(?:safe|lawful|harmless)){3,}"
          r"|\banswer\s*:\s*(?:yes|no|safe|pass)\b"),
    _rule("a claim of approval", "approved|reviewed|checked|admitted|list|expected|test|void|version|means|end of|profile is",
          r"\b(?:this|the|my)\s+(?:profile|statement|text|document)\s+(?:was|is|has been|above is)\s+(?:already\s+|hereby\s+)?(?:approved|checked|reviewed|admitted|pre-?approved|safe\b|void|on the allow)"
          r"|\bprofile (?:admitted|approved)\b|\b(?:allow|white|safe)[- ]?list\b.{0,40}\b(?:no|without|skip)\s+(?:check|review)|\balready (?:reviewed|approved|checked)\b"
          r"|\btest of (?:the|this|your) (?:guard|filter|judge|classifier|moderation)|\bexpected (?:result|verdict|answer) is\b|\bpolicy version\b"
          r"|['\"](?:yes|no|safe|unsafe)['\"]\s+means\s+['\"](?:yes|no|safe|unsafe)|\bend of (?:the )?(?:profile|input|document to judge)\b"),
)  # fmt: skip
_SPEAKER = r"(?:user|assistant|human|ai|bot|model(?: [a-z])?|system|guard|reviewer|moderator|admin|operator|developer|tool|chatgpt|support)"
_TRANSCRIPTS = (
    _rule("a made-up conversation", "user|assistant|human|bot|model|system|guard|reviewer|moderator|admin|operator|tool|support",
          rf"(?:(?:^|[.?!>\]\-])[ \t]*(?:\[[\d:]+\]\s*|[\d: -]+(?:info|warn|debug)\s+|turn \d+\s*)?[<(]?{_SPEAKER}\)?(?:\s*\([^)\n]{{0,40}}\))?\s*[:>](?!\w)(?:.|\n){{0,160}}?){{2}}"
          rf"|^[ \t]*(?:turn \d+\s*)?\(?{_SPEAKER}\)?(?:\s*\([^)\n]{{0,40}}\)|\s+(?:call|result))?\s*:.*\n[ \t]*\S[^:\n]{{0,24}}:|^[>\- \t]*{_SPEAKER} (?:wrote|said|confirmed)\s*:"
          rf"|^[ \t]*\w[^:\n]{{0,20}}:.*\n[ \t]*{_SPEAKER}\s*:|^hey (?:assistant|google|siri)\b|\bfrom: operator\b"),
    _rule("a conversation that never was", "conversation|promised|agreed|chat|user asks|earlier",
          r"\b(?:in|of) (?:this|the|our) (?:conversation|chat)\b.{0,40}\b(?:you|so far|assistant|agreed)|\bearlier you (?:promised|agreed|said)|\buser asks\b.{0,40}\bassistant\b"),
    _rule("a conversation of single letters", ":", r"(?:^|\n|[.?!] )(?:\b[a-z]\s*: [^:\n]{1,40}[\n?!.]\s*){4}"
          r"|^q:.*\b(?:profile|rules|limits|orders)\b.*\n\s*a:"),
)  # fmt: skip
# On the skeleton: languages in Latin letters, accents left out.
_LATIN = (
    _rule("an order to ignore instructions (Germanic)", "verg|ignorier|missacht|negeer",
          r"(?<!\bich )\b(?:vergiss|vergesst|vergessen sie|ignoriere|ignoriert|ignorieren sie|missachte|negeer|vergeet)\b(?! ich\b).{0,40}"
          r"\b(?:anweisung|regel|vorgabe|instruktion|instructies|aanwijzing|oben\b|bisherig|vorherig)"),
    _rule("an order to ignore instructions (Romance)", "ignor|oubli|olvid|esquec|dimentic|obliviscere|neglege|uita",
          r"(?<!\bi )(?<!\bje )\b(?:ignore|ignorez|ignora|ignorad|oublie|oubliez|olvida|olvide|esqueca|esquece|dimentica|dimenticate|obliviscere|neglege)\b.{0,30}"
          r"\b(?:consignes|regles|precedent|instrucciones|reglas|anteriores|instrucoes|regras|istruzioni|regole|praecept|mandat|instructions? precedent)"),
    _rule("an order to ignore instructions (Slavic)", "ignoruj|zignoruj|zapom",
          r"\b(?:zignoruj|ignoruj|ignorujte|zapomnij|zapomen)\w*\b.{0,40}\b(?:instrukcj|zasad|polece|pokyn|instrukc|pravid)"),
    _rule("an order to ignore instructions (Turkish)", "unut|yok say|gormezden",
          r"\b(?:talimat|kural|yonerge)\w*\b.{0,20}\b(?:unut|yok say|gormezden)"),
    _rule("an order to ignore instructions (Vietnamese)", "bo qua|quen", r"\b(?:bo qua|quen)\b.{0,20}\b(?:chi dan|huong dan|quy tac|menh lenh|chi thi)\b"),
    _rule("an order to ignore instructions (Indonesian, Swahili)", "abaikan|lupakan|puuza|sahau",
          r"\b(?:abaikan|lupakan|puuza|sahau)\b.{0,30}\b(?:instruksi|perintah|aturan|maagizo|maelekezo|kanuni)"),
    _rule("talk of the model without limits", "tu n'as|eres una|sem limites|sans limite|sans aucune|gehorche",
          r"\btu n'as (?:plus|aucune)\b.{0,12}\b(?:regle|limite|restriction)|\beres una ia\b|\bre(?:sponda|ponds?|spond\w*)\b.{0,12}\b(?:sem|sans|sin)\b.{0,8}\blimites?"),
)  # fmt: skip
# On the plain copy: other scripts, each in its own letters.
_OTHER_SCRIPTS = (
    _rule("an order to ignore instructions (Russian, Ukrainian)", "забуд|игнорируй|ігноруй",
          r"(?:забудь|забудьте|игнорируй|проигнорируй|игнорируйте|ігноруй|ігноруйте).{0,40}(?:инструкц|правил|указани|інструкц|вказів)"),
    _rule("an order to ignore instructions (Greek)", "αγνόησε|αγνοήστε|ξέχασε", r"(?:αγνόησε|αγνοήστε|ξέχασε|ξεχάστε).{0,40}(?:οδηγί|κανόν|εντολ)"),
    _rule("an order to ignore instructions (Arabic)", "تجاهل|انس|قواعد عليك|قيود عليك",
          r"(?:تجاهل|انس).{0,30}(?:التعليمات|القواعد|الأوامر|السابقة)|لا (?:قواعد|قيود) عليك"),
    _rule("an order to ignore instructions (Hebrew)", "התעל|שכח", r"(?:התעלם|התעלמי|התעלמו|שכח|שכחי).{0,30}(?:הוראות|כללים|חוקים)"),
    _rule("an order to ignore instructions (Persian)", "نادیده|فراموش", r"(?:دستور|قوانین|قواعد).{0,30}(?:نادیده بگیر|فراموش کن)"),
    _rule("an order to ignore instructions (Hindi)", "निर्देश|नियम", r"(?:निर्देश|नियम).{0,20}(?:अनदेखा करो|अनदेखा कर|भूल जाओ|नज़रअंदाज़)"),
    _rule("an order to ignore instructions (Chinese)", "忽略|无视|忘记|無視|忘記|你没有|你沒有",
          r"(?:忽略|无视|忘记|無視|忘記).{0,10}(?:指令|指示|规则|規則|提示|说明)|你(?:没有|沒有)任何(?:限制|规则|規則)"),
    _rule("an order to ignore instructions (Japanese)", "無視|忘れ", r"(?:指示|命令|ルール|規則).{0,8}(?:無視して|無視しろ|無視せよ|忘れて|忘れろ)"),
    _rule("an order to ignore instructions (Korean)", "무시|잊", r"(?:지시|명령|규칙).{0,8}(?:무시하고|무시하세요|무시해|잊어)"),
)  # fmt: skip


class _Rules:
    """Rules that are searched together, and all words that any of them cannot do without."""

    def __init__(self, *rules: _Rule) -> None:
        self.rules = rules
        self.words = sorted(frozenset().union(*(rule.words for rule in rules)))


_IN_ASCII = _Rules(*_OVERRIDES, *_VERDICTS, *_TRANSCRIPTS, *_LATIN)
_IN_DISGUISE = _Rules(*_OVERRIDES, *_VERDICTS)
_IN_OTHER_SCRIPTS = _Rules(*_OTHER_SCRIPTS)
# What ends the clause before an order belongs to that clause.
_CLAUSE_ENDS = " \t\n.!?:;,>*-"
_LEET = str.maketrans("013457@$!", "oieastasi")
_ROT13 = str.maketrans("abcdefghijklmnopqrstuvwxyz", "nopqrstuvwxyzabcdefghijklm")
_SPACED = re.compile(r"(?:\b\w (?! )){4,}\w\b(?:  +(?:\w (?! ))*\w\b)*")
_SINGLE_SPACE = re.compile(r"(?<! ) (?! )")
_BASE64_WORD = re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/_-]{16,}={0,2}")
_MIN_LEET_DIGITS = 3


def find_instructions(text: str) -> list[Hit]:
    """What in a text reads as an instruction to the model or a judge, or as a verdict or a made-up conversation."""
    seen = skeleton(text)
    lower = seen.text.lower()
    hits = _search(lower, _IN_ASCII, seen)
    if not text.isascii():
        own = plain(text)
        if len(low := own.text.lower()) == len(own.text):
            hits += _search(low, _IN_OTHER_SCRIPTS, own)
    if not hits and any(_search(reading, _IN_DISGUISE, seen) for reading in _other_readings(lower)):
        hits.append(Hit("an instruction in disguised letters", 0, len(text)))
    return hits or [*_hidden_words(text)]


def _search(lower: str, rules: _Rules, copy: Copy) -> list[Hit]:
    present = {word for word in rules.words if word in lower}
    return [
        Hit(rule.name, *copy.origin(found.start() + _n_before(found[0]), found.end()))
        for rule in rules.rules
        if not rule.words.isdisjoint(present) and (found := rule.pattern.search(lower))
    ]


def _n_before(found: str) -> int:
    """Length of the space and punctuation before the first word, where there is one."""
    return len(found) - len(found.lstrip(_CLAUSE_ENDS)) if found.strip(_CLAUSE_ENDS) else 0


def _other_readings(lower: str) -> Iterator[str]:
    """A text as it reads under the disguises that people use: rot13, backwards, digits for letters, spaced letters."""
    yield lower.translate(_ROT13)
    yield lower[::-1]
    if sum(map(str.isdigit, lower)) >= _MIN_LEET_DIGITS:
        yield lower.translate(_LEET)
    if _SPACED.search(lower):
        yield _SPACED.sub(lambda found: _SINGLE_SPACE.sub("", found[0]), lower)


def _hidden_words(text: str) -> Iterator[Hit]:
    """Base64 that decodes to words."""
    for found in _BASE64_WORD.finditer(text):
        try:
            decoded = base64.b64decode(found[0] + "=" * (-len(found[0]) % 4), validate=True)
        except (binascii.Error, ValueError):
            continue
        if decoded.isascii() and decoded.decode("ascii").isprintable() and b" " in decoded:
            yield Hit("base64 of a sentence", *found.span())
