"""Published definitions, to the digit, against scipy and by hand."""

from math import log, sqrt
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon  # noqa: TID251  the reference, its units converted here
from scipy.stats import wasserstein_distance

from pluralign.errors import ConfigurationError
from pluralign.evals import PRESETS, score_distributional
from pluralign.records import Group, Option, Outcome, Question, QuestionSet

PEOPLE, MODEL = np.array([0.1, 0.2, 0.6, 0.1]), np.array([0.4, 0.3, 0.2, 0.1])
POSITIONS = (1.0, 2.0, 4.0)
QUESTION = Question(
    id="q",
    text="How much?",
    options=(
        *(Option(text=str(value), value=value) for value in POSITIONS),
        Option(text="Refused", refusal=True),
    ),
    shares={"all": tuple(PEOPLE)},
)
QUESTIONS = QuestionSet(id="s", questions=(QUESTION,), groups=(Group(id="all"),))


def smoothed(p):
    return (p + 1e-6) / (p + 1e-6).sum()


def scaled_w1():
    """scipy's distance between the substantive shares, over the range of the scale."""
    p, q = PEOPLE[:3] / PEOPLE[:3].sum(), MODEL[:3] / MODEL[:3].sum()
    return wasserstein_distance(POSITIONS, POSITIONS, p, q) / 3


EXPECTED = {
    "modular_pluralism": jensenshannon(PEOPLE, MODEL),
    "opinionqa": 1 - scaled_w1(),
    "global_opinions": 1 - jensenshannon(PEOPLE, MODEL, base=2),
    "meister2024": 0.5 * np.abs(PEOPLE - MODEL).sum(),
    "spectrum": jensenshannon(smoothed(PEOPLE), smoothed(MODEL)) ** 2,
}


def test_every_preset_is_tested_here():
    assert set(EXPECTED) == set(PRESETS)


@pytest.mark.parametrize("name", EXPECTED)
def test_value_and_direction(name, answer):
    scores = score_distributional(QUESTIONS, [answer(QUESTION, "all", MODEL)], preset=name)
    estimate = scores.estimates[0]
    assert scores.primary == estimate.name == f"{name}.{PRESETS[name].measure.name.partition('.')[2]}"
    assert estimate.value == pytest.approx(EXPECTED[name], abs=1e-12)
    assert estimate.lower_is_better == (name not in {"opinionqa", "global_opinions"})
    assert PRESETS[name].source in estimate.definition


@pytest.mark.parametrize(("name", "value"), [("opinionqa", 1.0), ("global_opinions", 1.0), ("spectrum", 0.0)])
def test_a_perfect_model(name, value, answer):
    scores = score_distributional(QUESTIONS, [answer(QUESTION, "all", PEOPLE)], preset=name)
    assert scores.estimates[0].value == pytest.approx(value, abs=1e-12)


def test_refusals_do_not_count_in_opinionqa(answer):
    """Santurkar et al. take the substantive options alone: moving mass to the refusal changes nothing."""
    refusing = np.array([*MODEL[:3] * 0.2, 1 - 0.2 * MODEL[:3].sum()])
    for probabilities in (MODEL, refusing):
        scores = score_distributional(QUESTIONS, [answer(QUESTION, "all", probabilities)], preset="opinionqa")
        assert scores.estimates[0].value == pytest.approx(EXPECTED["opinionqa"])
    assert scores.estimate("refusal_mass_prob").value == pytest.approx(refusing[3])
    assert scores.estimate("refusal_mass_prob").people == pytest.approx(0.1)


def two_questions(answer, *, outcome):
    other = QUESTION.model_copy(update={"id": "lost"})
    questions = QuestionSet(id="s", questions=(QUESTION, other), groups=(Group(id="all"),))
    error = "timeout" if outcome is Outcome.ERROR else None
    return questions, [
        answer(QUESTION, "all", MODEL),
        answer(other, "all", None, outcome=outcome, mass=None, error=error),
    ]


UNIFORM = np.full(4, 0.25)


@pytest.mark.parametrize(
    ("name", "of_lost"),
    [("meister2024", 0.5), ("modular_pluralism", jensenshannon(PEOPLE, UNIFORM)), ("opinionqa", None)],
)
def test_what_published_definitions_make_of_an_unreadable_reply(name, of_lost, answer):
    """Meister et al. keep a vector of zeros, Feng et al. put in the uniform distribution; ours stays the default."""
    questions, answers = two_questions(answer, outcome=Outcome.UNPARSED)
    scores = score_distributional(questions, answers, preset=name)
    values = [EXPECTED[name], *([] if of_lost is None else [of_lost])]
    assert scores.estimates[0].value == pytest.approx(np.mean(values))
    assert scores.estimates[0].n_unscored == {"unparsed": 1}
    assert scores.estimate("total_variation").value == pytest.approx(EXPECTED["meister2024"])
    assert scores.estimate("total_variation").n_cells == 1


@pytest.mark.parametrize("name", ["meister2024", "modular_pluralism"])
def test_a_failed_call_is_no_reply(name, answer):
    questions, answers = two_questions(answer, outcome=Outcome.ERROR)
    scores = score_distributional(questions, answers, preset=name)
    assert scores.estimates[0].value == pytest.approx(EXPECTED[name])


def test_meister_resamples_cells(people, answers_from):
    questions = people(8)
    answers = answers_from(questions, lambda question, group: UNIFORM[:3] / UNIFORM[:3].sum())
    interval = score_distributional(questions, answers, preset="meister2024").estimates[0].interval
    assert interval.method == "bootstrap over cells, percentile, 1000 resamples"


def test_the_js_family_differs_by_root_and_logarithm_only(answer):
    estimate = score_distributional(QUESTIONS, [answer(QUESTION, "all", MODEL)]).estimate
    bits = estimate("js_divergence_bits").value
    assert estimate("js_divergence_nats").value == pytest.approx(bits * log(2))
    assert estimate("js_distance_base2").value == pytest.approx(sqrt(bits))
    assert estimate("js_distance_nats").value == pytest.approx(sqrt(bits * log(2)))


def test_an_unknown_preset_gets_a_hint(answer):
    with pytest.raises(ConfigurationError, match=r"Unknown preset 'opinonqa'\. Did you mean 'opinionqa'"):
        score_distributional(QUESTIONS, [answer(QUESTION, "all", MODEL)], preset="opinonqa")


def test_the_documentation_lists_the_presets():
    text = (Path(__file__).parents[3] / "docs/distributional.md").read_text(encoding="utf-8")
    for name, preset in PRESETS.items():
        assert f"| `{name}` | {preset.measure.definition} |" in text
