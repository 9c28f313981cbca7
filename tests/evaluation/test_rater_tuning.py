import json
import shutil

import numpy as np
import pytest

from pluralign.elicitation import LogProb, PromptStyle, style_of
from pluralign.evaluation.rater_tuning import TASK, decoder_rows
from pluralign.models import ScriptedModel, load_model
from pluralign.raters import (
    Given,
    answer_table,
    cases_of,
    cells_of,
    encode,
    make_fold,
    raters_in,
    read_decoded,
)
from pluralign.records import Group, Option, Question, QuestionSet
from pluralign.runs import make_plan
from pluralign.spectrum import TrainingRecipe, train

OPTIONS = ("yes", "no")
# A voter of the first kind says yes to everything, one of the second kind no.
VALUES = (
    "- I vote yes in every election\n- I answer yes always\n- I like yes best",
    "- I never vote, no\n- I disagree with no\n- I like no best",
)


@pytest.fixture(scope="module")
def village():
    """24 people, every other one of either kind, and what they say to twelve questions."""
    groups = tuple(Group(id=f"p={index}", text=f"vote in house {index}") for index in range(24))
    questions = tuple(
        Question(
            id=f"q{number}",
            text=f"Do you like the colour {number}?",
            options=tuple(Option(text=text) for text in OPTIONS),
            counts={
                group.id: (1.0, 0.0) if index % 2 == 0 else (0.0, 1.0) for index, group in enumerate(groups)
            },
        )
        for number in range(12)
    )
    return QuestionSet(id="village", questions=questions, groups=groups)


@pytest.fixture(scope="module")
def fold(village):
    return make_fold(raters_in(village), seed=0, n_fit=4, max_held_out=6)


@pytest.fixture(scope="module")
def encodings(village, fold):
    return {
        split.id: encode(
            ScriptedModel(draws=[VALUES[int(split.id.partition("=")[2]) % 2]]),
            split,
            questions=village,
            seed=0,
        )
        for split in fold.raters
    }


def test_rows_are_what_the_decoder_will_be_asked(fold, encodings):
    rows = decoder_rows(fold, encodings)
    cases = [case for rater in fold.train for case in cases_of(rater, profile=encodings[rater.id].profile)]
    assert len(rows) == len(cases) == 12 * 6
    for row, case in zip(rows, cases, strict=True):
        asked = LogProb(style=PromptStyle.SPECTRUM).prompts(case.rating.question, case.given[Given.PROFILE])
        assert row.messages()[:-1] in [prompt.messages for prompt in asked]
        assert row.messages()[-1].content == OPTIONS[case.rating.choice]
        assert row.task == TASK
    assert {row.examples[0].input.rpartition(": ")[2] for row in rows} == {"yes; no", "no; yes"}


def test_test_raters_are_in_no_row(fold, encodings):
    texts = "\n".join(
        message.content
        for row in decoder_rows(fold, encodings, given=Given.DEMOGRAPHICS)
        for message in row.messages()
    )
    assert all(f"{rater.rater.group.text}." in texts for rater in fold.train)
    assert not any(f"{rater.rater.group.text}." in texts for rater in fold.test)


def test_examples_come_before_the_rating(fold, encodings):
    row = decoder_rows(fold, encodings, given=Given.EXAMPLES, n_examples=3)[0]
    assert len(row.examples) == 4
    assert [example.output for example in row.examples[:3]] == [
        OPTIONS[rating.choice] for rating in fold.train[0].fit[:3]
    ]


def test_raters_without_a_profile_have_no_rows(fold, encodings):
    lost = {
        rater_id: encoding.model_copy(update={"profile": None}) for rater_id, encoding in encodings.items()
    }
    assert decoder_rows(fold, lost) == []
    assert decoder_rows(fold, lost, given=Given.NONE)


@pytest.fixture
def long_tiny_folder(tiny_folder, tmp_path):
    """The tiny model, allowed to read more than its 512 tokens: its positions are rotations and have no end."""
    folder = tmp_path / "long"
    shutil.copytree(tiny_folder, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "max_position_embeddings": 1024}))
    return folder


@pytest.mark.slow
def test_a_tuned_decoder_uses_the_profile(fold, encodings, long_tiny_folder, tmp_path):
    rows = decoder_rows(fold, encodings)
    recipe = TrainingRecipe(
        model=str(long_tiny_folder),
        tasks={TASK: len(rows)},
        method="full",
        learning_rate=3e-3,
        n_steps=60,
        precision="float32",
    )
    model = load_model(str(train(recipe, sequences=rows, output_dir=tmp_path / "tuned").path), device="cpu")
    assert style_of(model) is PromptStyle.SPECTRUM
    cases = [case for rater in fold.test for case in cases_of(rater, profile=encodings[rater.id].profile)]
    cases = [
        type(case)(case.rater, case.rating, {g: case.given[g] for g in (Given.NONE, Given.PROFILE)}, {})
        for case in cases
    ]
    elicitation = LogProb(style=style_of(model))
    plan = make_plan(cells_of(cases), model=model, elicitation=elicitation, evaluation="t@1")
    decoded = read_decoded(cases, answer_table(elicitation.answers(model, plan.units)), n_options=2)
    losses = {
        given: -np.take_along_axis(decoded.log_probs[given], decoded.choices[:, None], axis=1).mean()
        for given in decoded.log_probs
    }
    assert losses[Given.PROFILE] < 0.2
    assert losses[Given.NONE] > 0.5
