"""The main job: measure a model against people and known processes, spectrum-tune it, measure it again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from pluralign.data.anes96 import BACKGROUND
from pluralign.errors import InterruptedRunError, require
from pluralign.evals import PRIMARY, VALID_MASS, compare_distributional
from pluralign.evaluation import EvalRun, Settings, evaluate
from pluralign.files import writing
from pluralign.models import TransformersModel
from pluralign.models.loading import load_weights
from pluralign.models.protocol import LanguageModel
from pluralign.records import Comparison, Estimate, write_jsonl
from pluralign.reports import Report, Section, Series, save_figure, verdict, write_page
from pluralign.runs import Progress, Status, flat_facts, run_facts, write_json_atomically
from pluralign.spectrum import (
    SpectrumFormat,
    SpectrumSequence,
    SurveySource,
    TrainingRecipe,
    build_sequences,
)
from pluralign.study import train_once

RESULTS_SCHEMA = 1

# What is measured. Training uses other families of processes and other survey questions: see `default_recipe`.
EVALUATIONS = ("distributional/known-processes", "distributional/anes96")
# States of the model. Before tuning it is asked in its own chat format, and also in the format of tuning: so
# the table tells what the format does and what training does.
CHAT, SPECTRUM, TUNED = "before", "before, spectrum format", "after"

# Called with what is about to happen; returns the progress callback of that stage.
Stages = Callable[[str], Progress]


@dataclass(frozen=True)
class Measured:
    """One evaluation under every state of the model.

    Attributes:
        runs: label -> run, in order of measurement.
        comparisons: After minus each earlier state, paired by cell.
    """

    runs: Mapping[str, EvalRun]
    comparisons: tuple[Comparison, ...]

    @property
    def series(self) -> tuple[Series, ...]:
        """The runs as a report shows them."""
        return tuple(
            Series(label=label, answers=run.answers, estimates=run.scores.estimates)
            for label, run in self.runs.items()
        )

    def comparison(self, name: str, *, second: str) -> Comparison:
        """After minus an earlier state in one metric, over all cells."""
        return next(c for c in self.comparisons if (c.name, c.slice, c.second) == (name, "all", second))


@dataclass(frozen=True)
class QuickstartResult:
    """What the main job leaves.

    Attributes:
        folder: Where everything lies.
        measured: Id of an evaluation -> its runs and comparisons.
        adapter: The tuned adapter or model.
        page: The HTML page.
        summary: What was found, one sentence each.
    """

    folder: Path
    measured: Mapping[str, Measured]
    adapter: Path
    page: Path
    summary: tuple[str, ...]

    @property
    def headline(self) -> tuple[Series, ...]:
        """Divergence and valid mass before and after on all evaluations, for one table; the page has all states."""
        return tuple(
            Series(
                label=label,
                estimates=tuple(
                    estimate.model_copy(update={"slice": _slice_of(estimate, evaluation)})
                    for name in (PRIMARY, VALID_MASS)
                    for evaluation, measured in self.measured.items()
                    for estimate in measured.runs[label].scores.estimates
                    if estimate.name == name
                ),
            )
            for label in (CHAT, TUNED)
        )

    @property
    def complete(self) -> bool:
        """Whether no run lost more cells than its evaluation allows."""
        return all(run.complete for measured in self.measured.values() for run in measured.runs.values())


# Three orders, evenly spaced, to save time: all seven of a seven-point scale take more than twice as long.
DEFAULT_MAX_ORDERS = 3

# Families of processes to train on: none of them is a coin, a die, a random integer or an urn.
TRAINING_TASKS = {
    "categorical": 700,
    "coloured": 600,
    "numbered": 450,
    "events": 250,
    "tickets": 100,
    "letters": 30,
    "lists": 30,
    "hypergeometric": 20,
    "binomial": 20,
}


def default_recipe(*, seed: int = 0) -> TrainingRecipe:
    """The recipe of the main job: LoRA, minutes on two CPU cores, on nothing that is measured."""
    return TrainingRecipe(
        tasks=TRAINING_TASKS,
        surveys={"anes96": SurveySource(arguments={"questions": list(BACKGROUND)}, n_rows=70)},
        learning_rate=1e-3,
        n_steps=140,
        batch_size=16,
        device_batch_size=16,
        packing=256,
        max_length=288,
        mean_examples=4,
        seed=seed,
    )


def quickstart(
    *,
    stages: Stages,
    model: str = "embedded",
    out: Path = Path("runs/quickstart"),
    recipe: TrainingRecipe | None = None,
    max_orders: int | None = DEFAULT_MAX_ORDERS,
    seed: int = 0,
) -> QuickstartResult:
    """Measure, spectrum-tune, measure again, and write the page. The same call goes on where it was stopped.

    Args:
        stages: Called with the name of each stage; returns its progress callback.
        model: "embedded", a hub id or a path.
        out: Folder for everything; made if need be.
        recipe: How to train; `default_recipe` where None. Its model is replaced by `model`.
        max_orders: At most this many orders of the options a question, to save time; None: all cyclic ones.
        seed: Seed of training rows, their order and all resampling.

    Raises:
        PluralignError: One of its kinds; what was finished stays on disk.
    """
    recipe = (recipe or default_recipe(seed=seed)).model_copy(update={"model": model})
    # What only training needs is asked for now, not after minutes of measuring.
    for module, extra in (("torch", "hf"), ("trl", "train"), ("peft", "train")):
        require(module, extra=extra)
    sequences = build_sequences(recipe)
    settings = Settings(max_orders=max_orders, seed=seed)
    run_json = out / "run.json"
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
    facts = run_facts() | {"model": model, "seed": seed, "max_orders": max_orders}
    record = {"schema": RESULTS_SCHEMA, "facts": facts, "recipe": recipe.model_dump(mode="json")}
    write_json_atomically(run_json, record | {"status": Status.RUNNING.value})
    try:
        measured, adapter = _measure_tune_measure(
            recipe, sequences=sequences, out=out, settings=settings, stages=stages
        )
    except InterruptedRunError:
        write_json_atomically(run_json, record | {"status": Status.INTERRUPTED.value})
        raise
    summary = tuple(sentence for part in measured.values() for sentence in _sentences(part))
    result = QuickstartResult(
        folder=out, measured=measured, adapter=adapter, page=out / "report.html", summary=summary
    )
    _write(result, facts=facts)
    status = Status.COMPLETE if result.complete else Status.INCOMPLETE
    write_json_atomically(run_json, record | {"status": status.value})
    return result


def _measure_tune_measure(
    recipe: TrainingRecipe,
    *,
    sequences: Sequence[SpectrumSequence],
    out: Path,
    settings: Settings,
    stages: Stages,
) -> tuple[dict[str, Measured], Path]:
    """The three states of the model on every evaluation, and the adapter."""
    runs: dict[str, dict[str, EvalRun]] = {evaluation: {} for evaluation in EVALUATIONS}

    def measure(label: str, model: LanguageModel) -> None:
        for evaluation in EVALUATIONS:
            runs[evaluation][label] = evaluate(
                evaluation,
                model=model,
                settings=settings,
                out=out / "measured" / label.replace(", ", "-").replace(" ", "-") / _short(evaluation),
                progress=stages(f"{label}: {evaluation}"),
            )

    loaded = stages("loading the model")
    weights = load_weights(recipe.model)
    loaded(1, 1)
    template = SpectrumFormat.from_tokenizer(weights.tokenizer).chat_template
    measure(CHAT, TransformersModel(weights))
    measure(SPECTRUM, TransformersModel(weights, chat_template=template))
    adapter = train_once(
        recipe, sequences=lambda: sequences, output_dir=out, progress=stages("spectrum tuning")
    )
    measure(TUNED, TransformersModel(load_weights(str(adapter))))
    return {evaluation: _measured(states, seed=settings.seed) for evaluation, states in runs.items()}, adapter


def _slice_of(estimate: Estimate, evaluation: str) -> str:
    """The slice, with the evaluation's name where it is the whole of it."""
    return _short(evaluation) if estimate.slice == "all" else estimate.slice


def _short(evaluation: str) -> str:
    """The last part of an evaluation's id: for distributional/anes96, anes96."""
    return evaluation.rpartition("/")[2]


def _measured(runs: Mapping[str, EvalRun], *, seed: int) -> Measured:
    questions = runs[TUNED].questions
    comparisons = [
        comparison
        for earlier in (CHAT, SPECTRUM)
        for comparison in compare_distributional(
            questions, first=(TUNED, runs[TUNED].answers), second=(earlier, runs[earlier].answers), seed=seed
        )
    ]
    return Measured(runs=runs, comparisons=tuple(comparisons))


def _sentences(measured: Measured) -> list[str]:
    """What tuning did, in words: primary metric and valid mass, against the model as it is usually asked."""
    title = measured.runs[TUNED].spec.title
    sentences = []
    for name, what in ((PRIMARY, "divergence from the target"), (VALID_MASS, "valid mass")):
        before = measured.runs[CHAT].scores.estimate(name)
        after = measured.runs[TUNED].scores.estimate(name)
        comparison = measured.comparison(name, second=CHAT)
        interval = comparison.interval
        if before.value is None or after.value is None or interval is None:
            continue
        uniform = after.baselines.get("uniform")
        sentences.append(
            f"{title}: {what} {before.value:.3f} before, {after.value:.3f} after: {verdict(comparison)} "
            f"(difference {comparison.difference:+.3f}, 95 % interval {interval.low:+.3f} to {interval.high:+.3f}"
            + (f"; uniform answers get {uniform:.3f})." if uniform is not None else ").")
        )
    return sentences


def _write(result: QuickstartResult, *, facts: dict[str, object]) -> None:
    """answers.jsonl, the page, the figure where matplotlib is there, and results.json last."""
    answers = [
        answer
        for measured in result.measured.values()
        for run in measured.runs.values()
        for answer in run.answers
    ]
    with writing(result.folder):
        write_jsonl(result.folder / "answers.jsonl", answers)
    report = Report(
        title="How much of the human spectrum the model keeps, before and after spectrum tuning",
        summary=result.summary,
        sections=tuple(
            Section(
                title=measured.runs[TUNED].spec.title,
                questions=measured.runs[TUNED].questions,
                series=measured.series,
                comparisons=tuple(c for c in measured.comparisons if c.slice == "all"),
            )
            for measured in result.measured.values()
        ),
        run_facts=flat_facts(facts),
        reproduce=f"pluralign quickstart --model {facts['model']} --seed {facts['seed']} --out {result.folder}",
    )
    write_page(report, result.page)
    if find_spec("matplotlib"):
        save_figure(report, result.folder / "distributions.png")
    results = {
        "schema": RESULTS_SCHEMA,
        "summary": result.summary,
        "evaluations": {
            evaluation: {
                "states": {label: run.results() for label, run in measured.runs.items()},
                "comparisons": [comparison.model_dump(mode="json") for comparison in measured.comparisons],
            }
            for evaluation, measured in result.measured.items()
        },
    }
    write_json_atomically(result.folder / "results.json", results)
