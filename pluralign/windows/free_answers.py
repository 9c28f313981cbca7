"""Windows from people's free answers: clusters of answers with like words, in sentences that people wrote."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pluralign.data.social_choice import FreeAnswer, Survey, rating_matrix, read_survey
from pluralign.errors import ConfigurationError, DataError
from pluralign.metrics.arrays import check_count
from pluralign.metrics.clustering import NUMBERS, Clusters, cluster_by_silhouette, explained_share
from pluralign.models.embedding import Embedder, load_embedder
from pluralign.records import Viewpoint, Window, WindowSet

N_STARTS = 100  # in hundreds of dimensions few starts end at the best inertia
MIN_WORDS = 5  # of a sentence that states a view
_SENTENCE_END = re.compile(r"(?<=[.!?])(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\betc\.)(?<!\bvs\.)\s+|\n+")


class _Made(NamedTuple):
    window: Window
    fact: str


def load_free_answer_windows(
    *,
    path: str | Path,
    prompts: Mapping[str, str],
    embedder: str = "embedded",
    device: str = "auto",
    n_statements: int = 3,
    seed: int = 0,
) -> WindowSet:
    """Make a window of each question of a survey of generative social choice that people answered freely.

    Args:
        path: The file, as `read_survey` takes it.
        prompts: Words that stand in exactly one of the survey's questions -> what a model is asked about it.
        embedder: As `load_embedder` takes it.
        device: Device of the embedder.
        n_statements: Number of statements of a viewpoint, at most.
        seed: Seed of the clustering.

    Returns:
        The windows, as `free_answer_windows` makes them.

    Raises:
        ConfigurationError: As `free_answer_windows`.
        DataError: The file is malformed, or too few people answered.
        ModelError: There is no such embedder.
    """
    survey = read_survey(path)
    for words in prompts:
        _question(survey, words)
    return free_answer_windows(
        survey,
        prompts=prompts,
        embedder=load_embedder(embedder, device=device),
        n_statements=n_statements,
        seed=seed,
    )


def free_answer_windows(
    survey: Survey, *, prompts: Mapping[str, str], embedder: Embedder, n_statements: int = 3, seed: int = 0
) -> WindowSet:
    """Make a window of each question named, by k-means of the embedded answers.

    A viewpoint is a cluster of answers, in the sentences of its people that lie nearest to its centre, one a
    person; its share is that of the answers. Embedders place answers by what they speak of more than by what they
    hold of it. Where the same people rated statements, `made` therefore tells what share of the variance of their
    ratings the clusters explain, beside what random clusters explain on average: near that, they are no views.

    Args:
        survey: The survey.
        prompts: Words that stand in exactly one of its questions -> what a model is asked about it.
        embedder: Embeds answers and sentences.
        n_statements: Number of statements of a viewpoint, at most.
        seed: Seed of the clustering.

    Returns:
        One window a question; "5" at the end of an id is the number of the question.

    Raises:
        ConfigurationError: No prompt, a number below 1, or words that stand in no question or in several.
        DataError: The answers to a question do not form two clusters that have sentences.
    """
    if not prompts:
        raise ConfigurationError("prompts: name at least one question of the survey.")
    check_count("n_statements", n_statements)
    made = [
        _window(
            survey,
            _question(survey, words),
            prompt=prompt,
            embedder=embedder,
            n_statements=n_statements,
            seed=seed,
        )
        for words, prompt in prompts.items()
    ]
    return WindowSet(
        id=f"free_answers-{survey.id}",
        windows=tuple(item.window for item in made),
        source=survey.source,
        made=(
            f"k-means of people's free answers, embedded by {embedder.id}, k out of {NUMBERS[0]} to {NUMBERS[-1]} "
            f"by the largest mean silhouette, each cluster in at most {n_statements} of its people's sentences "
            f"nearest to its centre: {'; '.join(item.fact for item in made)}."
        ),
    )


def _question(survey: Survey, words: str) -> str:
    """The question that these words stand in."""
    found = [question for question in survey.questions if words in question]
    if len(found) == 1:
        return found[0]
    listed = "".join(f"\n- {' '.join(question.split())}" for question in found or survey.questions)
    place = f"in {len(found)} questions" if found else "in no question"
    raise ConfigurationError(
        f"prompts: {words!r} stands {place} of {survey.id}. Give words that stand in one of:{listed}"
    )


def _window(
    survey: Survey, question: str, *, prompt: str, embedder: Embedder, n_statements: int, seed: int
) -> _Made:
    answers = [answer for answer in survey.answers if answer.question == question]
    name = f"{survey.id}/{survey.questions.index(question) + 1}"
    try:
        clusters = cluster_by_silhouette(
            embedder.embed([answer.text for answer in answers]), n_starts=N_STARTS, seed=seed
        )
    except DataError as error:
        raise DataError(f"{name}: {len(answers)} answers do not form clusters: {error}") from error
    statements = _statements(answers, clusters, embedder=embedder, n_statements=n_statements)
    sizes = np.bincount(clusters.kmeans.labels)
    viewpoints = tuple(
        Viewpoint(
            id=f"cluster={cluster}",
            statements=tuple(sentences),
            share=float(sizes[cluster]) / len(answers),
            n_people=int(sizes[cluster]),
        )
        for cluster, sentences in enumerate(statements)
        if sentences
    )
    if len(viewpoints) < 2:
        raise DataError(f"{name}: a window needs two views; {len(viewpoints)} clusters have sentences.")
    window = Window(id=name, prompt=prompt, viewpoints=viewpoints, n_people=len(answers))
    fact = f"{name} {len(answers)} answers, k = {clusters.k}, mean silhouette {clusters.silhouette:.2f}"
    return _Made(window, fact + _explained(survey, answers, clusters))


def _statements(
    answers: Sequence[FreeAnswer], clusters: Clusters, *, embedder: Embedder, n_statements: int
) -> list[list[str]]:
    """Of each cluster, the sentences of its people nearest to its centre, and nearer to it than to any other."""
    own = [(row, sentence) for row, answer in enumerate(answers) for sentence in _sentences(answer.text)]
    if not own:
        return [[] for _ in range(clusters.k)]
    rows = np.array([row for row, _ in own])
    centres = clusters.kmeans.centres
    directions = centres / np.linalg.norm(centres, axis=1, keepdims=True)
    nearness = embedder.embed([sentence for _, sentence in own]) @ directions.T  # (sentences, clusters)
    found: list[list[str]] = []
    for cluster in range(clusters.k):
        fits = (clusters.kmeans.labels[rows] == cluster) & (nearness.argmax(axis=1) == cluster)
        chosen: dict[str, str] = {}  # person -> sentence
        for index in np.argsort(-nearness[:, cluster], kind="stable"):
            row, sentence = own[index]
            if fits[index] and len(chosen) < n_statements and sentence not in chosen.values():
                chosen.setdefault(answers[row].user, sentence)
        found.append(list(chosen.values()))
    return found


def _sentences(text: str) -> list[str]:
    """The sentences that are long enough to state a view."""
    pieces = (piece.strip() for piece in _SENTENCE_END.split(text))
    return [piece for piece in pieces if len(piece.split()) >= MIN_WORDS]


def _explained(survey: Survey, answers: Sequence[FreeAnswer], clusters: Clusters) -> str:
    """How much of the same people's ratings the clusters explain; nothing where not all rated a same statement."""
    levels = _levels(survey, answers)
    if not levels.size:
        return ""
    share = explained_share(levels, clusters.kmeans.labels)
    chance = (clusters.k - 1) / (len(answers) - 1)
    return (
        f", explaining {share:.1%} of the variance of the same people's ratings of {levels.shape[1]} statements "
        f"({chance:.1%} expected of random clusters)"
    )


def _levels(survey: Survey, answers: Sequence[FreeAnswer]) -> NDArray[np.float64]:
    """These people's ratings of the statements that all of them rated, shape (people, statements)."""
    rated = rating_matrix(survey, sample=answers[0].sample)
    rows = {(answers[0].sample, user): row for row, user in enumerate(rated.people)}
    people = [(answer.sample, answer.user) for answer in answers]
    if any(person not in rows for person in people):
        return np.empty((len(people), 0))
    levels = rated.levels[[rows[person] for person in people]]
    return levels[:, ~np.isnan(levels).any(axis=0)]
