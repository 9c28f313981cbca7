"""The ceiling of every contrast: one half of the people predicts the other."""

from dataclasses import dataclass

import numpy as np

from pluralign.evals.cells import Array, Cell
from pluralign.evals.distributional.baselines import cell_rng
from pluralign.evals.steerable.table import Index, Pairs, Table
from pluralign.metrics import (
    MIN_PEOPLE_TO_SPLIT,
    contrast_products,
    identified,
    sampling_noise,
    split_halves,
    total_variation,
)

# Per pair: an estimate averages over many.
N_SPLITS = 100


@dataclass(frozen=True)
class Halves:
    """Means over random splits of the people into a predicting and a predicted half; NaN where n is unknown.

    Attributes:
        products: `contrast_products` of the halves' differences, (3, P).
        noise: Sampling noise of the predicted halves of both groups, (P,).
        identified: Whether the half of the first group is nearer to its own other half than to that of the second
            group, then the same of the second, (2, P).
    """

    products: Array
    noise: Array
    identified: Array


def split_pairs(table: Table, pairs: Pairs, *, seed: int) -> Halves:
    """Let one half of each group predict the other half.

    Args:
        table: The cells.
        pairs: The pairs of cells.
        seed: Seed of the splits; each cell derives its own.
    """
    n_pairs = len(pairs.first)
    products, noise, nearer = (np.full(shape, np.nan) for shape in ((3, n_pairs), n_pairs, (2, n_pairs)))
    questions = table.questions[pairs.first]
    for block in np.split(np.arange(n_pairs), np.flatnonzero(np.diff(questions)) + 1):
        rows = np.unique(np.concatenate([pairs.first[block], pairs.second[block]]))
        halves = {row: _halves(table.cells[row], seed=seed) for row in rows.tolist()}
        split = {row: both for row, both in halves.items() if both is not None}
        places = np.array(
            [p for p in block if {pairs.first[p], pairs.second[p]} <= split.keys()], dtype=np.int64
        )
        if len(places):
            ends = pairs.first[places], pairs.second[places]
            products[:, places], noise[places], nearer[:, places] = _means(split, ends)
    return Halves(products, noise, nearer)


def _halves(cell: Cell, *, seed: int) -> tuple[Array, Array, float] | None:
    """Predicting and predicted halves, (S, K) each, and the number of people in the latter."""
    if cell.n_people is None or round(cell.n_people) < MIN_PEOPLE_TO_SPLIT:
        return None
    rng = cell_rng(cell, seed=seed, purpose="halves")
    counts = cell.target * cell.n_people
    halves = split_halves(counts, n_people=cell.n_people, n_splits=N_SPLITS, seed=int(rng.integers(2**63)))
    n_whole = round(cell.n_people)
    return None if halves is None else (*halves, float(n_whole - n_whole // 2))


def _means(
    split: dict[int, tuple[Array, Array, float]], ends: tuple[Index, Index]
) -> tuple[Array, Array, Array]:
    """Products, noise and identification of pairs of one question, each the mean over splits."""
    (guess, other_guess), (truth, other_truth) = (
        [np.stack([split[row][side] for row in end.tolist()]) for end in ends] for side in (0, 1)
    )
    n_pairs, n_splits, n_options = guess.shape
    products = contrast_products(
        (guess - other_guess).reshape(-1, n_options), (truth - other_truth).reshape(-1, n_options)
    )
    noise = sum(
        sampling_noise(half, np.array([split[row][2] for row in end.tolist()])[:, None])
        for half, end in zip((truth, other_truth), ends, strict=True)
    )
    there = identified(total_variation(guess, truth).ravel(), total_variation(guess, other_truth).ravel())
    back = identified(
        total_variation(other_guess, other_truth).ravel(), total_variation(other_guess, truth).ravel()
    )
    shape = (-1, n_pairs, n_splits)
    nearer = np.stack([there, back]).reshape(shape).mean(axis=-1)
    return products.reshape(shape).mean(axis=-1), np.asarray(noise).mean(axis=-1), nearer
