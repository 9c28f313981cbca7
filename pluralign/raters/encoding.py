"""The encoder: one rater's fit ratings in, a value profile in words out.

The encoder reads nothing of the rater but these ratings: no demographics, and none of the ratings on which the profile
is tested. What cannot be read as a profile is drawn again, counted and kept; nothing is made up.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from pydantic import ValidationError

from pluralign.elicitation.replies import is_refusal
from pluralign.errors import ConfigurationError, ModelError, UnsupportedError
from pluralign.models.protocol import Capability, Chat, Draw, LanguageModel, Message, SamplingParams
from pluralign.profiles.record import Provenance, Value, ValueProfile
from pluralign.raters.rater import Rating, SplitRater
from pluralign.records import Option, Outcome, Question, QuestionSet, content_hash
from pluralign.records.base import Record, Text

# Part of every key: raise it when prompt or reading change.
ENCODER_SCHEMA = 1
# Asked for, as in Sorensen et al. 2025; a reply with fewer is read from `EncoderSettings.min_statements` on.
FEWEST, MOST = 5, 10
_MAX_STATEMENT, _MAX_SOURCE, _MAX_HEDGE = 240, 240, 80
# A statement that shares so many of all words with one of the example's is taken for its copy.
_COPIED_SHARE = 0.6
# Of a statement of which the encoder does not say how firmly it is held.
_WEIGHT = 0.5

_TASK = (
    "Below are {n} answers that one person gave. Find out what this person values and how this person judges, so that "
    "whoever reads your description can tell what the same person would answer to other questions of this kind."
)
_REQUEST = (
    f'Describe this person in {FEWEST} to {MOST} short statements, one a line, each beginning with "- ". Write them '
    'in the first person, as this person would say them ("- I ..."). Behind each, put in brackets how firmly the '
    "answers support it: (always), (usually), (sometimes) or (perhaps). State values and habits of judgement that "
    "hold for other questions too. Do not repeat the questions, do not guess age, sex or origin, and write nothing else."
)

# An example of what is asked for, from no data set: small models follow it better than any description.
_EXAMPLE = tuple(
    Rating(Question(id=text, text=text, options=(Option(text="Right"), Option(text="Wrong"))), choice)
    for text, choice in (
        ("A cafe closes on Sundays so that its staff can rest. Is that right?", 0),
        ("A neighbour plays loud music until nine in the evening. Is that right?", 0),
        ("A shop asks more of tourists than of locals. Is that right?", 1),
        ("A friend tells a lie so as not to hurt somebody. Is that right?", 1),
    )
)
_EXAMPLE_REPLY = """- I put people's rest before my own convenience (usually)
- I let others live as they like, within limits (usually)
- I expect everybody to be treated alike (always)
- I would rather hear a hard truth than a kind lie (perhaps)
- I ask who is harmed before I ask what is customary (sometimes)"""

_MARKER = re.compile(r"^\s*(?:[-*+•‣▪●–—·]+|\(?\d{1,2}[.):]|\(?[a-z]\))\s+")
_BRACKET = re.compile(r"^(?P<statement>.*\S)\s*[(\[](?P<hedge>[^()\[\]]{3,80})[)\]][.;,]?$")
_OPENING_BRACKET = re.compile(r"^[(\[](?P<hedge>[^()\[\]]{3,80})[)\]][:,]?\s+(?P<statement>.*\S)$")
_HEDGE = re.compile(
    r"\b(?:always|never|usually|normally|often|frequently|sometimes|occasionally|rarely|seldom|mostly|mainly|generally"
    r"|typically|perhaps|maybe|probably|possibly|likely|unlikely|apparently|tends?|firmly|strongly|weakly|slightly"
    r"|somewhat|certain|uncertain|sure|unsure|clear|unclear|confiden\w+|as a rule|in doubt|moderate\w*|exception\w*)\b",
    re.IGNORECASE,
)
_FIRST_PERSON = re.compile(r"^(?:I|We|My|Our)\b")


@dataclass(frozen=True)
class EncoderSettings:
    """How profiles are drawn.

    Attributes:
        max_draws: Replies drawn for one rater at most.
        min_statements: A reply with fewer readable statements is no profile.
        temperature: Of the draws.
        max_new_tokens: Length of a reply at most.
    """

    max_draws: int = 3
    min_statements: int = 3
    temperature: float = 0.7
    max_new_tokens: int = 160

    def __post_init__(self) -> None:
        for name in ("max_draws", "min_statements", "max_new_tokens"):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"{name}: {getattr(self, name)}; it must be 1 or more.")


DEFAULT_ENCODER = EncoderSettings()


class Encoding(Record):
    """What became of the attempt to put one rater's values in words.

    Attributes:
        key: sha256 of everything that can change it; the row's identity on disk.
        rater: Id of the rater.
        outcome: `ok` exactly where there is a profile; else what became of the last reply.
        profile: The profile.
        outcomes: What became of each reply.
        replies: The replies as they came, in order of drawing.
        error: What went wrong, for outcome `error`.
    """

    key: Text
    rater: Text
    outcome: Outcome
    profile: ValueProfile | None = None
    outcomes: tuple[Outcome, ...] = ()
    replies: tuple[str, ...] = ()
    error: str | None = None


def encoder_prompt(fit: Sequence[Rating]) -> Chat:
    """What the encoder is asked: the ratings, and a list of statements in return, after an invented example of both."""
    return Chat((
        Message("user", _request(_EXAMPLE)),
        Message("assistant", _EXAMPLE_REPLY),
        Message("user", _request(fit)),
    ))


def encode(
    model: LanguageModel,
    rater: SplitRater,
    *,
    questions: QuestionSet,
    seed: int,
    settings: EncoderSettings = DEFAULT_ENCODER,
) -> Encoding:
    """Put one rater's values in words; see `encode_raters`."""
    return encode_raters(model, [rater], questions=questions, seed=seed, settings=settings)[0]


def encode_raters(
    model: LanguageModel,
    raters: Sequence[SplitRater],
    *,
    questions: QuestionSet,
    seed: int,
    settings: EncoderSettings = DEFAULT_ENCODER,
) -> list[Encoding]:
    """Put the values of several raters in words, drawing for all of them together.

    A draw depends on the rater's fit ratings, the seed and the number of the attempt only.

    Args:
        model: The encoder: any chat model that can be sampled.
        raters: Whose fit ratings are read.
        questions: The set they come from, named as the profile's source.
        seed: Seed of the draws.
        settings: How is drawn.

    Returns:
        One encoding a rater, in order.

    Raises:
        UnsupportedError: The model cannot be sampled, or has no chat format.
    """
    if missing := sorted({Capability.SAMPLE, Capability.CHAT} - model.can):
        raise UnsupportedError(
            f"The encoder writes profiles, but {model.id!r} cannot {' or '.join(missing)}. Name an instruct model."
        )
    open_cases = {
        index: _started(model, rater, questions, seed, settings) for index, rater in enumerate(raters)
    }
    finished: dict[int, Encoding] = {}
    for attempt in range(settings.max_draws):
        waiting = [index for index in open_cases if index not in finished]
        if not waiting:
            break
        prompts = [encoder_prompt(raters[index].fit) for index in waiting]
        draws = _draw(model, prompts, seed=_attempt_seed(seed, attempt), settings=settings)
        for index, draw in zip(waiting, draws, strict=True):
            case = _after(open_cases[index], draw, raters[index], questions=questions, settings=settings)
            open_cases[index] = case
            if case.outcome in {Outcome.OK, Outcome.ERROR}:
                finished[index] = case
    return [open_cases[index] for index in range(len(raters))]


def encoding_key(
    model: LanguageModel,
    rater: SplitRater,
    *,
    questions: QuestionSet,
    seed: int,
    settings: EncoderSettings = DEFAULT_ENCODER,
) -> str:
    """Key of the encoding that `encode` makes with the same arguments: sha256 of all that can change it."""
    return content_hash({
        "schema": ENCODER_SCHEMA,
        "model": model.id,
        "fingerprint": dict(model.fingerprint()),
        "rater": rater.id,
        "prompt": _prompt_text(rater),
        "source": _sources(rater, questions),
        "settings": asdict(settings),
        "seed": seed,
    })


def read_statements(reply: str, *, asked: str = "", cut_off: bool = False) -> tuple[Value, ...]:
    """Read the statements of a reply: a list by bullets or numbers, by semicolons, or lines in the first person.

    A hedge in brackets becomes the value's hedge; statements without one all have the same weight. What no profile
    can hold (too long, marks of a chat format, fewer than three words), what was said before and what only repeats the
    prompt, or nearly repeats its example, is left out.

    Args:
        reply: What the encoder wrote.
        asked: The prompt.
        cut_off: Whether the reply was cut at its maximal length: its last statement is then left out.

    Returns:
        At most ten values, in the order of the reply.
    """
    entries = list(_entries(reply))
    values: dict[str, Value] = {}
    prompt = _visible(asked).casefold()
    for entry in entries[:-1] if cut_off else entries:
        value = _value(entry)
        if value is not None and not _is_copied(value.statement, prompt):
            values.setdefault(value.statement.casefold(), value)
    return tuple(values.values())[:MOST]


def profile_id(rater_id: str) -> str:
    """The rater's id as the id of a profile: lower case, hyphens for whatever else, told apart by a hash if long."""
    slug = re.sub(r"[^a-z0-9]+", "-", rater_id.lower()).strip("-") or "rater"
    return slug if len(slug) <= 64 else f"{slug[:55].strip('-')}-{content_hash(rater_id)[:8]}"


def _started(
    model: LanguageModel, rater: SplitRater, questions: QuestionSet, seed: int, settings: EncoderSettings
) -> Encoding:
    key = encoding_key(model, rater, questions=questions, seed=seed, settings=settings)
    return Encoding(key=key, rater=rater.id, outcome=Outcome.UNPARSED)


def _after(
    case: Encoding,
    draw: Draw | ModelError,
    rater: SplitRater,
    *,
    questions: QuestionSet,
    settings: EncoderSettings,
) -> Encoding:
    """The encoding after one more reply."""
    if isinstance(draw, ModelError):
        return case.model_copy(
            update={
                "outcome": Outcome.ERROR,
                "outcomes": (*case.outcomes, Outcome.ERROR),
                "error": str(draw),
            }
        )
    cut_off = draw.finish == "length"
    values = read_statements(draw.text, asked=_prompt_text(rater), cut_off=cut_off)
    if len(values) >= settings.min_statements:
        outcome, profile = Outcome.OK, _profile(rater, values, questions=questions)
    else:
        outcome, profile = _failure(draw.text, cut_off=cut_off), None
    return case.model_copy(
        update={
            "outcome": outcome,
            "profile": profile,
            "outcomes": (*case.outcomes, outcome),
            "replies": (*case.replies, draw.text),
        }
    )


def _prompt_text(rater: SplitRater) -> str:
    return "\n".join(message.content for message in encoder_prompt(rater.fit).messages)


def _failure(reply: str, *, cut_off: bool) -> Outcome:
    if is_refusal(reply):
        return Outcome.REFUSED
    return Outcome.TRUNCATED if cut_off else Outcome.UNPARSED


def _draw(
    model: LanguageModel, prompts: Sequence[Chat], *, seed: int, settings: EncoderSettings
) -> list[Draw | ModelError]:
    """One reply a prompt; where drawing together fails, one by one, so that a bad prompt costs no other."""
    params = SamplingParams(temperature=settings.temperature, max_new_tokens=settings.max_new_tokens)
    try:
        return [draws[0] for draws in model.sample(prompts, n=1, seed=seed, params=params)]
    except ModelError as error:
        if len(prompts) == 1:
            return [error]
        return [_draw(model, [prompt], seed=seed, settings=settings)[0] for prompt in prompts]


def _attempt_seed(seed: int, attempt: int) -> int:
    """Attempts differ in their seed; the first keeps the caller's."""
    return seed if attempt == 0 else int(content_hash(["encode", seed, attempt])[:8], 16)


def _profile(rater: SplitRater, values: tuple[Value, ...], *, questions: QuestionSet) -> ValueProfile:
    return ValueProfile(
        id=profile_id(rater.id),
        title=_visible(f"Rater {rater.id}")[:80].strip(),
        summary=f"Values inferred from {len(rater.fit)} ratings of one person.",
        values=values,
        provenance=Provenance(
            kind="inferred",
            sources=_sources(rater, questions),
            licence="that of the ratings it is inferred from",
        ),
    )


def _sources(rater: SplitRater, questions: QuestionSet) -> tuple[str, ...]:
    """The data set, and how much of it was read."""
    named = _visible(f"{questions.id}: {questions.source}" if questions.source else questions.id)
    return (named[:_MAX_SOURCE].strip(), f"{len(rater.fit)} ratings of {_visible(rater.id)}"[:_MAX_SOURCE])


def _request(ratings: Sequence[Rating]) -> str:
    shown = "\n\n".join(_shown(rating, number) for number, rating in enumerate(ratings, start=1))
    return f"{_TASK.format(n=len(ratings))}\n\n{shown}\n\n{_REQUEST}"


def _shown(rating: Rating, number: int) -> str:
    question = rating.question
    options = f"\nOptions: {'; '.join(question.option_texts)}" if question.options_listed else ""
    return f"Question {number}:\n{question.text}{options}\nThe person's answer: {question.option_texts[rating.choice]}"


def _entries(reply: str) -> Iterator[str]:
    """The items of a reply's list."""
    lines = reply.replace("\r", "\n").split("\n")
    marked = [index for index, line in enumerate(lines) if _MARKER.match(line)]
    if len(marked) > 1:
        yield from (_item(lines, start) for start in marked)
    elif reply.count(";") > 1:
        yield from reply.rpartition(":\n")[2].split(";")
    else:
        yield from (line for line in lines if _FIRST_PERSON.match(line.strip()))


def _item(lines: Sequence[str], start: int) -> str:
    """A marked line with the lines it goes on in: up to the next mark or a blank line."""
    parts = [_MARKER.sub("", lines[start])]
    for line in lines[start + 1 :]:
        if not line.strip() or _MARKER.match(line):
            break
        parts.append(line)
    return " ".join(parts)


def _is_copied(statement: str, prompt: str) -> bool:
    """Whether a statement stands in the prompt, or shares most of its words with one of the example's."""
    own = _words(statement)
    return statement.casefold() in prompt or any(
        len(own & theirs) >= _COPIED_SHARE * len(own | theirs)
        for theirs in map(_words, _EXAMPLE_REPLY.splitlines())
    )


def _words(text: str) -> frozenset[str]:
    """The words of a statement without its hedge."""
    return frozenset(re.findall(r"[\w']+", text.rpartition("(")[0].casefold() or text.casefold()))


def _value(entry: str) -> Value | None:
    """One statement with its hedge; None where no profile can hold it."""
    text = _visible(re.sub(r"\*\*|__|`", "", entry)).strip("\"'“”„ ;")
    found = _BRACKET.match(text) or _OPENING_BRACKET.match(text)
    firmness: Mapping[str, object] = {"weight": _WEIGHT}
    if found and _HEDGE.search(found["hedge"]):
        text, firmness = found["statement"].strip("\"'“”„ ;"), {"hedge": found["hedge"].strip()[:_MAX_HEDGE]}
    text = _shortened(text)
    if len(text.split()) < 3:
        return None
    try:
        return Value.model_validate({"statement": text, **firmness})
    except ValidationError:  # the record refuses it: marks of a chat format
        return None


def _shortened(text: str) -> str:
    """A statement that is too long up to its last sentence that fits; "" where none does."""
    if len(text) <= _MAX_STATEMENT:
        return text
    ends = [match.end() for match in re.finditer(r"[.!?](?= )", text) if match.end() <= _MAX_STATEMENT]
    return text[: ends[-1]] if ends else ""


def _visible(text: str) -> str:
    """The text in one line, without control and invisible characters."""
    kept = (" " if character.isspace() else character for character in unicodedata.normalize("NFC", text))
    return " ".join("".join(c for c in kept if unicodedata.category(c)[0] != "C").split())
