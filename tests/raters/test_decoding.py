import numpy as np
import pytest

from pluralign.elicitation import LogProb, PromptStyle
from pluralign.errors import DataError
from pluralign.models import ScriptedModel
from pluralign.raters import (
    Calibration,
    Given,
    answer_table,
    calibrations_of,
    cases_of,
    cells_of,
    encode,
    fit_losses,
    pooled,
    profile_cells,
    profile_condition,
    raters_in,
    read_decoded,
    split_ratings,
)
from pluralign.records import Answer, Outcome

REPLY = "- I like cats (always)\n- I like dogs (perhaps)\n- I dislike politicians"


@pytest.fixture
def split(town):
    return split_ratings(raters_in(town)[0], seed=0, n_fit=5, max_held_out=3)


@pytest.fixture
def profile(town, split):
    return encode(ScriptedModel(draws=[REPLY]), split, questions=town, seed=0).profile


def answer(question, condition, probabilities, outcome=Outcome.OK):
    return Answer(
        key="k",
        question_id=question.id,
        model_id="m",
        condition=condition,
        elicitation="logprob",
        outcome=outcome,
        probabilities=probabilities,
        valid_mass_prob=0.9,
        error="broken" if outcome is Outcome.ERROR else None,
    )


def table(cells, probabilities=(0.8, 0.2)):
    return answer_table([answer(question, condition, probabilities) for question, condition in cells])


def prompt(case, given, style=PromptStyle.CHAT):
    return LogProb(style=style).prompts(case.rating.question, case.given[given])[0].messages


def test_every_representation_is_put_in_the_same_frame(split, profile):
    (case, *_) = cases_of(split, profile=profile, anothers=profile, cluster=profile)
    assert set(case.given) == set(Given)
    prompts = {given: prompt(case, given) for given in Given}
    frame = prompts[Given.NONE][0].content
    for messages in prompts.values():
        assert messages[0].role == "system"
        assert messages[0].content.startswith(frame)
        assert messages[-1] == prompts[Given.NONE][-1]
    assert "I like cats" in prompts[Given.PROFILE][0].content
    assert "live in house 0" in prompts[Given.DEMOGRAPHICS][0].content
    both = prompts[Given.PROFILE_AND_DEMOGRAPHICS][0].content
    assert "I like cats" in both
    assert "live in house 0" in both


def test_a_tuned_decoder_reads_the_profile_as_description_and_the_item_as_input(split, profile):
    (case, *_) = cases_of(split, profile=profile)
    messages = prompt(case, Given.PROFILE, PromptStyle.SPECTRUM)
    assert [message.role for message in messages] == ["description", "input"]
    assert "I like cats" in messages[0].content
    assert messages[1].content == f"{case.rating.question.text}\nOptions: Funny; Not funny"


def test_examples_are_fit_ratings_only(split, profile):
    for case in cases_of(split, profile=profile, n_examples=4):
        shown = case.given[Given.EXAMPLES].examples
        assert [each.text for each in shown] == [rating.question.text for rating in split.fit[:4]]
        assert case.rating.question.text not in [each.text for each in shown]


def test_what_a_rater_lacks_has_a_reason(town, split):
    (case, *_) = cases_of(split, profile=None, no_profile="no profile: unparsed")
    assert case.missing == {
        Given.PROFILE: "no profile: unparsed",
        Given.PROFILE_AND_DEMOGRAPHICS: "no profile: unparsed",
    }
    decoded = read_decoded([case], table(cells_of([case])), n_options=2)
    assert decoded.unscored[Given.PROFILE] == ("no profile: unparsed",)
    assert np.isnan(decoded.log_probs[Given.PROFILE]).all()
    assert Given.CLUSTER not in decoded.log_probs


def test_each_question_is_asked_once_under_a_condition(town, profile):
    splits = [split_ratings(rater, seed=0, n_fit=5) for rater in raters_in(town)[:4]]
    cases = [case for split in splits for case in cases_of(split, profile=profile)]
    cells = cells_of(cases)
    keys = [(question.id, condition) for question, condition in cells]
    assert len(set(keys)) == len(keys)
    # Nothing is given: the same for all raters.
    nothing = [question for question, condition in cells if condition == cases[0].given[Given.NONE]]
    assert len(nothing) == len({case.rating.question.id for case in cases})


def test_answers_become_arrays(split, profile):
    cases = cases_of(split, profile=profile)
    answers = table(cells_of(cases))
    lost = answer(cases[0].rating.question, cases[0].given[Given.PROFILE], None, Outcome.ERROR)
    answers |= answer_table([lost])
    del answers[cases[1].rating.question.id, cases[1].given[Given.PROFILE]]
    decoded = read_decoded(cases, answers, n_options=3)
    assert decoded.log_probs[Given.NONE][0] == pytest.approx([np.log(0.8), np.log(0.2), -np.inf])
    assert decoded.unscored[Given.PROFILE] == ("error", "not asked", None)
    assert list(decoded.predicted(Given.PROFILE)) == [False, False, True]
    assert decoded.valid_mass_probs[Given.NONE] == pytest.approx([0.9] * 3)
    with pytest.raises(DataError, match="no held-out rating"):
        read_decoded([], answers, n_options=2)


def test_an_option_that_underflows_costs_much_but_not_infinitely(split, profile):
    cases = cases_of(split, profile=profile)
    decoded = read_decoded(cases, table(cells_of(cases), (1.0, 0.0)), n_options=2)
    assert np.isfinite(decoded.log_probs[Given.NONE]).all()
    assert decoded.log_probs[Given.NONE][0, 1] < -600


def test_calibration_is_by_representation(split, profile):
    cases = cases_of(split, profile=profile)
    decoded = read_decoded(cases, table(cells_of(cases)), n_options=2)
    fitted = calibrations_of(decoded, method="temperature")
    assert fitted[Given.NONE].n_ratings == 3
    warm = {**fitted, Given.NONE: Calibration(inverse_temperature=0.5)}
    flat = decoded.calibrated(warm).log_probs[Given.NONE][0]
    # .8 and .2 under temperature 2: sqrt(.8) / (sqrt(.8) + sqrt(.2)) = 2 / 3.
    assert np.exp(flat) == pytest.approx([2 / 3, 1 / 3])
    unknown = cases_of(split, profile=None)
    assert (
        calibrations_of(read_decoded(unknown, table(cells_of(unknown)), n_options=2), method="temperature")[
            Given.PROFILE
        ]
        == Calibration()
    )


def test_all_calibrations_are_fitted_on_the_same_ratings(town, profile):
    splits = [split_ratings(rater, seed=0, n_fit=5, max_held_out=3) for rater in raters_in(town)[:3]]
    cases = [
        case
        for split, own in zip(splits, (profile, profile, None), strict=True)
        for case in cases_of(split, profile=own)
    ]
    fitted = calibrations_of(read_decoded(cases, table(cells_of(cases)), n_options=2), method="bias")
    assert {each.n_ratings for each in fitted.values()} == {6}
    assert fitted[Given.NONE] == fitted[Given.PROFILE]


def test_losses_for_clustering_by_hand(split, profile):
    other = profile.model_copy(update={"id": "other"})
    answers = table(profile_cells([profile], [split]), (0.8, 0.2)) | table(
        profile_cells([other], [split]), (0.5, 0.5)
    )
    n_first = sum(rating.choice == 0 for rating in split.fit)
    expected = -(n_first * np.log(0.8) + (5 - n_first) * np.log(0.2))
    losses = fit_losses([profile, other], [split], answers=answers, calibration=Calibration())
    assert losses == pytest.approx(np.array([[expected, 5 * np.log(2)]]))
    # A rating that one profile has no prediction for counts under neither.
    first = split.fit[0]
    del answers[first.question.id, profile_condition(other)]
    shorter = fit_losses([profile, other], [split], answers=answers, calibration=Calibration())
    assert shorter[0, 1] == pytest.approx(4 * np.log(2))
    assert shorter[0, 0] == pytest.approx(expected + np.log((0.8, 0.2)[first.choice]))
    with pytest.raises(DataError, match="cannot be assigned: none of 5 fit ratings"):
        fit_losses([profile, other], [split], answers={}, calibration=Calibration())


def test_splits_are_pooled(split, profile):
    cases = cases_of(split, profile=profile)
    clustered = cases_of(split, profile=profile, cluster=profile)
    parts = [read_decoded(each, table(cells_of(each)), n_options=2) for each in (cases, clustered)]
    both = pooled(parts)
    assert len(both.cases) == 6
    assert both.log_probs[Given.PROFILE].shape == (6, 2)
    assert Given.CLUSTER not in both.log_probs
