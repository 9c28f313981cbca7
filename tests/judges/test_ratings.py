import numpy as np
import pytest

from pluralign.data.social_choice import FreeAnswer, Rating, Survey
from pluralign.errors import ConfigurationError, DataError
from pluralign.judges.ratings import (
    RatingTable,
    load_rating_tables,
    nearest_neighbours,
    person_means,
    rating_tables,
    statement_means,
)

NAN = np.nan
LEVELS = ("badly", "somewhat", "well")


def rating(user, statement, level, *, sample="validation", reason="Because."):
    return Rating(
        user=user, sample=sample, statement=statement, level=level, n_levels=len(LEVELS), reason=reason
    )


def survey(ratings, answers=()):
    return Survey(
        id="tea",
        questions=("What of tea?",),
        asked="How well does this capture your view?",
        levels=LEVELS,
        answers=tuple(answers),
        ratings=tuple(ratings),
    )


def table(**changed):
    fields = {
        "id": "tea/validation",
        "people": ("ann", "bob"),
        "statements": ("Tea is good.", "Tea is very bad."),
        "levels": np.array([[0.0, 2.0], [1.0, NAN]]),
        "n_levels": 3,
        "free_answers": ((), ()),
        "reasons": (("Too bitter.", "Right."), ("Well.", "")),
    }
    return RatingTable(**(fields | changed))


def test_each_sample_is_a_table_of_its_own():
    ratings = [
        rating("ann", "Tea is good.", 2, reason="I love it."),
        rating("ann", "Tea is bad.", 0, reason="No!"),
        rating("bob", "Tea is bad.", 1, reason=""),
        rating("cat", "Tea is good.", 1, sample="generation"),
        rating("dan", "Tea is dear.", 2, sample="generation"),
    ]
    answers = [
        FreeAnswer(user="dan", sample="generation", question="What of tea?", text="It costs much."),
        FreeAnswer(user="cat", sample="generation", question="What of tea?", text="It is fine."),
        FreeAnswer(user="cat", sample="generation", question="What of tea?", text="Green above all."),
    ]

    validation, generation = rating_tables(survey(ratings, answers))

    assert (validation.id, validation.people, validation.top) == ("tea/validation", ("ann", "bob"), 2)
    assert validation.statements == ("Tea is good.", "Tea is bad.")
    np.testing.assert_array_equal(validation.levels, [[2, 0], [NAN, 1]])
    assert validation.words == "reasons for other ratings"
    assert generation.words == "free answers"
    assert generation.own_words(0, 1) == ("It is fine.", "Green above all.")


def test_the_reason_for_a_rating_is_never_read_to_predict_it():
    own = table()

    assert own.own_words(0, 0) == ("Right.",)
    assert own.own_words(0, 1) == ("Too bitter.",)
    assert own.own_words(1, 0) == ()


def test_the_digest_is_of_the_content():
    assert table().digest == table().digest
    assert table(levels=np.array([[0.0, 2.0], [1.0, 1.0]])).digest != table().digest
    assert table(reasons=(("Too bitter.", "Right."), ("Well.", "?"))).digest != table().digest


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"levels": np.zeros((2, 3))}, r"must fit \(2, 2\)"),
        ({"levels": np.array([[0.0, 3.0], [1.0, NAN]])}, r"'ann' of statement 1 must lie in 0 to 2, not 3.0"),
        ({"reasons": (("a",), ("b", "c"))}, "each person needs 2 reasons"),
        ({"people": ("ann",), "levels": np.zeros((1, 2)), "free_answers": ((),)}, "must fit"),
        (
            {
                "people": ("ann",),
                "levels": np.zeros((1, 2)),
                "free_answers": ((),),
                "reasons": (("a", "b"),),
            },
            "two people and two statements are needed",
        ),
    ],
)
def test_what_does_not_fit_is_refused(changed, message):
    with pytest.raises(DataError, match=message):
        table(**changed)


def test_means_of_the_others():
    levels = np.array([[0.0, 2.0, 4.0], [6.0, NAN, 0.0], [3.0, 3.0, NAN]])

    np.testing.assert_allclose(person_means(levels), [[3, 2, 1], [0, NAN, 6], [3, 3, NAN]])
    np.testing.assert_allclose(statement_means(levels), [[4.5, 3, 0], [1.5, NAN, 4], [3, 2, NAN]])


def test_nobody_else_gives_no_mean():
    levels = np.array([[1.0, NAN], [2.0, 4.0]])

    assert np.isnan(person_means(levels)[0]).all()
    assert np.isnan(statement_means(levels)[:, 1]).all()


def test_leaving_a_rating_out_turns_the_order_within_a_person_round():
    levels = np.array([[0.0, 5.0, 1.0, 3.0]])

    np.testing.assert_array_equal(np.argsort(person_means(levels)), np.argsort(-levels))


def test_nearest_neighbours_by_hand():
    levels = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 5.0], [4.0, 4.0, 6.0], [0.0, 0.0, 3.0]])

    # Of the first person's third rating: distances on the first two are 0.5, 4 and 0.
    assert nearest_neighbours(levels, k=1)[0, 2] == 3
    assert nearest_neighbours(levels, k=2)[0, 2] == 4


def test_those_tied_at_the_last_place_share_it():
    levels = np.array([[0.0, 1.0], [0.0, 2.0], [0.0, 4.0], [0.0, 6.0]])

    assert nearest_neighbours(levels, k=1)[0, 1] == pytest.approx(4)
    assert nearest_neighbours(levels[[0, 3, 2, 1]], k=1)[0, 1] == pytest.approx(4)


def test_too_few_neighbours():
    levels = np.array([[0.0, 1.0, 2.0], [0.0, NAN, 1.0], [1.0, 2.0, 2.0]])

    assert np.isnan(nearest_neighbours(levels, k=2)[:, 1]).all()
    assert np.isfinite(nearest_neighbours(levels, k=2)[:, 0]).all()
    with pytest.raises(ConfigurationError, match="k must be at least 1"):
        nearest_neighbours(levels, k=0)


def test_a_folder_without_surveys(tmp_path):
    with pytest.raises(DataError, match=r"holds no survey; one of abortion_survey\.csv"):
        load_rating_tables(tmp_path)
    with pytest.raises(ConfigurationError, match=r"Unknown survey 'abortin'.*abortion"):
        load_rating_tables(tmp_path, surveys=["abortin"])
    (tmp_path / "mine.csv").write_text("")
    with pytest.raises(ConfigurationError, match="is one file"):
        load_rating_tables(tmp_path / "mine.csv", surveys=["abortion"])


@pytest.mark.parametrize(
    ("survey", "shape", "errors"),
    [
        ("abortion", (100, 10), (2.06, 1.93, 0.91)),
        ("chatbot", (100, 5), (0.66, 0.81, 0.705)),
    ],
)
def test_published_surveys(shared_data, survey, shape, errors):
    """Leave-one-out errors; of the neighbours, ties at the fifth place move the second decimal."""
    (own,) = (
        each
        for each in load_rating_tables(shared_data / "generative_social_choice", surveys=[survey])
        if each.id.endswith("/validation")
    )
    predicted = [predict(own.levels) for predict in (person_means, statement_means, nearest_neighbours)]
    found = [float(np.abs(each - own.levels).mean()) for each in predicted]

    assert own.levels.shape == shape
    assert np.isfinite(own.levels).all()
    assert found[:2] == pytest.approx(errors[:2], abs=0.005)
    assert found[2] == pytest.approx(errors[2], abs=0.015)
