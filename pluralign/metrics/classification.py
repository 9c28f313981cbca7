"""How well classes are predicted: accuracy, mean recall, mean F1, and how unequally over groups.

Each is a function of what is summed over cells, so that it can be resampled; see `cluster_bootstrap_of_sums`.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pluralign.errors import DataError
from pluralign.metrics.arrays import FloatArray
from pluralign.metrics.statistics import ratio_of_sums


def class_columns(gold: ArrayLike, predicted: ArrayLike, *, n_classes: int) -> FloatArray:
    """Hits, golds and predictions of each class, cell by cell: what the statistics below are summed from.

    Args:
        gold: Index of the right class of each cell, shape (n,).
        predicted: Index of the predicted class, shape (n,).
        n_classes: Number of classes C.

    Returns:
        Zeros and ones, shape (3 C, n): C columns of hits, C of golds, C of predictions.

    Raises:
        DataError: There is not one prediction for each gold class, or an index is none of 0 to C - 1.
    """
    right, chosen = _classes("gold", gold, n_classes), _classes("predicted", predicted, n_classes)
    if right.shape != chosen.shape:
        raise DataError(f"gold and predicted must be equally long, not {right.size} and {chosen.size}.")
    classes = np.arange(n_classes)[:, None]
    is_gold, is_chosen = right == classes, chosen == classes
    return np.concatenate([is_gold & is_chosen, is_gold, is_chosen]).astype(np.float64)


def balanced_accuracy_of_sums(sums: FloatArray) -> FloatArray:
    """Mean over the classes that occur among the golds of the share of their cells predicted right (recall).

    Args:
        sums: Sums of `class_columns`, shape (3 C, R).

    Returns:
        Shape (R,); NaN without a single cell.
    """
    hits, golds, _ = np.split(sums, 3)
    occurs = golds > 0
    recall = np.divide(hits, golds, out=np.zeros_like(hits), where=occurs)
    return ratio_of_sums(np.stack([recall.sum(axis=0), occurs.sum(axis=0, dtype=np.float64)]))


def macro_f1_of_sums(sums: FloatArray) -> FloatArray:
    """Mean of F1 = 2 hits / (golds + predictions) over the classes that occur among golds or predictions.

    As scikit-learn counts classes: one that is predicted but never right counts with 0.

    Args:
        sums: Sums of `class_columns`, shape (3 C, R).

    Returns:
        Shape (R,); NaN without a single cell.
    """
    hits, golds, predictions = np.split(sums, 3)
    either = golds + predictions
    f1 = np.divide(2 * hits, either, out=np.zeros_like(hits), where=either > 0)
    return ratio_of_sums(np.stack([f1.sum(axis=0), (either > 0).sum(axis=0, dtype=np.float64)]))


def group_columns(values: ArrayLike, groups: ArrayLike, *, n_groups: int) -> FloatArray:
    """Value and count of each group, cell by cell.

    Args:
        values: One value a cell, shape (n,).
        groups: Index of each cell's group, shape (n,).
        n_groups: Number of groups G.

    Returns:
        Shape (2 G, n): G columns of the values, 0 where a cell is of another group, and G of ones and zeros.

    Raises:
        DataError: An index is none of 0 to G - 1.
    """
    member = _classes("groups", groups, n_groups) == np.arange(n_groups)[:, None]
    return np.concatenate([np.where(member, np.asarray(values, dtype=np.float64), 0.0), member])


def spread_of_group_means_of_sums(sums: FloatArray) -> FloatArray:
    """Population standard deviation over the groups that have cells of the mean value of each.

    Args:
        sums: Sums of `group_columns`, shape (2 G, R).

    Returns:
        Shape (R,); NaN without a single cell.
    """
    totals, counts = np.split(sums, 2)
    occurs = counts > 0
    means = np.divide(totals, counts, out=np.zeros_like(totals), where=occurs)
    n_groups = occurs.sum(axis=0, dtype=np.float64)
    mean = ratio_of_sums(np.stack([means.sum(axis=0), n_groups]))
    deviations = np.where(occurs, means - mean, 0.0)
    spread: FloatArray = np.sqrt(ratio_of_sums(np.stack([(deviations**2).sum(axis=0), n_groups])))
    return spread


def _classes(name: str, values: ArrayLike, n_classes: int) -> NDArray[np.int64]:
    indices = np.asarray(values, dtype=np.int64)
    if indices.ndim != 1:
        raise DataError(f"{name} must have shape (n,), not {indices.shape}.")
    outside = np.flatnonzero((indices < 0) | (indices >= n_classes))
    if outside.size:
        raise DataError(
            f"{name}[{outside[0]}] must be one of 0 to {n_classes - 1}, not {indices[outside[0]]}."
        )
    return indices
