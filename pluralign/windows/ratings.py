"""Windows from ratings: people for whom the same statements capture their view, in those statements."""

from pathlib import Path

import numpy as np

from pluralign.data.ballots import NO_GROUP
from pluralign.data.social_choice import Survey, rating_matrix, read_survey
from pluralign.errors import ConfigurationError, DataError
from pluralign.metrics.arrays import check_count
from pluralign.metrics.clustering import NUMBERS
from pluralign.records import Window, WindowSet
from pluralign.windows.votes import MIN_OWN_VOTES, N_COMPONENTS, cluster_votes, describe_groups

MIN_RATINGS = 10  # of a statement, in the group and outside, as for votes


def load_rating_windows(
    *, path: str | Path, prompt: str, sample: str = "validation", n_statements: int = 3, seed: int = 0
) -> WindowSet:
    """Make a window of the ratings in a survey of generative social choice.

    Args:
        path: The file, as `read_survey` takes it.
        prompt: What a model is asked.
        sample: Whose ratings: "generation" or "validation".
        n_statements: Number of statements of a viewpoint, at most.
        seed: Seed of the clustering.

    Returns:
        The window, as `rating_windows` makes it.

    Raises:
        ConfigurationError: As `rating_windows`.
        DataError: The file is malformed, or as `rating_windows`.
    """
    return rating_windows(
        read_survey(path), prompt=prompt, sample=sample, n_statements=n_statements, seed=seed
    )


def rating_windows(
    survey: Survey, *, prompt: str, sample: str = "validation", n_statements: int = 3, seed: int = 0
) -> WindowSet:
    """Make a window of how well statements capture people's views.

    People are clustered by their levels as voters are by their votes. A level in the upper half counts as agreement
    with the statement, so that a viewpoint is a cluster in the statements that capture the view of its people more
    than of the others; its share is that of the clustered people.

    Args:
        survey: The survey.
        prompt: What a model is asked.
        sample: Whose ratings.
        n_statements: Number of statements of a viewpoint, at most.
        seed: Seed of the clustering.

    Raises:
        ConfigurationError: An unknown sample, or a number below 1.
        DataError: The ratings do not form or describe two clusters.
    """
    check_count("n_statements", n_statements)
    people, statements, levels = rating_matrix(survey, sample=sample)
    if not people:
        known = ", ".join(dict.fromkeys(rating.sample for rating in survey.ratings))
        raise ConfigurationError(f"sample: {survey.id} has no ratings of {sample!r}. Known: {known}.")
    name = f"{survey.id}/{sample}"
    try:
        made = cluster_votes(levels, seed=seed)
    except DataError as error:
        raise DataError(f"{name}: {error}") from error
    middle = (len(survey.levels) - 1) / 2
    viewpoints = describe_groups(
        np.sign(levels - middle),
        made.labels,
        texts=statements,
        min_votes=MIN_RATINGS,
        n_statements=n_statements,
    )
    if len(viewpoints) < 2:
        raise DataError(
            f"{name}: of {made.clusters.k} clusters of people, statements describe {len(viewpoints)}, and a window "
            "needs two views: the same statements capture the views of all, or none does."
        )
    n_inside = int(np.count_nonzero(made.labels != NO_GROUP))
    return WindowSet(
        id=f"ratings-{survey.id}",
        windows=(Window(id=name, prompt=prompt, viewpoints=viewpoints, n_people=len(people)),),
        source=survey.source,
        made=(
            f"k-means of people's ratings of {len(statements)} statements in {N_COMPONENTS} principal components, "
            f"{n_inside} of {len(people)} people with {min(MIN_OWN_VOTES, len(statements))} ratings or more, k out "
            f"of {NUMBERS[0]} to {NUMBERS[-1]} by the largest mean silhouette (k = {made.clusters.k}, silhouette "
            f"{made.clusters.silhouette:.2f}), each in at most {n_statements} of the rated statements, which a "
            "language model wrote, by the representativeness test of Polis."
        ),
    )
