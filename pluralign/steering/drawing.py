"""Draws for speakers: which profile each draw is for, asked together, and passed or withheld by the guard."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from pluralign.guard.combining import Decision
from pluralign.guard.guard import Guard
from pluralign.guard.verdict import Ruling
from pluralign.models.protocol import Draw, LanguageModel, Message, SamplingParams
from pluralign.overton import outcome_of
from pluralign.records import Outcome, content_hash
from pluralign.steering.results import Steered
from pluralign.steering.speakers import Speaker
from pluralign.steering.ways import Voice, Way

Checking = Literal["watched", "all"]


@dataclass(frozen=True, eq=False)
class Job:
    """One prompt for one speaker.

    Attributes:
        messages: What is asked.
        speaker: For whom.
        voices: One for each of its profiles.
        prompt: Number of the prompt.
        number: Number of the speaker.
    """

    messages: tuple[Message, ...]
    speaker: Speaker
    voices: tuple[Voice, ...]
    prompt: int = 0
    number: int = 0

    @property
    def asked(self) -> str:
        """Hash of what is asked."""
        return content_hash([asdict(message) for message in self.messages])


@dataclass(frozen=True)
class Unit:
    """One draw of a job.

    Attributes:
        key: sha256 of everything that can change it.
        job: What is asked, and for whom.
        draw: Number of the draw.
        member: Number of the profile that speaks.
        place: How many earlier draws of the job are for the same profile.
    """

    key: str
    job: Job = field(repr=False)
    draw: int
    member: int
    place: int


def units_of(job: Job, *, n: int, seed: int, identity: Mapping[str, Any]) -> list[Unit]:
    """The draws of a job. Draw j is the same whatever n is."""
    asked, digest = job.asked, job.speaker.digest
    common = content_hash([identity, asked, digest, job.prompt, job.number])
    so_far = [0] * len(job.voices)
    units = []
    for draw in range(n):
        member = job.speaker.pick(seed=seed, asked=asked, draw=draw)
        key = content_hash([common, draw])
        units.append(Unit(key=key, job=job, draw=draw, member=member, place=so_far[member]))
        so_far[member] += 1
    return units


def draw_all(model: LanguageModel, units: Sequence[Unit], *, seed: int, params: SamplingParams) -> list[Draw]:
    """Draw for units together: one call for each profile, so that it is read once for its prompts.

    Returns:
        One draw a unit, in order; the same whatever it is asked together with.
    """
    wanted: dict[tuple[Job, int], int] = {}
    for unit in units:
        place = (unit.job, unit.member)
        wanted[place] = max(wanted.get(place, 0), unit.place + 1)
    calls: dict[tuple[Voice, int], list[Job]] = {}
    for (job, member), n in wanted.items():
        calls.setdefault((job.voices[member], n), []).append(job)
    drawn: dict[tuple[Job, Voice], list[Draw]] = {}
    for (voice, n), jobs in calls.items():
        found = model.sample([voice.prompt(job.messages) for job in jobs], n=n, seed=seed, params=params)
        drawn |= {(job, voice): draws for job, draws in zip(jobs, found, strict=True)}
    return [drawn[unit.job, unit.job.voices[unit.member]][unit.place] for unit in units]


def checks(speaker: Speaker, checking: Checking) -> bool:
    """Whether what is said for a speaker must pass the guard."""
    return checking == "all" or speaker.approved.watched


def steered(unit: Unit, draw: Draw, *, model_id: str, seed: int, guard: Guard, checking: Checking) -> Steered:
    """A draw as a result, its text withheld unless the guard serves it."""
    text = said(draw.text, way=unit.job.voices[unit.member].way)
    decision = None
    if text.strip() and checks(unit.job.speaker, checking):
        decision = guard.check_output(text, unit.job.speaker.approved)
    return result(unit, draw, text=text, decision=decision, model_id=model_id, seed=seed)


def said(text: str, *, way: Way) -> str:
    """An answer without the blanks that plain text has around it."""
    return text.strip() if way is Way.PERSONA else text


def result(
    unit: Unit, draw: Draw, *, text: str, decision: Decision | None, model_id: str, seed: int, shown: str = ""
) -> Steered:
    """A draw as a result.

    Args:
        unit: What was asked.
        draw: What was drawn.
        text: What was said.
        decision: What the guard ruled of it.
        model_id: Who was asked.
        seed: Seed of the draws.
        shown: What was let through before the guard withheld the rest.
    """
    withheld = decision is not None and decision.ruling is not Ruling.SERVE
    return Steered(
        **_origin(unit, model_id=model_id, seed=seed),
        outcome=Outcome.REFUSED if withheld else outcome_of(draw),
        text=shown if withheld else text,
        withheld=withheld,
        output=decision,
        finish=draw.finish,
        n_tokens=draw.n_tokens,
    )


def failed(unit: Unit, *, error: str, model_id: str, seed: int) -> Steered:
    """A unit that the model failed at."""
    return Steered(**_origin(unit, model_id=model_id, seed=seed), outcome=Outcome.ERROR, error=error)


def _origin(unit: Unit, *, model_id: str, seed: int) -> dict[str, Any]:
    """Whose draw it is, and of what."""
    voice, speaker = unit.job.voices[unit.member], unit.job.speaker
    return {
        "key": unit.key,
        "prompt": unit.job.prompt,
        "speaker": unit.job.number,
        "draw": unit.draw,
        "seed": seed,
        "model_id": model_id,
        "way": voice.way.value,
        "profile_id": voice.profile.id,
        "profile_version": voice.profile.schema_version,
        "profile_hash": speaker.hashes[unit.member],
        "share": min(1.0, speaker.shares[unit.member]),
        "admission": speaker.admission,
    }
