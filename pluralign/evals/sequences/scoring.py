"""In-context steerability (Sorensen et al. 2025, arXiv:2510.06084): how well outputs are foretold from those before them."""

from collections.abc import Mapping, Sequence

from pluralign.errors import DataError
from pluralign.evals.distributional.estimates import bootstrap_method
from pluralign.evals.per_prompt import ERROR, Measure, compare_cells, estimate, unscored
from pluralign.evals.scores import Scores
from pluralign.evals.sequences.baselines import SequenceBaselines
from pluralign.evals.sequences.calibration import Calibration, calibration
from pluralign.metrics import Bounds
from pluralign.records import (
    POPULATION,
    CellScore,
    Comparison,
    Estimate,
    Interval,
    Outcome,
    OutputScore,
    SequenceScore,
)

LOSS, TEXT_LOSS, ACCURACY, ECE = "loss_geq_1", "text_loss_geq_1", "accuracy_geq_1", "ece"
FIRST_TOKEN, TOKENS = "first_token_accuracy_geq_1", "token_accuracy_geq_1"
POSITION_LOSS, POSITION_ACCURACY = "nll_nats", "accuracy"
OF = "sequences"

MEASURES = (
    Measure(
        LOSS,
        "nats",
        "mean over sequences and their outputs but the first of the negative log-likelihood of an output with its "
        "terminator, given all that stands before it",
        True,
    ),
    Measure(
        TEXT_LOSS,
        "nats",
        "the same without the terminator, which each layout has of its own",
        True,
    ),
    Measure(
        ACCURACY,
        "probability",
        "share of outputs but the first of which every token, terminator included, is the likeliest",
        False,
    ),
    Measure(
        FIRST_TOKEN,
        "probability",
        "share of outputs but the first of which the first token is the likeliest",
        False,
    ),
    Measure(
        TOKENS,
        "probability",
        "mean over outputs but the first of the share of their tokens, terminator included, that are the likeliest",
        False,
    ),
)
_BY_POSITION = (
    Measure(
        POSITION_LOSS,
        "nats",
        "mean over sequences of the negative log-likelihood of the output with its terminator after so many examples",
        True,
    ),
    Measure(
        POSITION_ACCURACY,
        "probability",
        "share of sequences whose output after so many examples has the likeliest token everywhere, terminator included",
        False,
    ),
)
_ECE_DEFINITION = (
    "mean over ten bins of equally many of |mean probability - share that came|, over the tokens of all scored outputs "
    "and all their rivals with a probability above 0.01"
)


def score_sequence_outputs(
    rows: Sequence[SequenceScore],
    *,
    outputs: Mapping[str, Sequence[str]],
    options: Sequence[str] = (),
    seed: int = 0,
) -> Scores:
    """Score what a model foretold of sequences.

    Args:
        rows: One a sequence, each of as many examples.
        outputs: Id of a sequence -> its outputs as text; for the trivial predictors.
        options: The closed set of outputs, see `closed_set`; empty where they are none.
        seed: Seed of the intervals, which resample whole sequences.

    Raises:
        DataError: There is no row, or one of an unknown sequence.
    """
    if not rows:
        raise DataError("There is nothing to score: no sequence.")
    for row in rows:
        if row.sequence_id not in outputs:
            raise DataError(f"The sequence {row.sequence_id!r} was scored, but it is none of those asked.")
    trivial = SequenceBaselines(outputs, options=options) if options else None
    cells = tuple(_cell(row, trivial) for row in rows)
    hits = [_with_hits(cell, row, trivial) for cell, row in zip(cells, rows, strict=True)]
    found = [
        estimate(
            measure,
            hits if measure.name == ACCURACY else cells,
            of=OF,
            seed=seed,
            with_baselines=measure.name in {LOSS, TEXT_LOSS, ACCURACY},
        )
        for measure in MEASURES
    ]
    calibrated = calibration(rows, seed=seed)
    length = max(map(len, outputs.values()))
    return Scores(
        primary=LOSS,
        estimates=(
            *found,
            _ece(calibrated, cells),
            *(
                estimate(
                    measure,
                    [_at(row, index, trivial, measure=measure.name) for row in rows],
                    of=OF,
                    slice_name=f"examples={index}",
                    seed=seed,
                    with_baselines=True,
                )
                for measure in _BY_POSITION
                for index in _positions(length)
            ),
        ),
        cells=cells,
        n_unscored=unscored(cells),
        readings=_readings(found, n_examples=length, closed=bool(options)),
    )


def _positions(length: int) -> list[int]:
    """Numbers of examples before an output that are reported: none, the powers of two, and the most."""
    return [n for n in range(length) if n & (n - 1) == 0 or n == length - 1]


def compare_sequence_outputs(
    *, first: tuple[str, Scores], second: tuple[str, Scores], seed: int = 0
) -> tuple[Comparison, ...]:
    """Paired differences, first minus second, over the sequences that both scored; see `compare_cells`."""
    return compare_cells(
        first=(first[0], first[1].cells),
        second=(second[0], second[1].cells),
        measures=MEASURES,
        of=OF,
        seed=seed,
    )


def _cell(row: SequenceScore, trivial: SequenceBaselines | None) -> CellScore:
    later = [output for output in row.outputs if output.index > 0]
    values: dict[str, float | None] = {}
    if later:
        values = {
            LOSS: _mean([output.nll_nats for output in later]),
            TEXT_LOSS: _mean([output.nll_text_nats for output in later]),
            ACCURACY: _mean([output.correct for output in later]),
            FIRST_TOKEN: _mean([output.first_token_correct for output in later]),
            TOKENS: _mean([output.n_right / output.n_tokens for output in later]),
        }
    losses = [trivial.losses(row.sequence_id, output.index) for output in later] if trivial else []
    return CellScore(
        question_id=row.sequence_id,
        group=POPULATION,
        n_people=None,
        unscored=None if row.outcome is Outcome.OK else ERROR,
        values=values,
        baselines=_means(losses),
    )


def _with_hits(cell: CellScore, row: SequenceScore, trivial: SequenceBaselines | None) -> CellScore:
    """The cell with what trivial predictors get of the accuracy."""
    later = [output for output in row.outputs if output.index > 0]
    hits = [trivial.hits(row.sequence_id, output.index) for output in later] if trivial else []
    return cell.model_copy(update={"baselines": _means(hits)})


def _at(row: SequenceScore, index: int, trivial: SequenceBaselines | None, *, measure: str) -> CellScore:
    """The output after so many examples alone; without a value where it was not scored."""
    output: OutputScore | None = next((each for each in row.outputs if each.index == index), None)
    values: dict[str, float | None] = {}
    baselines: Mapping[str, float] = {}
    if output is not None:
        values = {POSITION_LOSS: output.nll_nats, POSITION_ACCURACY: float(output.correct)}
        if trivial:
            of = trivial.losses if measure == POSITION_LOSS else trivial.hits
            baselines = of(row.sequence_id, index)
    return CellScore(
        question_id=row.sequence_id,
        group=POPULATION,
        n_people=None,
        unscored=None if row.outcome is Outcome.OK else ERROR,
        values=values,
        baselines=baselines,
    )


def _ece(found: Calibration, cells: Sequence[CellScore]) -> Estimate:
    scored = [cell for cell in cells if cell.unscored is None]
    bounds: Bounds | None = found.bounds
    return Estimate(
        name=ECE,
        value=found.ece,
        interval=Interval(low=max(0.0, bounds.low), high=bounds.high, method=bootstrap_method(OF))
        if bounds
        else None,
        n_questions=len(scored),
        n_cells=found.n_probs,
        n_unscored=unscored(cells),
        unit="probability",
        definition=_ECE_DEFINITION,
        lower_is_better=True,
        reason=None if found.ece is not None else "no probability is above 0.01" if scored else ERROR,
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _means(each: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: _mean([one[name] for one in each]) for name in each[0]} if each else {}


def _readings(estimates: Sequence[Estimate], *, n_examples: int, closed: bool) -> tuple[str, ...]:
    """What the numbers say, and what is to be said against them."""
    by_name = {each.name: each for each in estimates}
    loss, text, accuracy = (by_name[name] for name in (LOSS, TEXT_LOSS, ACCURACY))
    if loss.value is None or text.value is None or accuracy.value is None:
        return ()
    found = [
        f"{loss.n_questions:,} sequences of {n_examples} examples each: after the first, an output costs {loss.value:.2f} "
        f"nats with what ends it and {text.value:.2f} without. What ends it is the layout's, so that across layouts the "
        "second is compared."
    ]
    if closed:
        best, hit = max(accuracy.baselines.items(), key=lambda item: item[1])
        cheapest, cost = min(text.baselines.items(), key=lambda item: item[1])
        found.append(
            f"{100 * accuracy.value:.0f}% of the outputs are foretold; the best trivial predictor ({best}) gets "
            f"{100 * hit:.0f}%. A choice among the same outputs costs {cost:.2f} nats by the best of them ({cheapest})."
        )
    return tuple(found)
