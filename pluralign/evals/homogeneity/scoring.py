"""Repetition of one model's answers (Jiang et al. 2025, arXiv:2510.22954) and their number of kinds (NoveltyBench).

Repetition alone is not to be believed: word salad is varied too. What can be seen of quality without a reward model,
empty and repeating answers and their length, is estimated beside it and stands in every reading.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from pluralign.data.prompts import PromptSet
from pluralign.errors import DataError
from pluralign.evals.coverage.replies import WayName
from pluralign.evals.distributional.estimates import N_RESAMPLES, bootstrap_method
from pluralign.evals.homogeneity.equivalence import CosineEquivalence, Equivalence
from pluralign.evals.homogeneity.quality import Given, answers_in, quality_of
from pluralign.evals.per_prompt import ERROR, Measure, compare_cells, estimate, unscored
from pluralign.evals.scores import Scores
from pluralign.metrics import cluster_bootstrap_of_sums, ratio_of_sums
from pluralign.metrics.diversity import (
    PATIENCE,
    classes_by_first_member,
    novelty_utility,
    pairwise_similarities,
    vendi_score,
)
from pluralign.models.embedding import Embedder
from pluralign.records import POPULATION, CellScore, Comparison, Estimate, Interval, Outcome, Response

INTRA, FLOOR, ABOVE_FLOOR, DISTINCT, UTILITY = (
    "intra_similarity",
    "cross_prompt_floor",
    "similarity_above_floor",
    "distinct",
    "novelty_utility",
)
# From which answers count as repeating each other. A property of text-embedding-3-small and of frontier models
# (arXiv:2510.22954), no constant: with another embedder read it against the floor.
SIMILAR = 0.8
TOO_FEW = "fewer than two answers with words"
CUT, UNPARSED = "truncated_share", "unparsed_share"
_NOT_RATED = "no qualities given"

MEASURES = (
    Measure(INTRA, "cosine", "mean cosine of all pairs of different answers to one prompt", True),
    Measure(
        FLOOR, "cosine", "mean cosine of answers to different prompts", None, undefined="a single prompt"
    ),
    Measure(
        "prompts_above_08",
        "probability",
        f"prompts whose mean cosine is above {SIMILAR:g}, over prompts",
        True,
    ),
    Measure(
        "pairs_above_08",
        "probability",
        f"pairs of answers whose cosine is above {SIMILAR:g}, over pairs",
        True,
    ),
    Measure(
        "vendi_score",
        "answers",
        "exp of the entropy of the eigenvalues of the cosine matrix over n: effective number of different answers",
        False,
    ),
    Measure(
        DISTINCT, "answers", "classes of answers that say the same, each compared with a class's first", False
    ),
    Measure(
        UTILITY,
        "quality",
        f"mean of the given qualities under weights {PATIENCE:g}^i, an answer that repeats another counting 0",
        False,
        undefined=_NOT_RATED,
    ),
    Measure(
        "degenerate_share",
        "probability",
        "answers without words or that repeat themselves, over answers",
        True,
    ),
    Measure("empty_share", "probability", "answers without words, over answers", True),
    Measure(
        "repeating_share",
        "probability",
        "answers of 12 words or more of whose word trigrams fewer than half differ, over answers",
        True,
    ),
    Measure(CUT, "probability", "answers that the token limit cut, over answers", True),
    Measure(
        UNPARSED,
        "probability",
        "answers lost in replies that could not be read, over answers asked for",
        True,
    ),
    Measure("mean_words", "words", "mean number of words of an answer", None),
)


@dataclass(frozen=True)
class _Answers:
    """What is scored of one prompt: all answers, the texts with words, and the vectors of these, shape (n, d)."""

    prompt: str
    given: tuple[Given, ...]
    texts: tuple[str, ...]
    vectors: NDArray[np.float32]
    unscored: str | None


def score_homogeneity(
    prompts: PromptSet,
    responses: Sequence[Response],
    *,
    embedder: Embedder,
    way: WayName = "plain",
    k: int = 1,
    limit: int | None = None,
    equivalence: Equivalence | None = None,
    qualities: Mapping[str, Sequence[float]] | None = None,
    seed: int = 0,
) -> Scores:
    """Score several answers to each of some prompts.

    Empty answers have no vector: they are left out of the similarities and counted as degenerate. So are answers that
    were lost in replies that cannot be read, which are counted by themselves. A prompt of which a draw failed is not
    scored.

    Args:
        prompts: What was asked.
        responses: At least one; `window_id` is the prompt's id.
        embedder: Whose cosines are meant; they differ from embedder to embedder.
        way: How answers stand in a response: see `answers_in`.
        k: How many answers a response was to hold.
        limit: Of a prompt only the first so many answers, where replies hold more than were asked for.
        equivalence: Which answers say the same; None: `CosineEquivalence()`.
        qualities: Key of a prompt -> the quality of each of its answers in order, NoveltyBench's 1 to 10; utility is
            given only where these are, as there is no reward model here.
        seed: Seed of the intervals, which resample whole prompts.

    Raises:
        DataError: There is nothing to score, or a prompt has not one quality for each answer.
    """
    equivalence = equivalence or CosineEquivalence()
    by_prompt = _given(prompts, responses, way=way, k=k, limit=limit)
    found = _answers(prompts, responses, given=by_prompt, embedder=embedder)
    floors = _floors([each for each in found if each.unscored is None])
    cells = tuple(
        _cell(
            each,
            floor=floors.get(each.prompt),
            equivalence=equivalence,
            qualities=(qualities or {}).get(each.prompt),
        )
        for each in found
    )
    # What was lost is known of prompts, too, of which too little is left to be scored.
    losses = cells if way == "plain" else _losses(found)
    estimates = _estimates(cells, losses, rated=bool(qualities), seed=seed)
    return Scores(
        primary=INTRA,
        estimates=tuple(estimates),
        cells=cells,
        n_unscored=unscored(cells),
        readings=(
            *_lost(found),
            *_readings(estimates, embedder=embedder, equivalence=equivalence, rated=bool(qualities)),
        ),
    )


def compare_homogeneity(
    *, first: tuple[str, Scores], second: tuple[str, Scores], seed: int = 0
) -> tuple[Comparison, ...]:
    """Paired differences, first minus second, over the prompts that both answered; quality among them."""
    return compare_cells(
        first=(first[0], first[1].cells),
        second=(second[0], second[1].cells),
        measures=MEASURES,
        of="prompts",
        seed=seed,
    )


def _given(
    prompts: PromptSet, responses: Sequence[Response], *, way: WayName, k: int, limit: int | None
) -> dict[str, tuple[Given, ...]]:
    """Prompt -> its answers in order."""
    found: dict[str, tuple[Given, ...]] = {prompt.id: () for prompt in prompts.prompts}
    for response in responses:
        if response.window_id not in found:
            raise DataError(f"An answer is to the unknown prompt {response.window_id!r} of {prompts.id!r}.")
        if response.outcome is not Outcome.ERROR:
            found[response.window_id] += answers_in(response, way=way, k=k)
    return {prompt: given[:limit] for prompt, given in found.items()}


def _answers(
    prompts: PromptSet,
    responses: Sequence[Response],
    *,
    given: Mapping[str, tuple[Given, ...]],
    embedder: Embedder,
) -> list[_Answers]:
    """The answers to each prompt with their vectors, embedded in one call, equal texts once."""
    texts = {prompt: tuple(each.text for each in own if each.text) for prompt, own in given.items()}
    distinct = list(dict.fromkeys(text for own in texts.values() for text in own))
    if not distinct and not any(each.is_lost for own in given.values() for each in own):
        raise DataError(f"There is nothing to score: no answer to {prompts.id!r} holds a word.")
    place = {text: number for number, text in enumerate(distinct)}
    vectors = embedder.embed(distinct) if distinct else np.zeros((0, 1), dtype=np.float32)
    by_prompt: dict[str, list[Response]] = {prompt.id: [] for prompt in prompts.prompts}
    for response in responses:
        by_prompt[response.window_id].append(response)
    return [
        _Answers(
            prompt,
            given[prompt],
            texts[prompt],
            vectors[[place[text] for text in texts[prompt]]],
            _unscored_reason(own, n_texts=len(texts[prompt])),
        )
        for prompt, own in by_prompt.items()
    ]


def _unscored_reason(responses: Sequence[Response], *, n_texts: int) -> str | None:
    if not responses:
        return "not asked"
    if any(each.outcome is Outcome.ERROR for each in responses):
        return ERROR
    return TOO_FEW if n_texts < 2 else None


def _floors(found: Sequence[_Answers]) -> dict[str, float]:
    """Prompt -> mean cosine of its answers with those to every other prompt, prompts weighing alike."""
    if len(found) < 2:
        return {}
    # The mean cosine of two sets of unit vectors is the product of their means.
    means = np.stack([each.vectors.astype(np.float64).mean(axis=0) for each in found])
    products = means @ means.T
    others = (products.sum(axis=1) - np.diag(products)) / (len(found) - 1)
    return {each.prompt: float(floor) for each, floor in zip(found, others, strict=True)}


def _cell(
    answers: _Answers, *, floor: float | None, equivalence: Equivalence, qualities: Sequence[float] | None
) -> CellScore:
    n = len(answers.given)
    if answers.unscored:
        return CellScore(
            question_id=answers.prompt,
            group=POPULATION,
            n_people=None,
            sample_size=n,
            unscored=answers.unscored,
        )
    similarities = pairwise_similarities(answers.vectors)
    vectors = answers.vectors.astype(np.float64)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    classes = classes_by_first_member(len(vectors), equivalence.among(answers.texts, answers.vectors))
    intra = float(similarities.mean())
    values = {
        INTRA: intra,
        "prompts_above_08": float(intra > SIMILAR),
        "pairs_above_08": float((similarities > SIMILAR).mean()),
        "vendi_score": vendi_score(vectors @ vectors.T),
        DISTINCT: float(len(set(classes))),
        **asdict(quality_of(answers.given)),
    }
    if floor is not None:
        values[FLOOR] = floor
    if qualities is not None:
        if len(qualities) != len(answers.texts):
            raise DataError(
                f"qualities: prompt {answers.prompt!r} has {len(qualities)} for {len(answers.texts)} answers with words."
            )
        values[UTILITY] = novelty_utility(qualities, classes)
    return CellScore(
        question_id=answers.prompt, group=POPULATION, n_people=None, sample_size=n, values=values
    )


def _losses(found: Sequence[_Answers]) -> tuple[CellScore, ...]:
    """What was lost, of every prompt that was answered."""
    answered = [each for each in found if each.unscored in {None, TOO_FEW}]
    return tuple(
        CellScore(
            question_id=each.prompt,
            group=POPULATION,
            n_people=None,
            sample_size=len(each.given),
            values={CUT: quality.truncated_share, UNPARSED: quality.unparsed_share},
        )
        for each, quality in zip(answered, (quality_of(each.given) for each in answered), strict=True)
    )


def _lost(found: Sequence[_Answers]) -> tuple[str, ...]:
    """What must be said where answers were lost."""
    given = [answer for each in found for answer in each.given]
    n_lost = sum(answer.is_lost for answer in given)
    if not n_lost:
        return ()
    n_cut = sum(answer.is_lost and answer.is_cut for answer in given)
    rest = (
        "The figures are those of the others, which may be alike, and fewer, for that alone."
        if n_lost < len(given)
        else "Nothing is left to be measured."
    )
    return (
        f"Of {len(given):,} answers asked for {n_lost:,} are lost: {n_cut:,} in replies that the token limit cut, "
        f"{n_lost - n_cut:,} in replies that are not in the form asked for. {rest}",
    )


def _estimates(
    cells: Sequence[CellScore], losses: Sequence[CellScore], *, rated: bool, seed: int
) -> list[Estimate]:
    """Every measure over the cells, and what was lost over cells of their own."""
    found = [
        estimate(measure, losses if measure.name in {CUT, UNPARSED} else cells, of="prompts", seed=seed)
        for measure in MEASURES
        if measure.name != UTILITY or rated
    ]
    if above := _above_floor(cells, seed=seed):
        found.insert(2, above)
    return found


def _above_floor(cells: Sequence[CellScore], *, seed: int) -> Estimate | None:
    """(intra - floor) / (1 - floor) of the means, so that embedders can be compared; None without a floor."""
    seen = [cell for cell in cells if FLOOR in cell.values]
    pairs = [(cell.values[INTRA] or 0.0, cell.values[FLOOR] or 0.0) for cell in seen]
    if not pairs:
        return None
    columns = np.array([[intra - floor, 1 - floor] for intra, floor in pairs]).T
    bounds = cluster_bootstrap_of_sums(
        columns,
        ratio_of_sums,
        clusters=[cell.question_id for cell in seen],
        n_resamples=N_RESAMPLES,
        seed=seed,
    )
    above, room = columns.sum(axis=1)
    return Estimate(
        name=ABOVE_FLOOR,
        value=float(above / room),
        interval=Interval(low=bounds.low, high=bounds.high, method=bootstrap_method("prompts"))
        if bounds
        else None,
        n_questions=len(seen),
        n_cells=len(seen),
        n_unscored=unscored(cells),
        unit="share",
        definition="(intra - floor) / (1 - floor), of the means over prompts",
        lower_is_better=True,
    )


def _readings(
    estimates: Sequence[Estimate], *, embedder: Embedder, equivalence: Equivalence, rated: bool
) -> tuple[str, ...]:
    """What the numbers say; repetition never without what is known of quality."""
    value = {each.name: each.value for each in estimates}
    found = []
    if value[INTRA] is not None:
        floor = value[FLOOR]
        beside = "" if floor is None else f", between answers to different prompts {floor:.3f}"
        found.append(
            f"Answers to one prompt have a mean cosine of {value[INTRA]:.3f}{beside} (embedder {embedder.id}). Of the "
            f"answers {100 * (value['degenerate_share'] or 0):.0f}% are empty or repeat themselves; they have "
            f"{value['mean_words']:.0f} words on average."
        )
    found.append(
        "Low similarity is no praise by itself: noise is varied too, and what is seen here of quality does not see "
        f"word salad. That {SIMILAR:g} means repetition was published for another embedder: read it against the floor."
    )
    found.append(f"Answers count as the same by this rule: {equivalence.definition}.")
    if not rated:
        found.append(
            "NoveltyBench's utility needs qualities, which no reward model gives here: it is left out."
        )
    return tuple(found)
