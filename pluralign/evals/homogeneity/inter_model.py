"""How alike the answers of several models to the same prompts are (Jiang et al. 2025, arXiv:2510.22954)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from pluralign.errors import DataError
from pluralign.evals.distributional.estimates import N_RESAMPLES, bootstrap_method
from pluralign.metrics import cluster_bootstrap
from pluralign.metrics.diversity import cross_similarities, n_sources_among_nearest, pairwise_similarities
from pluralign.models.embedding import Embedder
from pluralign.records import Estimate, Interval

INTER, WITHIN, SOURCES = "inter_model_similarity", "intra_similarity", "models_among_nearest"
# arXiv:2510.22954 looks at 50 neighbours of 1,250 answers of 25 models: one model's worth of answers.
PAIR = " | "

_Vectors = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class InterModel:
    """How alike models are.

    Attributes:
        estimates: Similarity between models over all pairs, then of each pair ("pair=a | b") and within each model
            ("group=a", pairs of different answers only), then the number of models among the nearest answers.
        prompts: Ids of the prompts that every model answered at least twice.
        n_left_out: Number of other prompts.
        embedder: Id of the embedder whose cosines are meant.
    """

    estimates: tuple[Estimate, ...]
    prompts: tuple[str, ...]
    n_left_out: int
    embedder: str

    def similarity(self, first: str, second: str) -> float:
        """Mean cosine of two models' answers, or of one model's own.

        Raises:
            KeyError: One of them was not compared.
        """
        wanted = {f"pair={first}{PAIR}{second}", f"pair={second}{PAIR}{first}"}
        wanted = {f"group={first}"} if first == second else wanted
        for estimate in self.estimates:
            if estimate.slice in wanted and estimate.value is not None:
                return estimate.value
        raise KeyError(f"{first} and {second}")


def inter_model(
    answers: Mapping[str, Mapping[str, Sequence[str]]],
    *,
    embedder: Embedder,
    n_nearest: int | None = None,
    seed: int = 0,
) -> InterModel:
    """Compare several models' answers to the same prompts.

    Args:
        answers: Model -> prompt -> its answers, those with words; at least two models.
        embedder: Whose cosines are meant.
        n_nearest: Neighbours of an answer among which models are counted; None: as many as a model has answers.
        seed: Seed of the intervals, which resample whole prompts.

    Raises:
        DataError: There are fewer than two models, or no prompt that all answered at least twice.
    """
    if len(answers) < 2:
        raise DataError(f"Similarity between models needs at least two, not {len(answers)}.")
    asked = dict.fromkeys(prompt for own in answers.values() for prompt in own)
    shared = [p for p in asked if all(len(own.get(p, ())) > 1 for own in answers.values())]
    if not shared:
        raise DataError(f"No prompt has two answers of each of {', '.join(answers)}.")
    embedded = {prompt: _embedded(prompt, answers, embedder=embedder) for prompt in shared}
    between = {
        pair: [float(cross_similarities(own[pair[0]], own[pair[1]]).mean()) for own in embedded.values()]
        for pair in combinations(answers, 2)
    }
    within = {
        model: [float(pairwise_similarities(own[model]).mean()) for own in embedded.values()]
        for model in answers
    }
    nearest = [_n_sources(own, n_nearest=n_nearest) for own in embedded.values()]
    every = [float(np.mean(values)) for values in zip(*between.values(), strict=True)]
    estimates = (
        _estimate(INTER, every, shared, slice_name="all", seed=seed),
        *(
            _estimate(INTER, values, shared, slice_name=f"pair={PAIR.join(pair)}", seed=seed)
            for pair, values in between.items()
        ),
        *(
            _estimate(WITHIN, values, shared, slice_name=f"group={model}", seed=seed)
            for model, values in within.items()
        ),
        _estimate(SOURCES, nearest, shared, slice_name="all", seed=seed),
    )
    return InterModel(estimates, tuple(shared), len(asked) - len(shared), embedder.id)


def _embedded(
    prompt: str, answers: Mapping[str, Mapping[str, Sequence[str]]], *, embedder: Embedder
) -> _Vectors:
    texts = [(model, text) for model, own in answers.items() for text in own[prompt]]
    vectors = embedder.embed([text for _, text in texts])
    return {
        model: vectors[[place for place, (whose, _) in enumerate(texts) if whose == model]]
        for model in answers
    }


def _n_sources(own: _Vectors, *, n_nearest: int | None) -> float:
    sources = [model for model, vectors in own.items() for _ in range(len(vectors))]
    n = n_nearest or min(len(vectors) for vectors in own.values())
    return n_sources_among_nearest(np.concatenate(list(own.values())), sources, n_nearest=n)


_TOLD: Mapping[str, tuple[str, str, bool]] = {
    INTER: ("cosine", "mean cosine over all pairs of an answer of one model and one of another", True),
    WITHIN: (
        "cosine",
        "mean cosine of all pairs of different answers of one model, an answer never with itself",
        True,
    ),
    SOURCES: (
        "models",
        "mean number of models among the answers nearest to an answer, itself left out; as many neighbours as a model "
        "has answers, where no other number is given",
        True,
    ),
}


def _estimate(
    name: str, values: Sequence[float], prompts: Sequence[str], *, slice_name: str, seed: int
) -> Estimate:
    unit, definition, lower_is_better = _TOLD[name]
    bounds = cluster_bootstrap(values, prompts, n_resamples=N_RESAMPLES, seed=seed)
    return Estimate(
        name=name,
        slice=slice_name,
        value=float(np.mean(values)),
        interval=Interval(low=bounds.low, high=bounds.high, method=bootstrap_method("prompts"))
        if bounds
        else None,
        n_questions=len(prompts),
        n_cells=len(prompts),
        unit=unit,
        definition=definition,
        lower_is_better=lower_is_better,
    )
