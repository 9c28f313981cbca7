import numpy as np
import pytest

from pluralign.data.social_choice import Rating, Survey
from pluralign.errors import ConfigurationError, DataError
from pluralign.windows.ratings import load_rating_windows, rating_windows


def survey(levels):
    """A survey with these ratings, shape (people, statements); NaN for none."""
    return Survey(
        id="pets",
        questions=("What of pets?",),
        asked="How well?",
        levels=("not at all", "poorly", "somewhat", "mostly", "perfectly"),
        answers=(),
        ratings=tuple(
            Rating(
                user=f"v{row}",
                sample="validation",
                statement=f"Statement {column}.",
                level=int(level),
                n_levels=5,
                reason="",
            )
            for (row, column), level in np.ndenumerate(levels)
            if not np.isnan(level)
        ),
    )


def two_camps():
    """Twenty whose view the first two statements capture, twelve for the last two; one in the middle does not count."""
    rng = np.random.default_rng(0)
    high, low = rng.integers(3, 5, size=(32, 4)).astype(float), rng.integers(0, 2, size=(32, 4)).astype(float)
    first = np.array([True] * 20 + [False] * 12)[:, None]
    own = np.where(first, [True, True, False, False], [False, False, True, True])
    return np.column_stack([np.where(own, high, low), np.full(32, 2.0)])


def test_people_whose_view_the_same_statements_capture():
    loaded = rating_windows(survey(two_camps()), prompt="Which pet?")
    (window,) = loaded.windows
    assert (window.id, window.prompt, window.n_people) == ("pets/validation", "Which pet?", 32)
    first, second = window.viewpoints
    assert (first.n_people, first.share) == (20, 20 / 32)
    assert (second.n_people, second.share) == (12, 12 / 32)
    assert set(first.statements) == {"Statement 0.", "Statement 1."}
    assert set(second.statements) == {"Statement 2.", "Statement 3."}
    assert "32 of 32 people with 5 ratings or more" in loaded.made
    assert "(k = 2, silhouette 0." in loaded.made


def test_people_with_few_ratings_are_in_no_cluster():
    levels = two_camps()
    levels[0, 1] = np.nan
    loaded = rating_windows(survey(levels), prompt="Which pet?", n_statements=1)
    assert [view.n_people for view in loaded.windows[0].viewpoints] == [19, 12]
    assert [len(view.statements) for view in loaded.windows[0].viewpoints] == [1, 1]
    assert loaded.windows[0].n_people == 32


def test_what_cannot_make_a_window():
    with pytest.raises(ConfigurationError, match=r"no ratings of 'pilot'\. Known: validation"):
        rating_windows(survey(two_camps()), prompt="?", sample="pilot")
    with pytest.raises(ConfigurationError, match="n_statements"):
        rating_windows(survey(two_camps()), prompt="?", n_statements=0)
    with pytest.raises(DataError, match="pets/validation: points: 1 different"):
        rating_windows(survey(np.full((20, 5), 4.0)), prompt="?")
    agreed = np.column_stack([np.full((30, 2), 4.0), np.repeat([4.0, 0.0], [20, 10])])
    with pytest.raises(
        DataError, match="of 2 clusters of people, statements describe 1, and a window needs two"
    ):
        rating_windows(survey(agreed), prompt="?")


def test_the_abortion_survey(shared_data):
    path = shared_data / "generative_social_choice/abortion_survey.csv"
    loaded = load_rating_windows(path=path, prompt="How should society deal with abortions, and why?")
    legal, illegal = loaded.windows[0].viewpoints
    assert (legal.n_people, illegal.n_people) == (61, 39)
    assert all("should be legal" in text for text in legal.statements)
    assert all("should be illegal" in text for text in illegal.statements)
