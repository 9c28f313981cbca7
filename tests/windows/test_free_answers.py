import numpy as np
import pytest

from pluralign.data.social_choice import FreeAnswer, Rating, Survey
from pluralign.errors import ConfigurationError, DataError
from pluralign.windows.free_answers import free_answer_windows, load_free_answer_windows

CAT, DOG = "Cats", "Dogs"


class WordEmbedder:
    """Counts two words, and a little of the length, so that sentences differ."""

    id = "words"

    def fingerprint(self):
        return {"embedder": self.id}

    def embed(self, texts):
        counts = [(text.count(CAT), text.count(DOG), 0.2 + len(text) / 1000) for text in texts]
        rows = np.array(counts, dtype=np.float32).reshape(-1, 3)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def survey(answers, *, levels=(), questions=("What of pets?", "What of cars?")):
    return Survey(
        id="pets",
        questions=questions,
        asked="How well?",
        levels=("poorly", "well", "very well"),
        answers=tuple(
            FreeAnswer(user=f"g{number}", sample="generation", question=questions[0], text=text)
            for number, text in enumerate(answers)
        ),
        ratings=tuple(
            Rating(
                user=f"g{number}",
                sample="generation",
                statement=statement,
                level=level,
                n_levels=3,
                reason="",
            )
            for number, statement, level in levels
        ),
        source="Made in the test.",
    )


def windows(survey, **arguments):
    settings = {"prompts": {"of pets": "Which pet?"}, "embedder": WordEmbedder()} | arguments
    return free_answer_windows(survey, **settings)


ANSWERS = [
    "Cats are best of all pets. Because they purr all day long.",
    "I think that Cats are clean and quiet animals. Cats!",
    "Cats, e.g. Siamese Cats, are lovely to live with.\nCats are quite easy to keep",
    "Dogs are best of all pets. Dogs are loyal to their people.",
    "In my view Dogs are more fun. A dog needs a garden.",
]


def test_viewpoints_are_peoples_own_sentences():
    loaded = windows(survey(ANSWERS))
    (window,) = loaded.windows
    assert (window.id, window.prompt, window.n_people) == ("pets/1", "Which pet?", 5)
    cats, dogs = window.viewpoints
    assert (cats.id, cats.share, cats.n_people) == ("cluster=0", pytest.approx(0.6), 3)
    assert (dogs.id, dogs.share, dogs.n_people) == ("cluster=1", pytest.approx(0.4), 2)
    # One sentence a person; none under five words ("Cats!"), and "e.g." ends no sentence.
    assert set(cats.statements) == {
        "Cats are best of all pets.",
        "I think that Cats are clean and quiet animals.",
        "Cats, e.g. Siamese Cats, are lovely to live with.",
    }
    assert len(dogs.statements) == 2
    assert all("Dogs" in text for text in dogs.statements)
    assert loaded.source == "Made in the test."
    assert "embedded by words" in loaded.made
    assert "pets/1 5 answers, k = 2" in loaded.made
    assert "variance" not in loaded.made


def test_the_nearest_sentence_comes_first_and_repeats_count_once():
    answers = ["Cats are best of all.", "Cats are best of all.", "Cats Cats Cats Cats Cats.", *ANSWERS[3:]]
    (window,) = windows(survey(answers), n_statements=2).windows
    assert len(window.viewpoints[0].statements) == 2
    assert len(set(window.viewpoints[0].statements)) == 2


def test_what_the_clusters_explain_of_the_same_peoples_ratings():
    levels = [(number, "Cats!", 2 if number < 3 else 0) for number in range(5)]
    levels += [(number, "Only some were asked.", 1) for number in range(3)]
    made = windows(survey(ANSWERS, levels=levels)).made
    assert "explaining 100.0% of the variance of the same people's ratings of 1 statements" in made
    assert "(25.0% expected of random clusters)" in made  # (2 - 1) / (5 - 1)


def test_what_cannot_make_a_window():
    with pytest.raises(
        ConfigurationError, match=r"'boats' stands in no question of pets.*\n- What of pets\?"
    ):
        windows(survey(ANSWERS), prompts={"boats": "?"})
    with pytest.raises(ConfigurationError, match=r"'What of' stands in 2 questions"):
        windows(survey(ANSWERS), prompts={"What of": "?"})
    with pytest.raises(ConfigurationError, match="at least one question"):
        windows(survey(ANSWERS), prompts={})
    with pytest.raises(ConfigurationError, match="n_statements"):
        windows(survey(ANSWERS), n_statements=0)
    with pytest.raises(DataError, match="pets/2: 0 answers do not form clusters"):
        windows(survey(ANSWERS), prompts={"cars": "?"})
    with pytest.raises(DataError, match=r"pets/1: 2 answers do not form clusters: .*1 different"):
        windows(survey([ANSWERS[0]] * 2))
    with pytest.raises(DataError, match="pets/1: a window needs two views; 0 clusters have sentences"):
        windows(survey(["Cats!", "Dogs!"]))


@pytest.mark.slow
def test_the_abortion_survey(shared_data):
    from pluralign.models.embedding import is_present

    if not is_present():
        pytest.skip("the embedded sentence embedder is not installed")
    path = shared_data / "generative_social_choice/abortion_survey.csv"
    prompts = {"how you think society should deal": "How should society deal with abortions, and why?"}
    loaded = load_free_answer_windows(path=path, prompts=prompts, device="cpu")
    (window,) = loaded.windows
    assert (window.id, window.n_people) == ("abortion_survey/5", 100)
    assert sum(view.n_people for view in window.viewpoints) == 100
    text = " ".join(path.read_text(encoding="utf-8").split())
    assert all(" ".join(said.split()) in text for view in window.viewpoints for said in view.statements)
    # The clusters are hardly views: people's ratings tell so.
    assert "(1.0% expected of random clusters)" in loaded.made
