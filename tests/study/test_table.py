import pytest

from pluralign.records import Estimate, Interval
from pluralign.study import Cell, StudyConfig, as_markdown, study_table

CONFIG = StudyConfig.model_validate({
    "title": "A study",
    "seeds": 3,
    "reference": "tuned",
    "suite": {"sources": {"coloured": {"rows": 4}}},
    "arms": {
        "untuned": {},
        "tuned": {"train": {}},
        "hot": {"only_these": True, "settings": {"coverage": {}}},
    },
    "measures": {
        "flight": {
            "evaluation": "sequences/flight",
            "report": [{"estimate": "accuracy", "title": "right (%)", "scale": 100, "digits": 1}],
        },
        "coverage": {
            "evaluation": "coverage/valid-outputs",
            "report": [{"estimate": "yield", "title": "yield", "digits": 1}],
        },
    },
})


def estimate(name, value, *, lower_is_better=False, baselines=None):
    return Estimate(
        baselines=baselines or {},
        name=name,
        value=value,
        reason="nothing to score" if value is None else None,
        interval=None if value is None else Interval(low=value - 1, high=value + 1, method="bootstrap"),
        n_questions=4,
        n_cells=4,
        unit="probability",
        definition="d",
        lower_is_better=lower_is_better,
    )


def cells(**values):
    return [
        Cell(arm, seed, measure, (estimate(name, value),))
        for (arm, measure, name), found in values.pop("found").items()
        for seed, value in enumerate(found)
    ]


@pytest.fixture
def table():
    found = {
        ("untuned", "flight", "accuracy"): [0.25, 0.25, 0.25],
        ("untuned", "coverage", "yield"): [1.0, 2.0, 3.0],
        ("tuned", "flight", "accuracy"): [0.5, 0.5, 0.25],
        ("tuned", "coverage", "yield"): [11.0, 12.0, 16.0],
        ("hot", "coverage", "yield"): [1.0, None, 3.0],
    }
    return study_table(CONFIG, cells(found=found))


def quantity(table, measure):
    return next(each for each in table.quantities if each.measure == measure)


def test_means_are_over_seeds_and_scaled(table):
    entry = table.entries["tuned"][quantity(table, "flight")]

    assert entry.mean == pytest.approx(100 * 1.25 / 3)
    # s = 100 * .25 / sqrt(3), t(.975, 2) = 4.302653
    assert entry.interval.high - entry.mean == pytest.approx(4.302653 * 100 * 0.25 / 3, rel=1e-6)


def test_what_is_the_same_under_every_seed_has_the_interval_of_the_evaluation(table):
    entry = table.entries["untuned"][quantity(table, "flight")]

    assert entry.interval.method == "the same under every seed; bootstrap"
    assert (entry.interval.low, entry.interval.high) == (-75, 125)


def test_a_seed_without_a_value_leaves_no_mean(table):
    entry = table.entries["hot"][quantity(table, "coverage")]

    assert entry.mean is None
    assert entry.values == (1.0, None, 3.0)
    assert quantity(table, "coverage") not in table.differences["hot"]
    assert "not scored under 1 seeds" in as_markdown(table)


def test_differences_are_paired_by_seed(table):
    found = table.differences["untuned"][quantity(table, "coverage")]

    # 10, 10, 13
    assert found.difference == 11
    assert found.high - found.difference == pytest.approx(4.302653 * 3**0.5 / 3**0.5, rel=1e-6)


def test_markdown_has_a_column_an_arm_and_a_row_for_those_measured_by_little(table):
    means, of_all, says, differences, of_little = (
        part.splitlines() for part in as_markdown(table).split("\n\n")
    )

    assert means[0] == "|  | best trivial predictor | untuned | tuned |"
    assert means[2].startswith("| right (%) ↑ | — | 25.0 [-75.0, 125.0]* | 41.7 [")
    assert of_all[0] == "|  | yield ↑ |"
    assert [row.split(" | ")[0] for row in of_all[2:]] == [
        "| best trivial predictor",
        "| untuned",
        "| tuned",
        "| hot",
    ]
    assert of_all[-1] == "| hot | not scored under 1 seeds |"
    assert says == ["tuned minus each other arm, paired by seed:"]
    assert differences[0] == "|  | untuned |"
    assert differences[2].startswith("| right (%) ↑ | +16.7 [")
    assert of_little[2:] == ["| hot | — |"]


def test_results_hold_the_values_of_every_seed(table):
    results = table.results()

    assert results["arms"]["tuned"]["coverage: yield, all"]["values"] == (11.0, 12.0, 16.0)
    assert results["differences"]["untuned"]["coverage: yield, all"]["difference"] == 11


@pytest.mark.parametrize(
    ("lower_is_better", "best", "shown"), [(False, "marginal", "30.0"), (True, "uniform", "20.0")]
)
def test_the_best_trivial_predictor_stands_beside_the_arms(lower_is_better, best, shown):
    baselines = [{"uniform": 0.2, "marginal": marginal, "once": 0.9} for marginal in (0.1, 0.3, 0.5)]
    baselines[1].pop("once")
    found = [
        Cell(
            arm, seed, "flight", (estimate("accuracy", 0.5, lower_is_better=lower_is_better, baselines=own),)
        )
        for arm in ("untuned", "tuned")
        for seed, own in enumerate(baselines)
    ]
    table = study_table(CONFIG, found)

    assert table.results()["trivial"] == {
        "flight: accuracy, all": {"name": best, "mean": pytest.approx(float(shown))}
    }
    assert f"| {shown} ({best}) |" in as_markdown(table)
