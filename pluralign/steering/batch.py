"""Many prompts for many profiles: planned, asked profile by profile, and resumed where they were stopped."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pluralign.records import Outcome
from pluralign.runs import Plan, Progress, Status, run_facts, work_off
from pluralign.runs.rows import RowFile
from pluralign.runs.store import RunFolder
from pluralign.steering.drawing import Job, Unit, units_of
from pluralign.steering.results import Steered

ROWS = "steered.jsonl"
# Draws asked together: enough for a model to batch, few enough that a kill loses little.
UNITS_PER_CALL = 64
# Part of every key: raise it when the meaning of a row changes.
_SCHEMA = 1


@dataclass(frozen=True)
class Batch:
    """How units are asked.

    Attributes:
        ask: Asks some units together; one result a unit, in order.
        seed: Seed of the draws.
        n: Draws for each prompt and profile.
    """

    ask: Callable[[Sequence[Unit]], Sequence[Steered]]
    seed: int
    n: int

    @property
    def units_per_call(self) -> int:
        """All draws of a prompt are asked together, as the later ones follow from the same call as the first."""
        return self.n * max(1, UNITS_PER_CALL // self.n)


def work_off_batch(
    batch: Batch,
    jobs: Sequence[Job],
    *,
    identity: Mapping[str, Any],
    out: Path,
    progress: Progress | None = None,
) -> list[Steered]:
    """Ask what the folder does not hold yet.

    Args:
        batch: How.
        jobs: What is asked, and for whom; those of one speaker together.
        identity: Everything beside prompts, profiles and draws that can change a result.
        out: The run's folder.
        progress: Called after each step with (finished, planned).

    Returns:
        The results, by prompt, speaker and draw.

    Raises:
        StorageError: The folder holds another run, or cannot be written.
        InterruptedRunError: Ctrl-C; what was answered is on disk.
    """
    known = {"schema": _SCHEMA, **identity, "n": batch.n, "speakers": _speakers(jobs)}
    units = [unit for job in jobs for unit in units_of(job, n=batch.n, seed=batch.seed, identity=identity)]
    plan = Plan(identity=known, units=tuple(units))
    run = RunFolder.open(out, plan=plan, facts=run_facts(), config=known)
    # The rows of a run are of the kinds that `runs` names; it treats every keyed record with an outcome alike.
    rows: RowFile[Any] = RowFile(out / ROWS, kind=Steered)
    found: list[Steered] = work_off(
        plan, ask=batch.ask, units_per_call=batch.units_per_call, run=run, rows=rows, progress=progress
    )
    counts = _counts(found)
    run.finish(counts, status=Status.INCOMPLETE if counts["outcomes"].get(Outcome.ERROR) else Status.COMPLETE)
    return sorted(found, key=lambda each: (each.prompt, each.speaker, each.draw))


def _speakers(jobs: Sequence[Job]) -> list[list[dict[str, Any]]]:
    """Profiles of each speaker with their hashes and shares."""
    speakers = {job.number: job.speaker for job in jobs}
    return [
        [
            {"profile": profile.id, "hash": digest, "share": share}
            for profile, digest, share in zip(
                speaker.approved.profiles, speaker.hashes, speaker.shares, strict=True
            )
        ]
        for speaker in speakers.values()
    ]


def _counts(found: Sequence[Steered]) -> dict[str, Any]:
    """How many draws ended how, and who spoke in them."""
    return {
        "n_draws": len(found),
        "outcomes": dict(Counter(each.outcome.value for each in found)),
        "n_withheld": sum(each.withheld for each in found),
        "profiles": dict(Counter(each.profile_id for each in found)),
        "n_tokens": sum(each.n_tokens for each in found),
    }
