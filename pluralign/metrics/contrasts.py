"""Differences between two groups, as predicted and as they are among people: their size and their direction.

For a question put to two groups, d_pred is the predicted distribution of the first less that of the second, d_hum the
same of the people's shares. Each sums to 0 over the options, so that a regression through the origin and one with an
intercept are the same, and a correlation needs no centring.
"""

import numpy as np
from numpy.typing import ArrayLike

from pluralign.errors import DataError
from pluralign.metrics.arrays import FloatArray, as_distributions, as_floats
from pluralign.metrics.statistics import ratio_of_sums

# Two probabilities that differ by less are equal but for floating point.
EQUAL = 1e-12


def contrast_products(predicted: ArrayLike, people: ArrayLike) -> FloatArray:
    """What slope and correlation are functions of, once summed over contrasts.

    Args:
        predicted: Predicted differences d_pred, one contrast a row, shape (C, K).
        people: Differences d_hum among people, shape (C, K).

    Returns:
        <d_pred, d_hum>, <d_hum, d_hum> and <d_pred, d_pred> of each contrast, shape (3, C).

    Raises:
        DataError: The differences are not two equal stacks of rows.
    """
    d_pred, d_hum = as_floats("predicted", predicted), as_floats("people", people)
    if d_pred.ndim != 2 or d_pred.shape != d_hum.shape:
        raise DataError(
            f"predicted and people must both have shape (C, K), not {d_pred.shape} and {d_hum.shape}."
        )
    d_pred, d_hum = (np.where(np.abs(rows) < EQUAL, 0.0, rows) for rows in (d_pred, d_hum))
    return np.stack([(d_pred * d_hum).sum(-1), (d_hum * d_hum).sum(-1), (d_pred * d_pred).sum(-1)])


def slope_of_sums(sums: FloatArray) -> FloatArray:
    """<d_pred, d_hum> / <d_hum, d_hum>, least squares of the predicted on the real differences.

    1: as large as among people; below 1: flattened; 0: the group makes no difference; above 1: caricature; below 0:
    reversed.

    Args:
        sums: Sums of the first two rows of `contrast_products`, shape (2, R).

    Returns:
        Shape (R,); NaN where the people do not differ.
    """
    return ratio_of_sums(sums)


def corrected_slope_of_sums(sums: FloatArray) -> FloatArray:
    """The slope with the sampling noise of the people's shares taken out of the denominator.

    Noise adds to <d_hum, d_hum> what `sampling_noise` says, and nothing on average to <d_pred, d_hum>, so that a perfect
    model has a slope below 1. Less the noise, both are unbiased, and a perfect model has 1.

    Args:
        sums: Sums of the first two rows of `contrast_products` and of the noise of both groups, shape (3, R).

    Returns:
        Shape (R,); NaN where the people differ by no more than noise.
    """
    products, squares, noise = sums
    signal = squares - noise
    return ratio_of_sums(np.stack([products, np.where(signal > EQUAL, signal, 0.0)]))


def correlation_of_sums(sums: FloatArray) -> FloatArray:
    """<d_pred, d_hum> / sqrt(<d_pred, d_pred> <d_hum, d_hum>): Pearson, stacked over contrasts and options.

    Args:
        sums: Sums of the three rows of `contrast_products`, shape (3, R).

    Returns:
        Shape (R,), in [-1, 1]; NaN where the people do not differ, or the predictions do not.
    """
    products, squares, predicted_squares = sums
    # Separate roots: the product of two tiny sums would underflow.
    lengths = np.sqrt(squares.clip(min=0)) * np.sqrt(predicted_squares.clip(min=0))
    return np.clip(ratio_of_sums(np.stack([products, lengths])), -1, 1)


def contrast_slope(predicted: ArrayLike, people: ArrayLike) -> float:
    """`slope_of_sums` of contrasts; NaN where it is undefined.

    Args:
        predicted: Predicted differences, shape (C, K).
        people: Differences among people, shape (C, K).
    """
    return float(slope_of_sums(contrast_products(predicted, people)[:2].sum(axis=1)[:, None])[0])


def contrast_correlation(predicted: ArrayLike, people: ArrayLike) -> float:
    """`correlation_of_sums` of contrasts; NaN where it is undefined.

    Args:
        predicted: Predicted differences, shape (C, K).
        people: Differences among people, shape (C, K).
    """
    return float(correlation_of_sums(contrast_products(predicted, people).sum(axis=1)[:, None])[0])


def sampling_noise(shares: ArrayLike, n_people: ArrayLike) -> FloatArray:
    """What finitely many people add to a squared difference of their shares: sum h (1 - h) / (n - 1).

    Exactly unbiased for multinomial counts: E[h (1 - h)] = p (1 - p) (n - 1) / n, and Var h = p (1 - p) / n.

    Args:
        shares: Shares h of the options, shape (..., K).
        n_people: Number of people n behind each row, effective where weights apply, shape (...).

    Returns:
        Shape (...); NaN where n is unknown (NaN) or not above 1: one person says nothing of the spread.

    Raises:
        DataError: A row is not a distribution.
    """
    h = as_distributions("shares", shares)
    n = as_floats("n_people", n_people)
    spread = (h * (1 - h)).sum(axis=-1)
    noise: FloatArray = np.divide(spread, n - 1, out=np.full(spread.shape, np.nan), where=n > 1)
    return noise


def identified(own: ArrayLike, swapped: ArrayLike) -> FloatArray:
    """1 where a prediction is nearer to its own group than to the other, 0.5 where it is as near, 0 where it is not.

    Args:
        own: Distances from the own group, shape (n,).
        swapped: Distances from the other group, shape (n,).

    Returns:
        Shape (n,); NaN where either is.
    """
    margin = as_floats("swapped", swapped) - as_floats("own", own)
    nearer = np.sign(np.where(np.abs(margin) <= EQUAL, 0.0, margin))
    return (1 + nearer) / 2
