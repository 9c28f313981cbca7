"""Results of judged responses as they are written and shown, of a run and of recorded responses alike."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pluralign.evals.overton.coverage import Coverage, Mask, unscored_reason
from pluralign.evals.overton.judged import Array, JudgedResponse
from pluralign.evaluation.overton.scoring import JudgedSet
from pluralign.evaluation.results import score_results, write_scores
from pluralign.evaluation.spec import OvertonSpec
from pluralign.records import Comparison, Outcome
from pluralign.reports import Report, Series
from pluralign.reports.overton import MarkedResponse, MarkedSentence, MarkedWindow, OvertonSection
from pluralign.runs import flat_facts, run_facts, write_json_atomically


def judged_results(judged: JudgedSet, *, spec: OvertonSpec) -> dict[str, Any]:
    """What results.json holds.

    Args:
        judged: The responses and their scores.
        spec: Whose windows they answer.
    """
    outcomes = Counter(response.outcome for response in judged.responses)
    windows = judged.windows
    return {
        "evaluation": spec.id,
        "version": spec.version,
        "judge": judged.judge.facts,
        "windows": {
            "id": windows.id,
            "n": len(windows.windows),
            "digest": windows.digest,
            "source": windows.source,
            "made": windows.made,
        },
        "responses": {outcome.value: outcomes[outcome] for outcome in Outcome if outcomes[outcome]},
        **score_results(judged.scores, model=judged.model_id, findings=()),
    }


def judged_report(judged: JudgedSet, *, spec: OvertonSpec, label: str, reproduce: str) -> Report:
    """The page.

    Args:
        judged: The responses and their scores.
        spec: Whose windows they answer.
        label: What the model and its way of answering are called.
        reproduce: The command that makes the page again.
    """
    return Report(
        title=f"{label}: {spec.title}",
        summary=(spec.description.strip(),) if spec.description else (),
        sections=(judged_section({label: judged}, title=spec.title, readings=judged.scores.readings),),
        run_facts=flat_facts(run_facts() | {"judge": judged.judge.id}),
        reproduce=reproduce,
    )


def judged_section(
    sets: Mapping[str, JudgedSet],
    *,
    title: str,
    readings: Sequence[str],
    comparisons: Sequence[Comparison] = (),
) -> OvertonSection:
    """A page's section on responses to one set of windows.

    Args:
        sets: Label -> judged responses, all to the same windows.
        title: Heading.
        readings: What the numbers say.
        comparisons: Paired differences between the labels.
    """
    windows = next(iter(sets.values())).windows
    marked: dict[str, list[MarkedResponse]] = {window.id: [] for window in windows.windows}
    for label, judged in sets.items():
        for each in judged.judged:
            marked[each.window.id].append(_marked(each, label=label, threshold=judged.judge.threshold))
    return OvertonSection(
        title=title,
        windows=windows,
        series=tuple(
            Series(label=label, estimates=judged.scores.estimates) for label, judged in sets.items()
        ),
        responses=tuple(MarkedWindow(window, tuple(marked[window.id])) for window in windows.windows),
        comparisons=tuple(comparisons),
        readings=tuple(readings),
    )


def _marked(judged: JudgedResponse, *, label: str, threshold: float) -> MarkedResponse:
    """A response with the views that each sentence states or denies, the clearest first."""
    if reason := unscored_reason(judged):
        plain = tuple(MarkedSentence(sentence) for sentence in judged.sentences)
        return MarkedResponse(label, judged.response, plain, unscored=reason)
    coverage = Coverage(judged, threshold=threshold)
    sentences = tuple(
        MarkedSentence(
            sentence,
            states=_places(coverage.states[:, column], judged.entailment[:, column]),
            denies=_places(coverage.denies[:, column], judged.contradiction[:, column]),
        )
        for column, sentence in enumerate(judged.sentences)
    )
    covered = tuple(int(place) for place in coverage.covered.nonzero()[0])
    return MarkedResponse(label, judged.response, sentences, covered=covered)


def _places(found: Mask, clarity: Array) -> tuple[int, ...]:
    """Places of the views that were found, the clearest first."""
    return tuple(sorted((int(place) for place in found.nonzero()[0]), key=lambda place: -clarity[place]))


def write_judged(judged: JudgedSet, folder: Path, *, spec: OvertonSpec, label: str, reproduce: str) -> None:
    """Write cells.jsonl, report.html and, last, results.json of responses that were scored again.

    Raises:
        StorageError: The folder cannot be written.
    """
    report = judged_report(judged, spec=spec, label=label, reproduce=reproduce)
    write_scores(folder, scores=judged.scores, report=report)
    write_json_atomically(folder / "results.json", judged_results(judged, spec=spec))
