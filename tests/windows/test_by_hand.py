import pytest

from pluralign.errors import ConfigurationError, DataError
from pluralign.windows.by_hand import load_window_file

PETS = """
id: pets
source: My own.
windows:
  - id: cats-or-dogs
    prompt: Cats or dogs?
    n_people: 10
    viewpoints:
      - {id: cats, statements: ["Cats are better.", "Dogs are worse."], share: 0.7, n_people: 7}
      - id: dogs
        statements: [Dogs are better.]
        share: 0.2
  - id: birds
    prompt: And birds?
    viewpoints:
      - {id: "yes", statements: [Birds are fine.]}
"""


@pytest.fixture
def load(tmp_path):
    def _load(text):
        path = tmp_path / "pets.yaml"
        path.write_text(text)
        return load_window_file(path=path)

    return _load


def test_windows_by_hand(load):
    pets = load(PETS)
    assert (pets.id, pets.source, pets.made) == ("pets", "My own.", "Written by hand.")
    cats, birds = pets.windows
    assert cats.viewpoints[0].statements == ("Cats are better.", "Dogs are worse.")
    assert cats.weights == pytest.approx((7 / 9, 2 / 9))
    assert birds.weights is None


def test_how_they_were_made_may_be_told(load):
    assert load(PETS + "made: Asked around.\n").made == "Asked around."


@pytest.mark.parametrize(
    ("old", "new", "error", "words"),
    [
        ("prompt: And birds?", "promt: And birds?", DataError, r"windows\.1\.prompt: Field required"),
        ("share: 0.2", "share: 1.2", DataError, r"windows\.0\.viewpoints\.1\.share"),
        ("share: 0.2", "share: 0.4", DataError, "sum to more than 1"),
        ("id: dogs", "id: cats", DataError, "occur more than once"),
        ("[Birds are fine.]", "[]", DataError, r"viewpoints\.0\.statements"),
        ("id: pets", "id: !!python/none pets", ConfigurationError, "pets.yaml"),
        ("id: pets", "id: [pets", ConfigurationError, "pets.yaml"),
    ],
)
def test_a_file_that_is_wrong(load, old, new, error, words):
    with pytest.raises(error, match=words) as caught:
        load(PETS.replace(old, new))
    assert "pets.yaml" in str(caught.value)


def test_no_file(tmp_path):
    with pytest.raises(ConfigurationError, match=r"none\.yaml"):
        load_window_file(path=tmp_path / "none.yaml")
