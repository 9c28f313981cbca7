"""A tiny model in memory, and an evaluation of one's own rows."""

import pytest

from pluralign.evaluation.sequences import SequencesSettings, evaluate_sequences
from pluralign.evaluation.spec import SequencesSpec
from pluralign.models import TransformersModel

SOURCE = {"name": "mine", "licence": "CC0-1.0"}


@pytest.fixture
def model(tiny_weights):
    return TransformersModel(tiny_weights)


@pytest.fixture
def spec():
    """Three choices of each of a few travellers: a tiny model reads 512 tokens."""
    return SequencesSpec.model_validate({
        "id": "sequences/mine",
        "version": "1-A",
        "title": "Mine",
        "evaluator": "sequences",
        "task": "flight",
        "sequences": 5,
        "max_words": 200,
        "source": SOURCE,
    })


@pytest.fixture
def built(tmp_path):
    """A folder of rows as `pluralign spectrum build` writes them."""
    from pluralign.spectrum.suite import DataPlace, Share, SuiteRecipe, build_suite, plan_suite

    recipe = SuiteRecipe(sources={"bernoulli": Share(rows=12, mean_examples=12)})
    return build_suite(plan_suite(recipe, place=DataPlace()), out=tmp_path / "built").path


@pytest.fixture
def evaluated(spec, model):
    def run(out, *, given=spec, reader=model, **settings):
        settings = {"layout": "colon"} | settings
        return evaluate_sequences(given, model=reader, settings=SequencesSettings(**settings), out=out)

    return run
