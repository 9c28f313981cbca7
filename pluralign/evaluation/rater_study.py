"""A study of raters: people's ratings in, value profiles and what they are worth out; every step is resumable."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pluralign.errors import InterruptedRunError, StorageError
from pluralign.evaluation.rater_plan import (
    DEFAULT_STUDY,
    VERSION,
    PreparedStudy,
    RaterSettings,
    prepare_study,
)
from pluralign.evaluation.rater_results import FoldResult, StudyRun, scored
from pluralign.evaluation.results import write_scores
from pluralign.files import write_whole, writing
from pluralign.models.protocol import LanguageModel
from pluralign.profiles import ValueProfile
from pluralign.raters import (
    Calibration,
    Case,
    Clustering,
    Decoded,
    Encoding,
    Fold,
    Given,
    SplitRater,
    Trial,
    answer_table,
    assign,
    calibrations_of,
    cases_of,
    cells_of,
    cluster,
    encode_raters,
    encoding_key,
    fit_losses,
    interpretability,
    profile_cells,
    read_decoded,
    trial_questions,
    trials_of,
)
from pluralign.records import Answer, Condition, Estimate, Outcome, Question, read_jsonl
from pluralign.runs import (
    Progress,
    RunStore,
    Status,
    execute,
    make_plan,
    read_json,
    run_facts,
    write_json_atomically,
)

RUN_SCHEMA = 1
ENCODINGS = "encodings.jsonl"
# Raters encoded in one call: enough for the encoder to batch, few enough that a kill loses a minute.
RATERS_PER_CALL = 8

# A stage's name -> where its progress goes.
Stages = Callable[[str], Progress]
Cell = tuple[Question, Condition]
FloatArray = NDArray[np.float64]
Table = dict[tuple[str, Condition], Answer]


def study_raters(
    source: str,
    *,
    model: str | LanguageModel,
    encoder: str | LanguageModel | None = None,
    judge: str | LanguageModel | None = None,
    settings: RaterSettings = DEFAULT_STUDY,
    out: Path | None = None,
    stages: Stages | None = None,
) -> StudyRun:
    """Run a study of raters, or go on with one that was stopped; see `prepare_study` and `run_study`."""
    prepared = prepare_study(source, model=model, encoder=encoder, judge=judge, settings=settings)
    return run_study(prepared, out=out, stages=stages)


def run_study(prepared: PreparedStudy, *, out: Path | None = None, stages: Stages | None = None) -> StudyRun:
    """Encode, decode, calibrate, cluster and score.

    Args:
        prepared: The study.
        out: Its folder; default: one under `runs/` named after data, model and configuration.
        stages: Called with each stage's name; gives what is called with (finished, planned).

    Raises:
        StorageError: The folder holds another study, or cannot be written.
        InterruptedRunError: Ctrl-C; what was finished is on disk, and the same call goes on.
    """
    desk = _Desk(prepared, out or Path("runs") / prepared.name, stages=stages)
    desk.open()
    encodings = desk.encode()
    drafts = [_Draft(fold, encodings[fold.seed], prepared) for fold in prepared.folds]
    desk.decode("decoding", [cell for draft in drafts for cell in draft.first_cells()])
    clustered = [draft.cluster(desk.table) for draft in drafts]
    desk.decode("assigning", [cell for draft in clustered for cell in draft.assigning_cells()])
    assigned = [draft.assign(desk.table) for draft in clustered]
    desk.decode("clusters", [cell for draft in assigned for cell in cells_of(draft.cases(draft.fold.raters))])
    study = scored(
        [draft.result(desk.table) for draft in assigned],
        prepared=prepared,
        folder=desk.folder,
        judged=desk.judge(assigned),
    )
    write_scores(desk.folder, scores=study.scores, report=study.report)
    desk.finish(study)
    return study


def encode_study(
    prepared: PreparedStudy, *, out: Path, stages: Stages | None = None
) -> dict[int, dict[str, Encoding]]:
    """The first step of a study alone: seed of the division -> rater -> encoding; `run_study` goes on from it."""
    desk = _Desk(prepared, out, stages=stages)
    desk.open()
    return desk.encode()


@dataclass(frozen=True)
class _Draft:
    """A fold on the way.

    Attributes:
        fold: The division.
        encodings: Rater -> encoding.
        prepared: The study.
        clustering: Train raters around candidates, once these are decoded; None without clustering.
        test_assigned: For each test rater the index of his cluster, once he is assigned.
    """

    fold: Fold
    encodings: Mapping[str, Encoding]
    prepared: PreparedStudy
    clustering: Clustering | None = None
    test_assigned: tuple[int, ...] = ()

    @property
    def candidates(self) -> tuple[ValueProfile, ...]:
        """Profiles of train raters among which clusters are chosen: the raters stand in random order."""
        profiles = [profile for rater in self.fold.train if (profile := self.encodings[rater.id].profile)]
        return tuple(profiles[: self.prepared.settings.n_candidates])

    @property
    def chosen(self) -> tuple[ValueProfile, ...]:
        """The profiles of the clusters."""
        candidates = self.candidates
        return tuple(candidates[index] for index in self.clustering.chosen) if self.clustering else ()

    @property
    def cluster_of(self) -> dict[str, ValueProfile]:
        """Rater -> the profile of his cluster; empty before test raters are assigned."""
        if not self.clustering or not self.test_assigned:
            return {}
        assigned = (*self.clustering.assigned, *self.test_assigned)
        chosen = self.chosen
        return {rater.id: chosen[index] for rater, index in zip(self.fold.raters, assigned, strict=True)}

    @property
    def can_cluster(self) -> bool:
        """Whether clusters are wanted and there are more candidates than clusters."""
        return 0 < self.prepared.settings.n_clusters < len(self.candidates)

    def cases(self, raters: Sequence[SplitRater]) -> list[Case]:
        """The held-out ratings of some raters, and under what they are predicted as far as is known."""
        cluster_of = self.cluster_of
        cases: list[Case] = []
        for rater in raters:
            encoding = self.encodings[rater.id]
            cases += cases_of(
                rater,
                profile=encoding.profile,
                anothers=self._anothers(rater),
                cluster=cluster_of.get(rater.id),
                n_examples=self.prepared.settings.n_examples,
                no_profile=f"no profile: {encoding.outcome.value}",
            )
        return cases

    def _anothers(self, rater: SplitRater) -> ValueProfile | None:
        """The profile of the rater before this one in a circle of his half: nobody's own, and each is used once."""
        in_train = rater.id in {each.id for each in self.fold.train}
        half = self.fold.train if in_train else self.fold.test
        known = [each.id for each in half if self.encodings[each.id].profile]
        if rater.id not in known or len(known) < 2:
            return None
        return self.encodings[known[known.index(rater.id) - 1]].profile

    def first_cells(self) -> list[Cell]:
        """All held-out ratings, and train raters' fit ratings under every candidate."""
        cells = list(cells_of(self.cases(self.fold.raters)))
        if self.can_cluster or self.prepared.judge:
            cells += profile_cells(self.candidates, self.fold.train)
        return cells

    def cluster(self, table: Table) -> "_Draft":
        """The same with train raters clustered around the candidates, where these tell the decoder anything."""
        if not self.can_cluster or self._calibrations(table)[Given.PROFILE].is_blind:
            return self
        losses = self._fit_losses(self.candidates, self.fold.train, table=table)
        settings = self.prepared.settings
        found = cluster(losses, n_clusters=settings.n_clusters, seed=self.fold.seed)
        return replace(self, clustering=found)

    def assigning_cells(self) -> list[Cell]:
        """Test raters' fit ratings under the chosen profiles."""
        return list(profile_cells(self.chosen, self.fold.test))

    def assign(self, table: Table) -> "_Draft":
        """The same with test raters assigned to the chosen profiles."""
        if not self.clustering:
            return self
        losses = self._fit_losses(self.chosen, self.fold.test, table=table)
        return replace(self, test_assigned=assign(losses, range(len(self.chosen))))

    def result(self, table: Table) -> FoldResult:
        """What was found: predictions of test raters, calibrated on train raters."""
        calibrations = self._calibrations(table)
        test = self._decoded(self.fold.test, table=table)
        return FoldResult(
            fold=self.fold,
            encodings=self.encodings,
            test=test.calibrated({given: calibrations.get(given, Calibration()) for given in test.log_probs}),
            calibrations=calibrations,
            candidates=self.candidates,
            clustering=self.clustering,
            test_assigned=self.test_assigned,
        )

    def trials(self, table: Table) -> tuple[Trial, ...]:
        """Pairs of candidates with what is predicted under them of train raters' fit ratings, for the judge."""
        if len(self.candidates) < 2:
            return ()
        items = {rating.question.id: rating.question for rater in self.fold.train for rating in rater.fit}
        return trials_of(
            self.candidates,
            list(items.values()),
            answers=table,
            calibration=self._calibrations(table)[Given.PROFILE],
            n_trials=self.prepared.settings.n_trials,
            seed=self.fold.seed,
        )

    def _calibrations(self, table: Table) -> dict[Given, Calibration]:
        return calibrations_of(
            self._decoded(self.fold.train, table=table), method=self.prepared.settings.calibration
        )

    def _decoded(self, raters: Sequence[SplitRater], *, table: Table) -> Decoded:
        return read_decoded(self.cases(raters), table, n_options=self.prepared.n_options)

    def _fit_losses(
        self, profiles: Sequence[ValueProfile], raters: Sequence[SplitRater], *, table: Table
    ) -> FloatArray:
        return fit_losses(
            profiles, raters, answers=table, calibration=self._calibrations(table)[Given.PROFILE]
        )


class _Desk:
    """Where a study is worked off: asks models and leaves everything on disk at once.

    Attributes:
        folder: The study's folder.
        table: (question id, condition) -> what the decoder answered so far.
    """

    def __init__(self, prepared: PreparedStudy, folder: Path, *, stages: Stages | None) -> None:
        self.folder = folder
        self.table: Table = {}
        self._prepared = prepared
        self._stages = stages
        self._config = prepared.config.model_dump(mode="json")
        self._facts = run_facts() | {"questions_digest": prepared.questions.digest}

    def open(self) -> None:
        """Start the study, or go on with it.

        Raises:
            StorageError: The folder holds something else.
        """
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "config.json"
        attempts: list[Any] = []
        if path.exists():
            if read_json(path) != json.loads(json.dumps(self._config)):
                raise StorageError(
                    f"{self.folder} holds another study: its config.json differs. Choose another --out."
                )
            attempts = read_json(self._run_json).get("attempts", []) if self._run_json.exists() else []
        record = {"schema": RUN_SCHEMA, "attempts": [*attempts, self._facts], "status": Status.RUNNING.value}
        write_json_atomically(self._run_json, record)
        write_json_atomically(path, self._config)

    @property
    def _run_json(self) -> Path:
        return self.folder / "run.json"

    def encode(self) -> dict[int, dict[str, Encoding]]:
        """Seed of the division -> rater -> encoding; those that the folder holds are not drawn again."""
        path = self.folder / ENCODINGS
        rows = {row.key: row for row in read_jsonl(path, Encoding)} if path.exists() else {}
        keys = {
            (fold.seed, rater.id): self._encoding_key(rater, seed=fold.seed)
            for fold in self._prepared.folds
            for rater in fold.raters
        }
        finished = {key for key, row in rows.items() if row.outcome is not Outcome.ERROR}
        progress = self._progress("profiles")
        n_done = sum(key in finished for key in keys.values())
        for fold in self._prepared.folds:
            owed = [rater for rater in fold.raters if keys[fold.seed, rater.id] not in finished]
            for start in range(0, len(owed), RATERS_PER_CALL):
                some = owed[start : start + RATERS_PER_CALL]
                rows |= {row.key: row for row in self._encoded(some, seed=fold.seed)}
                # The whole file at once: a reader, or a kill, never meets half a line.
                lines = "".join(f"{row.model_dump_json()}\n" for row in rows.values())
                write_whole(path, lines.encode())
                n_done += len(some)
                progress(n_done, len(keys))
        return {
            fold.seed: {rater.id: rows[keys[fold.seed, rater.id]] for rater in fold.raters}
            for fold in self._prepared.folds
        }

    def _encoding_key(self, rater: SplitRater, *, seed: int) -> str:
        prepared = self._prepared
        return encoding_key(
            prepared.encoder,
            rater,
            questions=prepared.questions,
            seed=seed,
            settings=prepared.settings.encoder,
        )

    def _encoded(self, raters: Sequence[SplitRater], *, seed: int) -> list[Encoding]:
        prepared = self._prepared
        with self._resumable():
            return encode_raters(
                prepared.encoder,
                raters,
                questions=prepared.questions,
                seed=seed,
                settings=prepared.settings.encoder,
            )

    def decode(self, stage: str, cells: Sequence[Cell]) -> None:
        """Ask the decoder what it has not been asked before, the questions under one condition together."""
        wanted: dict[Condition, dict[str, Question]] = {}
        for question, condition in cells:
            if (question.id, condition) not in self.table:
                wanted.setdefault(condition, {})[question.id] = question
        flat = [(question, condition) for condition, own in wanted.items() for question in own.values()]
        self.table |= answer_table(self._ask(stage, flat, model=self._prepared.model))

    def judge(self, drafts: Sequence[_Draft]) -> tuple[Estimate, ...]:
        """Interpretability of the candidates' profiles, where a judge is named."""
        judge = self._prepared.judge
        if judge is None:
            return ()
        trials = {trial.id: trial for draft in drafts for trial in draft.trials(self.table)}.values()
        cells = [(question, Condition()) for trial in trials for question in trial_questions(trial)]
        answers = {answer.question_id: answer for answer in self._ask("judging", cells, model=judge)}
        return (interpretability(list(trials), answers, judge=judge.id, seed=self._prepared.settings.seed),)

    def finish(self, study: StudyRun) -> None:
        """Write results.json, whose existence means that all is done."""
        write_json_atomically(self.folder / "results.json", study.results)
        self._mark(Status.COMPLETE)

    def _ask(self, stage: str, cells: Sequence[Cell], *, model: LanguageModel) -> list[Answer]:
        if not cells:
            return []
        prepared = self._prepared
        elicitation = prepared.elicitation(model)
        evaluation = f"raters/{prepared.questions.id}@{VERSION}"
        plan = make_plan(
            cells, model=model, elicitation=elicitation, evaluation=evaluation, seed=prepared.settings.seed
        )
        store = RunStore.open(self.folder / stage, plan=plan, facts=self._facts, config=self._config)
        progress = self._progress(stage)
        with self._resumable():
            answers = execute(plan, model=model, elicitation=elicitation, store=store, progress=progress)
        store.mark(Status.COMPLETE)
        return answers

    def _progress(self, stage: str) -> Progress:
        return self._stages(stage) if self._stages else _silent

    @contextmanager
    def _resumable(self) -> Iterator[None]:
        """Ctrl-C leaves a study that can be gone on with."""
        try:
            yield
        except (KeyboardInterrupt, InterruptedRunError):
            self._mark(Status.INTERRUPTED)
            raise InterruptedRunError(
                f"Interrupted. What was finished is in {self.folder}; run the same command again to go on."
            ) from None

    def _mark(self, status: Status) -> None:
        write_json_atomically(self._run_json, {**read_json(self._run_json), "status": status.value})


def _silent(finished: int, planned: int) -> None:
    """Progress that nobody looks at."""
