"""What is written row by row: the values of single cells, and the contrasts between groups."""

from functools import partial

import numpy as np

from pluralign.evals.cells import Array
from pluralign.evals.steerable.cellwise import ENTROPY_RATIO, GAIN, OWN, gain_metric, quantity_metrics
from pluralign.evals.steerable.classes import ACCURACY, class_metrics
from pluralign.evals.steerable.contrastive import IDENTIFICATION, SWAPPED, contrast_metrics
from pluralign.evals.steerable.measuring import Measured
from pluralign.evals.steerable.metric import Metric
from pluralign.records import CellScore, Contrast


def cell_scores(measured: Measured) -> tuple[CellScore, ...]:
    """Every cell with its values; baselines, floor and ceiling are those of the distance from the own group.

    The swapped distance and the identification of a cell are means over the groups that it is compared with.
    """
    table = measured.table
    columns = _cell_values(measured)
    scored = measured.besides.scored[OWN.name] if measured.besides else {}
    found = []
    for row, cell in enumerate(table.cells):
        beside = scored.get(cell.key)
        found.append(
            CellScore(
                question_id=cell.question.id,
                group=cell.group,
                n_people=cell.n_people,
                sample_size=cell.answer.sample_size if cell.answer else 0,
                unscored=cell.unscored_reason,
                values={
                    name: float(values[row]) for name, values in columns.items() if not np.isnan(values[row])
                },
                baselines=beside.baselines if beside else {},
                noise_floor=beside.floor if beside else None,
                ceiling=beside.ceiling if beside else None,
            )
        )
    return tuple(found)


def _cell_values(measured: Measured) -> dict[str, Array]:
    """Metric -> value of each cell, (N,); NaN where a cell has none."""
    table = measured.table
    found = {OWN.name: table.own}
    compared = {metric.name: metric for metric in contrast_metrics(table, measured.pairs)}
    for name in (SWAPPED, IDENTIFICATION):
        found[name] = _mean_by_cell(compared[name], n_cells=len(table.cells))
    cellwise = [gain_metric(table), *class_metrics(table, measured.classes), *quantity_metrics(table)]
    found |= {
        metric.name: metric.columns[0]
        for metric in cellwise
        if metric.name in {GAIN, ACCURACY} or (len(metric.columns) == 2 and metric.name != ENTROPY_RATIO)
    }
    return found


def _mean_by_cell(metric: Metric, *, n_cells: int) -> Array:
    known = metric.known
    count = partial(np.bincount, metric.rows.first[known], minlength=n_cells)
    sums, numbers = count(weights=metric.columns[0, known]), count()
    means: Array = np.divide(sums, numbers, out=np.full(n_cells, np.nan), where=numbers > 0)
    return means


def contrasts(measured: Measured) -> tuple[Contrast, ...]:
    """Predicted and real difference of every pair that has both, faulty items left out where the results leave them."""
    table, pairs = measured.table, measured.pairs
    answered = ~np.isnan(table.model[:, 0]) & measured.kept
    exists = answered[pairs.first] & answered[pairs.second]
    first, second = pairs.first[exists], pairs.second[exists]
    predicted = (table.model[first] - table.model[second]).tolist()
    people = (table.people[first] - table.people[second]).tolist()
    found = []
    for row, other, d_pred, d_hum in zip(first.tolist(), second.tolist(), predicted, people, strict=True):
        cell = table.cells[row]
        n_options = len(cell.target)
        found.append(
            Contrast(
                question_id=cell.question.id,
                first=cell.group,
                second=table.cells[other].group,
                predicted=tuple(d_pred[:n_options]),
                people=tuple(d_hum[:n_options]),
            )
        )
    return tuple(found)
