import numpy as np
import pytest

from pluralign.elicitation import Ask, LogProb
from pluralign.errors import ConfigurationError
from pluralign.models import ScriptedModel
from pluralign.profiles import ValueProfile
from pluralign.raters import Calibration, interpretability, profile_condition, trial_questions, trials_of
from pluralign.records import Answer, Condition, Option, Outcome, Question

OPTIONS = (Option(text="Funny"), Option(text="Not funny"))
ITEMS = tuple(Question(id=f"q{index}", text=f"Joke {index}", options=OPTIONS) for index in range(6))


def profile(name, statement):
    return ValueProfile.model_validate({
        "id": name,
        "title": name,
        "summary": "s",
        "values": [{"statement": statement, "hedge": "always"}],
        "provenance": {"kind": "inferred", "sources": ["s"], "licence": "l"},
    })


PROFILES = [profile(f"p{index}", f"I laugh at {index} in ten jokes") for index in range(10)]


@pytest.fixture
def trials():
    """Under profile k, a joke is funny with probability (k + .5) / 10."""
    answers = {
        (item.id, profile_condition(each)): Answer(
            key="k",
            question_id=item.id,
            model_id="m",
            elicitation="logprob",
            outcome=Outcome.OK,
            probabilities=((k + 0.5) / 10, 1 - (k + 0.5) / 10),
        )
        for k, each in enumerate(PROFILES)
        for item in ITEMS
    }
    return trials_of(PROFILES, ITEMS, answers=answers, calibration=Calibration(), n_trials=20, n_items=2)


def judged(trials, log_probs):
    model = ScriptedModel(log_probs=log_probs)
    asks = [
        Ask(question.id, question, Condition()) for trial in trials for question in trial_questions(trial)
    ]
    answers = {answer.question_id: answer for answer in LogProb().answers(model, asks)}
    return interpretability(trials, answers, judge="judge")


def says(number, prompt, option, share=0.9):
    """Log-probability of a judge who is for "Person A holds profile <number>"."""
    if option.startswith(" "):
        return -np.inf
    return np.log(share if option.endswith(str(number)) else 1 - share)


def competent(prompt, option):
    """Matches the profile that laughs more with the person that laughs more."""
    lines = prompt.splitlines()
    first, second = (int(line.split()[4]) for line in lines if line.startswith("- I laugh at"))
    a, b = (
        next(int(line.split()[4].rstrip("%,")) for line in lines if line.startswith(f"Person {who}"))
        for who in "AB"
    )
    return says(1 if (first > second) == (a > b) else 2, prompt, option)


def test_both_orders_are_shown_and_no_name_gives_it_away(trials):
    forward, backward = trial_questions(trials[0])
    first, second = trials[0].first.values[0].statement, trials[0].second.values[0].statement
    assert forward.text.index(first) < forward.text.index(second)
    assert backward.text.index(second) < backward.text.index(first)
    answers = [line for line in forward.text.splitlines() if line.startswith("Person A answers")]
    assert answers == [line for line in backward.text.splitlines() if line.startswith("Person A answers")]
    assert trials[0].first.id not in forward.text


def test_no_pair_is_tried_twice(trials):
    assert len({frozenset((trial.first.id, trial.second.id)) for trial in trials}) == len(trials) == 20
    assert all(len({item.id for item in trial.items}) == 2 for trial in trials)


def test_a_judge_who_understands_finds_every_match(trials):
    found = judged(trials, competent)
    assert found.value == 1
    assert found.baselines == {"chance": 0.5}


def test_one_who_gets_it_backwards_finds_none(trials):
    def backward(prompt, option):
        return competent(prompt, option.replace("1", "x").replace("2", "1").replace("x", "2"))

    assert judged(trials, backward).value == 0


@pytest.mark.parametrize("number", [1, 2])
def test_one_who_always_names_the_same_place_is_at_chance(trials, number):
    found = judged(trials, lambda prompt, option: says(number, prompt, option))
    assert found.value == 0.5


def test_a_guesser_s_interval_holds_chance(trials):
    def guesser(prompt, option):
        # By the parity of the length of what person A's profile could be: unrelated to the answers.
        return says(1 + sum(map(ord, prompt)) % 7 // 4, prompt, option)

    found = judged(trials, guesser)
    assert found.interval.low <= 0.5 <= found.interval.high


def test_trials_without_a_verdict_are_counted(trials):
    found = interpretability(trials, {}, judge="judge")
    assert found.value is None
    assert found.reason == "no pair of profiles was judged"
    assert found.n_unscored == {"not asked": 20}


def test_one_profile_cannot_be_told_from_another():
    with pytest.raises(ConfigurationError, match="two at least are compared, 1 are given"):
        trials_of(PROFILES[:1], ITEMS, answers={}, calibration=Calibration(), n_trials=1)


def test_pairs_without_enough_predicted_items_are_left_out():
    assert trials_of(PROFILES, ITEMS, answers={}, calibration=Calibration(), n_trials=5) == ()
