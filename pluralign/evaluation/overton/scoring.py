"""From responses to scores: a judge says which views each states, and its own record stands beside every figure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from pluralign.evals.overton.judged import JudgedResponse
from pluralign.evals.overton.judging import judge_elsewhere, judge_published, judge_responses
from pluralign.evals.overton.presets import find_preset
from pluralign.evals.overton.scoring import score_overton
from pluralign.evals.scores import Scores
from pluralign.judges.entailment import Entailment
from pluralign.judges.kept import KeptEntailment
from pluralign.judges.validation import JudgeValidation, load_validation, warning
from pluralign.records import CellScore, Response, WindowSet
from pluralign.runs import Progress

# Responses judged in one call: enough pairs for the judge to batch by length, few enough to show how far it is.
RESPONSES_PER_CALL = 8

T = TypeVar("T", bound=JudgedResponse)


@dataclass(frozen=True)
class JudgeRecord:
    """Who judged, and how far that can be believed.

    Attributes:
        name: What the caller called it.
        id: Its id with its revision.
        threshold: Entailment probability from which a view counts as stated.
        fingerprint: Hashes and settings of everything that can change a verdict.
        validation: Its figures on people's ratings; None where it was not measured.
    """

    name: str
    id: str
    threshold: float
    fingerprint: dict[str, str]
    validation: JudgeValidation | None

    @property
    def readings(self) -> tuple[str, ...]:
        """Who judged, its figures on people's own ratings, and what is to be said against it."""
        named = f"Judged by {self.name} ({self.id})." if self.name != self.id else f"Judged by {self.id}."
        samples = self.validation.samples if self.validation else ()
        figures = (f"The judge on people's own ratings, {sample.summary}." for sample in samples)
        return tuple(filter(None, (named, *figures, warning(self.validation))))

    @property
    def facts(self) -> dict[str, Any]:
        """What results.json holds of it."""
        validation = self.validation.model_dump(mode="json") if self.validation else None
        return {
            "name": self.name,
            "id": self.id,
            "threshold": self.threshold,
            "fingerprint": self.fingerprint,
            "warning": warning(self.validation),
            "validation": validation,
        }


@dataclass(frozen=True)
class JudgedSet:
    """Responses with what the judge said of them, and their scores.

    Attributes:
        windows: What was asked, and the views that a whole answer presents.
        judged: One a response, in order.
        scores: Over all responses; the readings end with the judge's record.
        judge: Who judged.
        seed: Seed of the intervals.
    """

    windows: WindowSet
    judged: tuple[JudgedResponse, ...]
    scores: Scores
    judge: JudgeRecord
    seed: int = 0

    @property
    def responses(self) -> tuple[Response, ...]:
        """What was judged."""
        return tuple(each.response for each in self.judged)

    @property
    def model_id(self) -> str:
        """Who wrote them: model and adapter with their revisions."""
        return self.judged[0].response.model_id


def judge_and_score(
    windows: WindowSet,
    responses: Sequence[Response],
    *,
    judge: Entailment,
    name: str,
    verdicts: Path,
    preset: str | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> JudgedSet:
    """Judge responses and score them.

    Args:
        windows: What was asked.
        responses: At least one; of one model, condition and way.
        judge: Who says which views are stated.
        name: What the caller called it.
        verdicts: File of verdicts: those in it are not asked for again, new ones are added.
        preset: A published definition that is put first.
        seed: Seed of the intervals, and of which other window a response is held against as a baseline.
        progress: Called with (judged, all) responses.

    Raises:
        ConfigurationError: An unknown preset.
        DataError: A response to an unknown window, or a window and draw twice.
        ModelError: The judge failed.
        StorageError: Verdicts cannot be written.
    """
    kept = KeptEntailment(judge, path=verdicts)
    judged: list[JudgedResponse] = []
    elsewhere: list[JudgedResponse] = []
    for some in _chunks(responses):
        judged += judge_responses(windows.windows, some, judge=kept)
        if len(windows.windows) > 1:
            elsewhere += judge_elsewhere(windows.windows, some, judge=kept, seed=seed)
        if progress:
            progress(len(judged), len(responses))
    published = preset if preset and find_preset(preset).reversed else None
    ours = None if published else preset
    scores = score_overton(judged, threshold=judge.threshold, seed=seed, preset=ours, elsewhere=elsewhere)
    if published:
        reverse = [
            each for some in _chunks(responses) for each in judge_published(windows.windows, some, judge=kept)
        ]
        first = score_overton(reverse, threshold=judge.threshold, seed=seed, preset=published)
        scores = _put_first(first, scores)
    record = _record(judge, name=name)
    readings = (*_judges_itself(record, responses[0].model_id), *scores.readings, *record.readings)
    return JudgedSet(windows, tuple(judged), replace(scores, readings=readings), record, seed)


def _record(judge: Entailment, *, name: str) -> JudgeRecord:
    fingerprint = dict(judge.fingerprint())
    validation = load_validation(judge.id, fingerprint=fingerprint)
    return JudgeRecord(name, judge.id, judge.threshold, fingerprint, validation)


def _judges_itself(judge: JudgeRecord, model_id: str) -> tuple[str, ...]:
    """What is to be said where the judge is the model under test."""
    if judge.fingerprint.get("model") != model_id:
        return ()
    return (
        f"The judge is the model under test, {model_id}: it reads its own answers. Name another with --judge.",
    )


def _put_first(preset: Scores, ours: Scores) -> Scores:
    """The figures of a preset that has verdicts of its own, then ours, of the same responses."""
    return replace(
        ours,
        primary=preset.primary,
        estimates=(*preset.estimates, *ours.estimates),
        cells=tuple(_merged(theirs, own) for theirs, own in zip(preset.cells, ours.cells, strict=True)),
        readings=(*preset.readings, *ours.readings),
    )


def _merged(preset: CellScore, ours: CellScore) -> CellScore:
    return ours.model_copy(update={"values": {**preset.values, **ours.values}})


def _chunks(responses: Sequence[Response]) -> Iterator[Sequence[Response]]:
    return (
        responses[start : start + RESPONSES_PER_CALL]
        for start in range(0, len(responses), RESPONSES_PER_CALL)
    )
