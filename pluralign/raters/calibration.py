"""Calibration of a decoder on train raters, so that its loss measures what it knows and not how sure it sounds.

Raw losses of a prompted model are dominated by overconfidence. One temperature for each representation removes it
(Guo et al. 2017); offsets by option remove, beside that, a preference for one option ("vector scaling").
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pluralign.errors import ConfigurationError, DataError

FloatArray = NDArray[np.float64]
Method = Literal["none", "temperature", "bias"]
METHODS: tuple[Method, ...] = ("none", "temperature", "bias")
# Between a prediction that is as good as certain and one that is as good as uniform.
MIN_TEMPERATURE, MAX_TEMPERATURE = 0.02, 1000.0
# Smallest probability told apart from 0: an option that underflows is not ruled out by an infinite loss.
MIN_PROB = 1e-300


@dataclass(frozen=True)
class Calibration:
    """p(option) proportional to exp(log p / temperature + offset of the option).

    Attributes:
        inverse_temperature: Below 1: the decoder was too sure; 0: its raw predictions are of no use at all, so that
            none is left of them.
        offsets: Nats by option, the first 0; empty: none.
        n_ratings: Number of train ratings it was fitted on.
        loss_before: Mean loss of these ratings as decoded, nats.
        loss_after: The same after calibration.
    """

    inverse_temperature: float = 1.0
    offsets: tuple[float, ...] = ()
    n_ratings: int = 0
    loss_before: float | None = None
    loss_after: float | None = None

    @property
    def is_blind(self) -> bool:
        """Whether nothing is left of what the decoder predicts."""
        return self.inverse_temperature == 0

    def apply(self, log_probs: ArrayLike) -> FloatArray:
        """Calibrated log-probabilities, nats.

        Args:
            log_probs: Shape (n, K); -inf where a question has fewer than K options.

        Raises:
            DataError: There are offsets, but not one an option.
        """
        raw = np.asarray(log_probs, dtype=np.float64)
        # An option that a question does not have stays impossible: 0 times -inf is no number.
        scores = np.multiply(raw, self.inverse_temperature, out=raw.copy(), where=~np.isneginf(raw))
        if self.offsets:
            if scores.shape[-1] != len(self.offsets):
                raise DataError(
                    f"log_probs: {scores.shape[-1]} options, but the calibration was fitted on {len(self.offsets)}."
                )
            scores = scores + np.array(self.offsets)
        return normalised(scores)


def fit(log_probs: ArrayLike, choices: ArrayLike, *, method: Method = "temperature") -> Calibration:
    """Fit a calibration by the mean loss of what was chosen.

    Args:
        log_probs: Of train raters' held-out ratings, nats, shape (n, K); -inf where a question has fewer options.
        choices: Index of the option chosen, shape (n,).
        method: "none", "temperature", or "bias": temperature and one offset an option, which makes sense only where
            all questions have the same options.

    Raises:
        DataError: The arrays do not fit each other, there is no rating, or "bias" meets questions with different
            numbers of options.
        ConfigurationError: An unknown method.
    """
    if method not in METHODS:
        raise ConfigurationError(f"Unknown calibration {method!r}. Known: {', '.join(METHODS)}.")
    scores, chosen = _checked(log_probs, choices)
    fitted = {"none": _none, "temperature": _temperature, "bias": _bias}[method](scores, chosen)
    return Calibration(
        inverse_temperature=fitted.inverse_temperature,
        offsets=fitted.offsets,
        n_ratings=len(chosen),
        loss_before=loss(normalised(scores), chosen),
        loss_after=loss(fitted.apply(scores), chosen),
    )


def loss(log_probs: ArrayLike, choices: ArrayLike) -> float:
    """Mean of -log p(choice), nats.

    Args:
        log_probs: Shape (n, K), nats.
        choices: Shape (n,).
    """
    scores, chosen = _checked(log_probs, choices)
    return float(-np.take_along_axis(scores, chosen[:, None], axis=1).mean())


def normalised(scores: ArrayLike) -> FloatArray:
    """Log-softmax over the last axis; -inf stays -inf."""
    values = np.asarray(scores, dtype=np.float64)
    shifted = values - values.max(axis=-1, keepdims=True)
    result: FloatArray = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result


def _none(scores: FloatArray, chosen: NDArray[np.int64]) -> Calibration:
    return Calibration()


def _temperature(scores: FloatArray, chosen: NDArray[np.int64]) -> Calibration:
    from scipy.optimize import minimize_scalar

    def objective(log_temperature: float) -> float:
        return loss(Calibration(float(np.exp(-log_temperature))).apply(scores), chosen)

    bounds = (float(np.log(MIN_TEMPERATURE)), float(np.log(MAX_TEMPERATURE)))
    found = minimize_scalar(objective, bounds=bounds, method="bounded", options={"xatol": 1e-6})
    # Where even the highest temperature is too low, the limit is better: the uniform distribution.
    blind = Calibration(inverse_temperature=0.0)
    if loss(blind.apply(scores), chosen) <= found.fun:
        return blind
    return Calibration(inverse_temperature=float(np.exp(-found.x)))


def _bias(scores: FloatArray, chosen: NDArray[np.int64]) -> Calibration:
    """Minimise over (1 / temperature, offsets), in which the loss is convex."""
    from scipy.optimize import minimize

    if not np.isfinite(scores).all():
        raise DataError(
            "The calibration 'bias' needs questions with the same options; these have different numbers of options. "
            "Use 'temperature'."
        )
    n, n_options = scores.shape
    one_hot = np.eye(n_options)[chosen]  # (n, K)

    def objective(parameters: FloatArray) -> tuple[float, FloatArray]:
        log_probs = normalised(scores * parameters[0] + np.append(0.0, parameters[1:]))
        residual = np.exp(log_probs) - one_hot
        slope = np.append((residual * scores).sum(), residual.sum(axis=0)[1:]) / n
        return float(-(log_probs * one_hot).sum() / n), slope

    bounds = [(0.0, 1 / MIN_TEMPERATURE), *[(-20.0, 20.0)] * (n_options - 1)]
    start = np.append(1.0, np.zeros(n_options - 1))
    found = minimize(objective, start, jac=True, bounds=bounds, method="L-BFGS-B")
    return Calibration(inverse_temperature=float(found.x[0]), offsets=(0.0, *map(float, found.x[1:])))


def _checked(log_probs: ArrayLike, choices: ArrayLike) -> tuple[FloatArray, NDArray[np.int64]]:
    scores, chosen = np.asarray(log_probs, dtype=np.float64), np.asarray(choices)
    if scores.ndim != 2 or chosen.shape != scores.shape[:1] or not chosen.size:
        raise DataError(
            f"log_probs must have shape (n, options) and choices shape (n,), n at least 1, found {scores.shape} and "
            f"{chosen.shape}."
        )
    index = chosen.astype(np.int64)
    outside = (index != chosen) | (index < 0) | (index >= scores.shape[1])
    if outside.any():
        position = int(np.flatnonzero(outside)[0])
        raise DataError(
            f"choices[{position}] must be the index of one of {scores.shape[1]} options: {chosen[position]}."
        )
    if not np.isfinite(np.take_along_axis(scores, index[:, None], axis=1)).all():
        raise DataError("log_probs: an option that was chosen has no finite log-probability.")
    return scores, index
