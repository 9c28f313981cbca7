import pytest

from pluralign.records import (
    Answer,
    Comparison,
    Condition,
    Estimate,
    Group,
    Interval,
    Option,
    Question,
    QuestionSet,
)
from pluralign.reports import Report, Section, Series

ATTACK = """<script>alert("x")</script> & 'quoted' $a$ | [red]"""
DEMOCRATS = "party=Democrat"


def make_answer(question, label, *, probabilities=None, outcome="ok", group=None, **more):
    condition = Condition(kind="persona", id=group, text=f"I am of {group}") if group else Condition()
    return Answer(
        key=f"{question}-{label}-{group}",
        question_id=question,
        model_id="model",
        condition=condition,
        elicitation="logprob",
        outcome=outcome,
        probabilities=probabilities,
        **more,
    )


def make_estimate(value, **more):
    defaults = {
        "name": "js_divergence_bits",
        "n_questions": 3,
        "n_cells": 3,
        "unit": "bits",
        "definition": "the definition of the divergence",
        "lower_is_better": True,
        "reason": None if value is not None else "no cell could be scored",
    }
    return Estimate(value=value, **(defaults | more))


def interval(low, high):
    return Interval(low=low, high=high, method="bootstrap over questions")


@pytest.fixture
def new_answer():
    return make_answer


@pytest.fixture
def new_estimate():
    return make_estimate


@pytest.fixture
def world():
    """One series with what a survey of many countries brings: baselines, parts of the cells, eight groups."""
    beside = {
        "baselines": {"group-blind": 0.173, "position marginal": 0.188, "uniform": 0.201},
        "noise_floor": 0.002,
        "ceiling": 0.011,
        "normalised": 0.117,
        "normalised_against": "group-blind",
    }
    size = {"n_questions": 120, "n_cells": 5752}
    groups = [
        make_estimate(
            round(0.101 + 0.01 * i, 3),
            slice=f"group=country={name}",
            interval=interval(0.09 + 0.01 * i, 0.11 + 0.01 * i),
            n_questions=50,
            n_cells=50,
            **beside,
        )
        for i, name in reversed(list(enumerate("ABCDEFGH")))
    ]
    infinite = "infinite in 12 of 50 cells: the model rules out what people answered"
    mass = {"name": "valid_mass_prob", "unit": "probability", "lower_is_better": False}
    variation = {"name": "total_variation", "unit": "probability"}
    estimates = (
        make_estimate(
            0.153,
            interval=interval(0.14, 0.166),
            n_unscored={"refused": 1200},
            baseline_cells={"group-blind": 5357},
            **size,
            **beside,
        ),
        make_estimate(0.25, **variation, **size, interval=interval(0.2, 0.3)),
        make_estimate(None, name="kl_divergence_nats", unit="nats", reason=infinite, **size),
        make_estimate(0.9, name="entropy_ratio", unit="ratio", lower_is_better=None, people=1.0, **size),
        make_estimate(0.938, **mass, **size),
        make_estimate(0.16, slice="groups=region", **size),
        make_estimate(0.24, slice="groups=region", **variation, **size),
        make_estimate(0.93, slice="groups=region", **mass, **size),
        *groups,
    )
    return [Series(label="model", estimates=estimates)]


@pytest.fixture
def coins():
    """A question set with a truth, a section of two series, and an unkind question text."""
    two = (Option(text="heads"), Option(text="tails"))
    questions = QuestionSet(
        id="coins",
        questions=(
            Question(id="coin/fair", text="Flip a fair coin.", options=two, truth=(0.5, 0.5)),
            Question(id="coin/bent", text=ATTACK, options=two, truth=(0.9, 0.1)),
        ),
    )
    before = Series(
        label="before",
        answers=(
            make_answer("coin/fair", "before", outcome="refused"),
            make_answer("coin/bent", "before", probabilities=(0.2, 0.8), valid_mass_prob=0.034),
        ),
        estimates=(
            make_estimate(
                0.25, interval=interval(0.2, 0.3), baselines={"uniform": 0.1}, n_unscored={"refused": 1}
            ),
            make_estimate(None, slice="family=urn", n_questions=0, n_cells=0),
            make_estimate(0.034, name="home_made", unit="probability", lower_is_better=False),
        ),
    )
    after = Series(
        label="after",
        answers=(
            make_answer("coin/fair", "after", probabilities=(0.5, 0.5), order_sensitivity=0.125),
            make_answer("coin/bent", "after", probabilities=(0.7, 0.3), valid_mass_prob=0.97),
        ),
        estimates=(make_estimate(0.04, interval=interval(0.01, 0.07), noise_floor=0.002, ceiling=0.011),),
    )
    difference = Comparison(
        name="js_divergence_bits",
        first="after",
        second="before",
        difference=-0.21,
        interval=interval(-0.25, -0.17),
        p_value=0.0005,
        n_questions=2,
        n_cells=2,
        unit="bits",
        lower_is_better=True,
    )
    return Section("Coins", questions, series=(before, after), comparisons=(difference,))


@pytest.fixture
def survey():
    """One question put to the whole population and to one group; another group was never asked."""
    question = Question(
        id="vote",
        text="Who will you vote for?",
        options=(Option(text="Clinton"), Option(text="Dole"), Option(text="Don't know", refusal=True)),
        counts={"all": (60, 30, 10), DEMOCRATS: (9, 1, 0), "party=Republican": (1, 9, 0)},
    )
    groups = (
        Group(id="all"),
        Group(id=DEMOCRATS, text="identify as Democrats"),
        Group(id="party=Republican", text="identify as Republicans"),
    )
    answers = (
        make_answer("vote", "after", probabilities=(0.5, 0.4, 0.1)),
        make_answer("vote", "after", probabilities=(0.5, 0.5, 0.0), group=DEMOCRATS),
    )
    series = Series(label="after", answers=answers)
    return Section("Survey", QuestionSet(id="s", questions=(question,), groups=groups), series=(series,))


@pytest.fixture
def report(coins, survey):
    return Report(
        title=f"Report {ATTACK}",
        summary=("The tuned model is nearer.",),
        sections=(coins, survey),
        run_facts={"seed": "0", "site": "https://example.org"},
        reproduce="pluralign quickstart --seed 0",
    )
