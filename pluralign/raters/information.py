"""What a representation of a rater is worth: usable information, in nats a rating, with intervals over raters.

I(g) = H(Y | X) - H(Y | X, g), the drop in held-out loss against the same decoder that is given nothing (usable
information: Xu et al. 2020; of value profiles: Sorensen et al. 2025). Ratings of one rater are not independent, so whole
raters are resampled; all representations are compared on the same ratings.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pluralign.metrics import (
    Bounds,
    cluster_bootstrap,
    cluster_bootstrap_of_sums,
    paired_bootstrap_difference,
    ratio_of_sums,
)
from pluralign.raters.calibration import normalised
from pluralign.raters.decoding import Decoded, Given
from pluralign.raters.rater import Rating
from pluralign.records import CellScore, Estimate, Interval

FloatArray = NDArray[np.float64]
PRIMARY = "usable_information_nats"
N_RESAMPLES = 2000
LEVEL = 0.95

_DEFINITIONS = {
    "nll_nats": "mean over held-out ratings of -ln p(rating), after calibration on train raters",
    "accuracy": "share of held-out ratings that are the decoder's likeliest option; a tie of k options counts 1 / k",
    PRIMARY: "mean of nll(none) - nll(g) over the same ratings",
    "information_preserved": "usable information of g over that of the examples that g was inferred from",
    "valid_mass_prob": "mean probability of all options together, before normalising",
}
_UNITS = {
    "nll_nats": "nats",
    "accuracy": "probability",
    PRIMARY: "nats",
    "information_preserved": "ratio",
    "valid_mass_prob": "probability",
}
_LOWER_IS_BETTER = {name: name == "nll_nats" for name in _DEFINITIONS}


class HeldOut:
    """Held-out ratings of test raters that are predicted under every representation, and what is estimated on them.

    Args:
        decoded: Calibrated predictions of test raters' ratings.
        base_rates: Log-probabilities of the options by what train raters answered, nats, shape (n, K).
        seed: Seed of the bootstrap.
    """

    def __init__(self, decoded: Decoded, *, base_rates: FloatArray, seed: int = 0) -> None:
        # One that predicts nothing at all must not leave the others without ratings.
        self.kinds = [given for given in decoded.log_probs if decoded.predicted(given).any()]
        kept = np.logical_and.reduce([decoded.predicted(given) for given in self.kinds])
        self.decoded, self.kept, self.seed = decoded, kept, seed
        self.choices = decoded.choices[kept]
        self.raters = decoded.raters[kept]
        self.base_rates = base_rates[kept]
        self.log_probs = {given: decoded.log_probs[given][kept] for given in self.kinds}
        self.cases = [case for case, is_kept in zip(decoded.cases, kept, strict=True) if is_kept]
        self.n_options = np.array([len(case.rating.question.options) for case in self.cases])

    def losses(self, given: Given) -> FloatArray:
        """-ln p(rating) under a representation, nats, shape (n,)."""
        return _losses(self.log_probs[given], self.choices)

    def estimates(self) -> tuple[Estimate, ...]:
        """Every metric under every representation; usable information of the profile first."""
        asked = list(self.decoded.log_probs)
        first = [given for given in (Given.PROFILE,) if given in asked]
        others = [given for given in asked if given not in {Given.NONE, Given.PROFILE}]
        return (
            *(self._information(given) for given in (*first, *others)),
            *(self._preserved(given) for given in (*first, *others) if given is not Given.EXAMPLES),
            *(self._loss(given) for given in asked),
            *(self._accuracy(given) for given in asked),
            *(self._valid_mass(given) for given in asked),
        )

    def _information(self, given: Given) -> Estimate:
        if reason := self._obstacle(given) or self._obstacle(Given.NONE):
            return self._missing(PRIMARY, given, reason)
        found = paired_bootstrap_difference(
            self.losses(Given.NONE),
            self.losses(given),
            clusters=self.raters,
            n_resamples=N_RESAMPLES,
            level=LEVEL,
            seed=self.seed,
        )
        value = float(np.mean(self.losses(Given.NONE) - self.losses(given)))
        return self._estimate(PRIMARY, given, value, bounds=found and Bounds(found.low, found.high))

    def _preserved(self, given: Given) -> Estimate:
        name = "information_preserved"
        for kind in (given, Given.EXAMPLES, Given.NONE):
            if reason := self._obstacle(kind):
                return self._missing(name, given, reason)
        gains = [self.losses(Given.NONE) - self.losses(kind) for kind in (given, Given.EXAMPLES)]
        worth = cluster_bootstrap(gains[1], self.raters, n_resamples=N_RESAMPLES, level=LEVEL, seed=self.seed)
        if worth is None or worth.low <= 0:
            found = f"[{worth.low:.3f}, {worth.high:.3f}] nats" if worth else "of a single rater"
            return self._missing(
                name,
                given,
                f"the examples' own information {found} is not clearly above 0: there is nothing of which a share "
                "could be preserved",
            )
        bounds = cluster_bootstrap_of_sums(
            np.stack(gains),
            ratio_of_sums,
            clusters=self.raters,
            n_resamples=N_RESAMPLES,
            level=LEVEL,
            seed=self.seed,
        )
        return self._estimate(name, given, float(gains[0].sum() / gains[1].sum()), bounds=bounds)

    def _loss(self, given: Given) -> Estimate:
        if reason := self._obstacle(given):
            return self._missing("nll_nats", given, reason)
        baselines = {
            "uniform": float(np.log(self.n_options).mean()),
            "base rate": float(_losses(self.base_rates, self.choices).mean()),
            "rating entropy": self._entropy(),
        }
        return self._mean("nll_nats", given, self.losses(given), baselines=baselines)

    def _accuracy(self, given: Given) -> Estimate:
        if reason := self._obstacle(given):
            return self._missing("accuracy", given, reason)
        baselines = {
            "uniform": float(np.mean(1 / self.n_options)),
            "majority": float(_hits(self.base_rates, self.choices).mean()),
        }
        hits = _hits(self.log_probs[given], self.choices)
        return self._mean("accuracy", given, hits, baselines=baselines)

    def _valid_mass(self, given: Given) -> Estimate:
        masses = self.decoded.valid_mass_probs[given]
        known = np.isfinite(masses)
        if not known.any():
            return self._missing("valid_mass_prob", given, self._obstacle(given) or "not known")
        bounds = cluster_bootstrap(
            masses[known], self.decoded.raters[known], n_resamples=N_RESAMPLES, level=LEVEL, seed=self.seed
        )
        return self._estimate("valid_mass_prob", given, float(masses[known].mean()), bounds=bounds)

    def _entropy(self) -> float:
        """The loss of the best predictor that knows the options only: the share of each among these ratings."""
        by_options: dict[tuple[str, ...], Counter[int]] = {}
        for case in self.cases:
            by_options.setdefault(case.rating.question.option_texts, Counter())[case.rating.choice] += 1
        nats = sum(
            -n * math.log(n / counts.total()) for counts in by_options.values() for n in counts.values()
        )
        return nats / len(self.cases)

    def _mean(
        self, name: str, given: Given, values: FloatArray, *, baselines: Mapping[str, float]
    ) -> Estimate:
        bounds = cluster_bootstrap(values, self.raters, n_resamples=N_RESAMPLES, level=LEVEL, seed=self.seed)
        return self._estimate(name, given, float(values.mean()), bounds=bounds, baselines=baselines)

    def _obstacle(self, given: Given) -> str | None:
        """Why nothing is known of a representation, or None."""
        if given not in self.decoded.log_probs:
            return f"{given.value}: not asked"
        if given not in self.kinds:
            reasons = Counter(self.decoded.unscored[given])
            return f"{given.value}: {', '.join(str(reason) for reason in reasons)}"
        return None if self.kept.any() else "no rating is predicted under every representation"

    def _lost(self, given: Given) -> dict[str, int]:
        """Reason -> number of ratings that are not scored under a representation."""
        own = Counter(reason for reason in self.decoded.unscored[given] if reason)
        elsewhere = int(np.count_nonzero(self.decoded.predicted(given) & ~self.kept))
        return dict(own) | ({"not predicted under another representation": elsewhere} if elsewhere else {})

    def _missing(self, name: str, given: Given, reason: str) -> Estimate:
        return self._estimate(name, given, None, reason=reason)

    def _estimate(
        self,
        name: str,
        given: Given,
        value: float | None,
        *,
        bounds: Bounds | None = None,
        baselines: Mapping[str, float] | None = None,
        reason: str | None = None,
    ) -> Estimate:
        method = f"bootstrap over {len(set(self.raters))} raters, percentile, {N_RESAMPLES} resamples"
        return Estimate(
            name=name,
            slice=f"given={given.value}",
            value=value,
            interval=bounds and Interval(low=bounds.low, high=bounds.high, level=LEVEL, method=method),
            n_questions=len({case.rating.question.id for case in self.cases}),
            n_cells=len(self.cases),
            n_unscored=self._lost(given) if given in self.decoded.unscored else {},
            unit=_UNITS[name],
            definition=_DEFINITIONS[name],
            lower_is_better=_LOWER_IS_BETTER[name],
            baselines=baselines or {},
            reason=reason,
        )


def base_rates(decoded: Decoded, train: Sequence[Rating]) -> FloatArray:
    """Log-probabilities of the options by how often train raters chose them, one added to each count.

    Args:
        decoded: The ratings to be predicted.
        train: Ratings of train raters; only those of questions with the same options count for a question.

    Returns:
        Nats, shape (n, K); uniform where no train rating has the same options.
    """
    counts: dict[tuple[str, ...], NDArray[np.float64]] = {}
    for rating in train:
        own = counts.setdefault(rating.question.option_texts, np.ones(len(rating.question.options)))
        own[rating.choice] += 1
    width = next(iter(decoded.log_probs.values())).shape[1]
    rows = np.full((len(decoded.cases), width), -np.inf)
    for row, case in zip(rows, decoded.cases, strict=True):
        options = case.rating.question.option_texts
        row[: len(options)] = np.log(counts.get(options, np.ones(len(options))))
    return normalised(rows)


def cell_scores(decoded: Decoded) -> tuple[CellScore, ...]:
    """The loss of every held-out rating under every representation; a rating predicted under none has a reason."""
    losses = {given: _losses(own, decoded.choices) for given, own in decoded.log_probs.items()}
    cells = []
    for index, case in enumerate(decoded.cases):
        values = {
            f"nll_nats given={given.value}": float(own[index])
            for given, own in losses.items()
            if decoded.unscored[given][index] is None
        }
        reasons = {reasons[index] for reasons in decoded.unscored.values() if reasons[index]}
        cells.append(
            CellScore(
                question_id=case.rating.question.id,
                group=case.rater,
                n_people=1,
                unscored=None if values else ", ".join(sorted(map(str, reasons))),
                values=values,
            )
        )
    return tuple(cells)


def _losses(log_probs: FloatArray, choices: NDArray[np.int64]) -> FloatArray:
    losses: FloatArray = -np.take_along_axis(log_probs, choices[:, None], axis=1)[:, 0]
    return losses


def _hits(log_probs: FloatArray, choices: NDArray[np.int64]) -> FloatArray:
    """1 where the likeliest option was chosen, 1 / k where k options are equally likely, else 0."""
    likeliest = np.isclose(log_probs, log_probs.max(axis=1, keepdims=True), rtol=0, atol=1e-12)
    chosen = np.take_along_axis(likeliest, choices[:, None], axis=1)[:, 0]
    hits: FloatArray = chosen / likeliest.sum(axis=1)
    return hits
