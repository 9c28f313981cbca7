"""Which sequences are read: the same for every model, of one length, drawn with the seed."""

import pytest

from pluralign.errors import ConfigurationError, UnsupportedError
from pluralign.evals.sequences import n_words
from pluralign.evaluation.sequences import SequencesSettings, make_sequences, prepare_sequences
from pluralign.evaluation.sequences.config import SequencesConfig
from pluralign.evaluation.spec import load_sequences_spec, load_spec
from pluralign.models import ScriptedModel, TransformersModel


def made(spec, **settings):
    return make_sequences(
        SequencesConfig(spec=spec, settings=SequencesSettings(**settings), model="embedded")
    )


def test_the_shipped_flights_have_nine_choices_each():
    found = made(load_sequences_spec("sequences/flight"), sequences=50)
    assert found.n_examples == 9
    assert len(found.sequences) == 50
    assert (found.n_available, found.n_long_enough) == (200, 200)
    assert set(found.options) == {"1", "2", "3"}
    for each in found.sequences:
        assert each.sequence.description
        assert len(each.sequence.examples) == 9
        texts = [each.sequence.description]
        texts += [text for example in each.sequence.examples for text in (example.input, example.output)]
        assert sum(map(n_words, texts)) <= 768


def test_a_smaller_draw_is_part_of_a_larger_one_and_has_the_same_length():
    spec = load_sequences_spec("sequences/flight")
    few, many = made(spec, sequences=10), made(spec, sequences=60)
    assert {each.id for each in few.sequences} < {each.id for each in many.sequences}
    assert few.n_examples == many.n_examples
    assert made(spec, sequences=10).digest == few.digest


def test_the_seed_decides_who_is_drawn(spec):
    assert made(spec, seed=1).digest != made(spec, seed=2).digest
    assert made(spec, seed=1).digest == made(spec, seed=1).digest


def test_the_budget_of_words_decides_the_length(spec):
    assert made(spec).n_examples == 2
    assert made(spec, max_words=300).n_examples == 3


def test_every_model_reads_the_same(spec, model):
    other = TransformersModel(model._weights, default_system="drop")
    plans = [
        prepare_sequences(spec, model=model, settings=SequencesSettings(layout=name))
        for name in ("chat", "colon")
    ] + [prepare_sequences(spec, model=other)]
    assert len({plan.sequences.digest for plan in plans}) == 1
    keys = [{unit.key for unit in plan.plan.units} for plan in plans]
    assert keys[0].isdisjoint(keys[1])  # the layout is part of what a row is
    assert plans[0].layout.name == "chat"


def test_rows_of_ones_own(built, model):
    spec = load_sequences_spec("sequences/own-rows")
    found = made(spec, data={"path": str(built)})
    assert found.n_available == 12
    assert found.sequences[0].id.startswith("bernoulli/")
    assert {len(each.sequence.examples) for each in found.sequences} == {found.n_examples}
    (file,) = built.glob("*.parquet")
    assert made(spec, data={"path": str(file)}).digest == found.digest


def test_polis_votes(shared_data):
    found = made(load_sequences_spec("sequences/polis-votes"), sequences=20, data={"path": str(shared_data)})
    assert set(found.options) == {"Agree", "Disagree", "Pass"}
    assert len(found.sequences) == 20
    assert found.n_long_enough < found.n_available


def test_data_that_are_not_there(spec):
    with pytest.raises(
        ConfigurationError, match=r"polis is not there.*Give the folder as --data path=FOLDER"
    ):
        made(load_sequences_spec("sequences/polis-votes"))
    with pytest.raises(ConfigurationError, match="sequences of your own: --data path=FOLDER"):
        made(load_sequences_spec("sequences/own-rows"))
    with pytest.raises(ConfigurationError, match="--data path=FOLDER is all that it takes"):
        made(spec, data={"folder": "x"})


def test_a_model_that_is_not_in_memory_is_refused(spec):
    with pytest.raises(UnsupportedError, match="scores every token of an output, and 'scripted' does not"):
        prepare_sequences(spec, model=ScriptedModel("scripted"))


def test_other_specs_are_refused():
    with pytest.raises(ConfigurationError, match="has no sequences to be read"):
        load_sequences_spec("distributional/urn")
    assert load_spec("sequences/flight").evaluator == "sequences"
