"""What the metrics take: arrays of numbers and stacks of distributions, checked before use."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pluralign.errors import ConfigurationError, DataError

FloatArray = NDArray[np.float64]

SUM_TOLERANCE = 1e-6  # room for rounding in files, as in the records


def as_distributions(name: str, values: ArrayLike) -> FloatArray:
    """Return the values as float64 after checking that each row is a distribution.

    Args:
        name: What to call them in a message.
        values: Shape (..., K).

    Raises:
        DataError: A row is not finite, has a negative entry or does not sum to 1; the message shows the row.
    """
    rows = as_floats(name, values)
    if rows.ndim == 0 or rows.shape[-1] == 0:
        raise DataError(f"{name} must have shape (..., K) with at least one option, not {rows.shape}.")
    _refuse(name, rows, ~np.isfinite(rows).all(axis=-1), "must be finite")
    _refuse(name, rows, (rows < 0).any(axis=-1), "must not be negative")
    _refuse(name, rows, np.abs(rows.sum(axis=-1) - 1) > SUM_TOLERANCE, "must sum to 1")
    return rows


def as_floats(name: str, values: ArrayLike) -> FloatArray:
    """Return the values as a float64 array; `name` is what to call them in a message.

    Raises:
        DataError: They are not numbers, or ragged.
    """
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{name} must be an array of numbers: {error}") from error


def finite_vector(name: str, values: ArrayLike) -> FloatArray:
    """Return the values as a float64 array, shape (n,); `name` is what to call them in a message.

    Raises:
        DataError: They are not numbers, not one-dimensional, or not all finite; the message shows the first such.
    """
    vector = as_floats(name, values)
    if vector.ndim != 1:
        raise DataError(f"{name} must have shape (n,), not {vector.shape}.")
    if not np.isfinite(vector).all():
        index = int(np.flatnonzero(~np.isfinite(vector))[0])
        raise DataError(f"{name}[{index}] must be a finite number, not {vector[index]}.")
    return vector


def check_count(name: str, number: int) -> None:
    """Refuse a `number` of repetitions below 1; `name` is that of the setting.

    Raises:
        ConfigurationError: It is below 1.
    """
    if number < 1:
        raise ConfigurationError(f"{name} must be at least 1, not {number}.")


def _refuse(name: str, rows: FloatArray, is_bad: NDArray[np.bool_] | np.bool_, rule: str) -> None:
    if not is_bad.any():
        return
    index = tuple(np.argwhere(is_bad)[0].tolist())
    where = name + "".join(f"[{i}]" for i in index)
    raise DataError(f"{where} {rule}: {rows[index].tolist()} sums to {rows[index].sum():.6g}.")
