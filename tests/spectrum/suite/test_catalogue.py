import pytest

from pluralign.errors import ConfigurationError
from pluralign.quickstart import TRAINING_TASKS
from pluralign.spectrum.suite import SUITE, DataPlace, get_source
from pluralign.spectrum.suite.catalogue import _MODULES
from pluralign.spectrum.tasks import FAMILIES


def test_every_source_stands_there_once():
    assert len(SUITE) == sum(len(module.SOURCES) for module in _MODULES)
    assert set(FAMILIES) <= set(SUITE)


def test_training_and_held_out_sources_are_made_of_different_material():
    material = {
        split: {name for source in SUITE.values() if source.split == split for name in source.material}
        for split in ("train", "held_out")
    }

    assert all(material.values())
    assert not material["train"] & material["held_out"]


def test_what_is_measured_is_held_out_and_the_main_job_trains_on_nothing_held_out():
    held_out = {name for name, source in SUITE.items() if source.split == "held_out"}

    assert held_out >= {
        "bernoulli",
        "dice",
        "integers",
        "urn",
        "flight",
        "polis_vote_held_out",
        "habermas_question",
    }
    assert not held_out & TRAINING_TASKS.keys()


@pytest.mark.parametrize("name", list(SUITE))
def test_a_source_says_what_it_is_and_how_to_get_its_data(name):
    source = SUITE[name]

    assert source.licence
    assert source.citation
    assert source.origin
    assert source.material
    assert source.n_rows > 0
    if source.needs.files:
        line = source.needs.missing(DataPlace())
        assert line == f"{source.needs.files[0]} is not there: {source.needs.how}"
        assert "\n" not in line
        assert "DIR/" in line
    else:
        assert source.needs.missing(DataPlace()) is None
    if source.split == "held_out":
        assert source.settings.description_keep_prob == 1.0
    else:
        assert source.settings.description_keep_prob == 0.8


def test_the_hub_may_stand_in_for_a_file():
    needs = SUITE["helpsteer"].needs

    assert needs.missing(DataPlace(hub=True)) is None
    assert needs.missing(DataPlace(hub=False)) is not None


def test_an_unknown_source_is_named():
    with pytest.raises(ConfigurationError, match=r"Unknown source 'fligt'\. Did you mean 'flight'\?"):
        get_source("fligt")
