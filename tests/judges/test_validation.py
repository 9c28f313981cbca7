import json
import math
from pathlib import Path

import numpy as np
import pytest

from pluralign import judges
from pluralign.errors import DataError, ModelError
from pluralign.judges.entailment import Entailed
from pluralign.judges.measurement import validate_embedder, validate_entailment
from pluralign.judges.ratings import RatingTable, nearest_neighbours, person_means, statement_means
from pluralign.judges.validation import (
    JudgeValidation,
    load_validation,
    own_folder,
    save_validation,
    warning,
)
from pluralign.models.embedding import is_present

N_PEOPLE, N_STATEMENTS = 30, 6


def statement(column):
    """Longer by a word from column to column."""
    return " ".join(["Statement", *["quite"] * column, f"number {column}."])


def view(row):
    return f"My view is the one of person {row}."


def table(levels, *, id="tea/validation", n_levels=7, free_answers=None):
    levels = np.asarray(levels, dtype=float)
    n_people, n_statements = levels.shape
    return RatingTable(
        id=id,
        people=tuple(map(str, range(n_people))),
        statements=tuple(map(statement, range(n_statements))),
        levels=levels,
        n_levels=n_levels,
        free_answers=tuple((view(row),) for row in range(n_people)) if free_answers is None else free_answers,
        reasons=(("",) * n_statements,) * n_people,
    )


@pytest.fixture
def levels():
    """Two camps of opposite taste, statements liked a little differently, and noise."""
    rng = np.random.default_rng(7)
    taste = np.outer(np.where(np.arange(N_PEOPLE) % 2, 1, -1), np.where(np.arange(N_STATEMENTS) % 2, 1, -1))
    liked = np.array([0.5, -0.5, 0.2, -0.8, 0.8, -0.2])
    return np.clip(np.rint(3 + 1.5 * taste + liked + rng.normal(0, 1, taste.shape)), 0, 6)


class Knowing:
    """A judge whose probability for a person and a statement, in either direction, stands in a matrix."""

    id = "knowing"
    threshold = 0.5

    def __init__(self, degrees, *, denied=None):
        self.degrees = np.asarray(degrees, dtype=float)
        self.denied = np.zeros_like(self.degrees) if denied is None else denied
        self.asked = []
        statements = {statement(column): column for column in range(self.degrees.shape[1])}
        views = {view(row): row for row in range(len(self.degrees))}
        self.places = {
            (text, said): (row, column) for text, column in statements.items() for said, row in views.items()
        }
        self.places |= {(said, text): place for (text, said), place in self.places.items()}

    def fingerprint(self):
        return {"judge": self.id}

    def entail(self, pairs):
        self.asked += pairs
        places = [self.places[pair.premise, pair.hypothesis] for pair in pairs]
        return [
            None if math.isnan(self.degrees[place]) else Entailed(self.degrees[place], self.denied[place])
            for place in places
        ]


def measured(degrees, levels):
    return validate_entailment(Knowing(degrees), [table(levels)]).samples[0]


def test_a_perfect_judge(levels):
    sample = measured(levels / 6, levels)
    judge = sample.judge

    assert [each.value for each in (judge.within, judge.correlation, judge.systems)] == pytest.approx([1] * 3)
    assert judge.error.value == pytest.approx(0, abs=1e-6)
    assert judge.sd_ratio.value == pytest.approx(1)
    assert judge.reaching_tau.value == sample.people_reaching_tau.value == (levels >= 4.5).mean()
    assert judge.stated.value == (levels >= 3).mean()
    assert sample.beats_blind
    assert sample.beats_statement
    assert [stratum.bias.value for stratum in judge.strata] == pytest.approx([0, 0, 0], abs=1e-6)
    assert warning(validate_entailment(Knowing(levels / 6), [table(levels)])) is None


def test_a_constant_judge(levels):
    sample = measured(np.full_like(levels, 0.3), levels)
    judge = sample.judge

    assert (judge.within.value, judge.n_flat) == (0, N_PEOPLE)
    assert judge.correlation.value is None
    assert judge.systems.value is None
    # One level for everybody of a fold, which differs from fold to fold by chance.
    assert judge.sd_ratio.value < 0.1
    assert judge.error.value == pytest.approx(np.abs(levels - levels.mean()).mean(), rel=0.05)
    assert not sample.orders_within_raters
    assert not sample.beats_blind


def test_a_judge_that_runs_the_wrong_way(levels):
    sample = measured(1 - levels / 6, levels)

    assert sample.judge.within.value == pytest.approx(-1)
    assert sample.judge.systems.value == pytest.approx(-1)
    assert sample.judge.error.value == pytest.approx(np.abs(levels - levels.mean()).mean(), rel=0.05)
    assert not sample.beats_blind
    assert "orders the statements the wrong way: rank correlation -1.00" in sample.readings[0]


def test_a_judge_of_length_only(levels):
    n_words = np.array([len(statement(column).split()) for column in range(N_STATEMENTS)])
    sample = measured(np.tile(n_words / 100, (N_PEOPLE, 1)), levels)

    assert sample.judge.length_correlation.value == pytest.approx(1)
    assert sample.judge.partial_correlation.value is None
    assert not sample.beats_statement


def test_a_judge_that_knows_the_statement_but_not_the_person(levels):
    """It may beat who does not read the statement; never the mean of other people, whose order it has."""
    sample = measured(statement_means(levels) / 6, levels)

    assert sample.judge.systems.value == pytest.approx(1)
    assert sample.within_less_statement.value == 0
    assert not sample.beats_statement


def test_a_judge_that_knows_the_person_but_not_the_statement(levels):
    """That of the baseline itself: it orders nothing, and errs no less."""
    levels = np.clip(np.rint(np.linspace(0, 6, N_PEOPLE)[:, None] + levels / 6), 0, 6)
    sample = measured(np.tile(levels.mean(axis=1, keepdims=True) / 6, (1, N_STATEMENTS)), levels)

    assert sample.judge.correlation.value > 0.8
    assert sample.judge.n_flat + sample.judge.n_undefined == N_PEOPLE
    assert not sample.beats_blind


def test_the_baselines(levels):
    blind, statement_mean, neighbours = measured(levels / 6, levels).baselines

    assert blind.raw_error.value == pytest.approx(np.abs(person_means(levels) - levels).mean())
    assert blind.within is None
    assert neighbours.raw_error.value == pytest.approx(np.abs(nearest_neighbours(levels) - levels).mean())
    assert neighbours.within.value > statement_mean.within.value
    assert blind.systems is None
    assert statement_mean.systems is None


def test_the_blind_baseline_is_taken_at_its_best(levels):
    """Where people differ in level only, its raw predictions are nearly right and a rising curve adds noise."""
    people = np.linspace(0, 6, N_PEOPLE)[:, None] + np.zeros(N_STATEMENTS)
    sample = measured(np.full_like(levels, 0.5), people)
    blind = sample.baselines[0]

    best = min(blind.raw_error.value, blind.error.value)
    assert sample.error_less_blind.value == pytest.approx(sample.judge.error.value - best)


def test_readings_of_an_entailment_judge(levels):
    denied = np.where(levels < 3, 0.4, 0.0)
    degrees = levels / 10
    judge = Knowing(degrees, denied=denied)
    own = table(
        levels, free_answers=tuple((view(row), view((row + 1) % N_PEOPLE)) for row in range(N_PEOPLE))
    )
    sample = validate_entailment(judge, [own]).samples[0]
    names = [sample.judge.name, *(each.name for each in sample.alternatives)]

    assert names == [
        "mean entailment",
        "less contradiction",
        "best sentence",
        "reverse direction",
    ]
    # Each pair once: every person's sentence with every statement, in both directions.
    assert sample.n_pairs == len(judge.asked) == len(set(judge.asked)) == 2 * N_PEOPLE * N_STATEMENTS
    shifted = np.roll(degrees, -1, axis=0)
    means, bests = (degrees + shifted) / 2, np.maximum(degrees, shifted)
    assert sample.judge.stated.value == pytest.approx((means >= 0.5 - 1e-9).mean())
    assert sample.alternatives[1].stated.value == pytest.approx((bests >= 0.5).mean())
    assert sample.alternatives[0].stated is None


def test_what_was_not_judged_is_counted(levels):
    degrees = levels / 6
    degrees[0, 2] = np.nan
    degrees[5] = np.nan
    own = table(levels, free_answers=((view(0),), (), *((view(row),) for row in range(2, N_PEOPLE))))
    sample = validate_entailment(Knowing(degrees), [own]).samples[0]

    assert sample.n_unscored == {"nothing written": N_STATEMENTS, "not judged": 1 + N_STATEMENTS}
    assert sample.n_pairs_unjudged == 2 * (1 + N_STATEMENTS)
    assert sample.judge.error.n == N_PEOPLE * N_STATEMENTS - 1 - 2 * N_STATEMENTS
    assert sample.n_ratings == N_PEOPLE * N_STATEMENTS


def test_a_judge_that_judges_nothing(levels):
    with pytest.raises(DataError, match=r"tea/validation: the judge has no degree"):
        measured(np.full_like(levels, np.nan), levels)
    # One person's degrees can be calibrated on nobody else's.
    with pytest.raises(DataError, match=r"tea/validation: the judge has no degree"):
        measured(np.where(np.arange(N_PEOPLE)[:, None] == 3, levels / 6, np.nan), levels)
    with pytest.raises(DataError, match="nobody wrote anything"):
        validate_entailment(Knowing(levels), [table(levels, free_answers=((),) * N_PEOPLE)])
    with pytest.raises(DataError, match="without a table"):
        validate_embedder(Pointing(), [])


def test_a_judge_that_miscounts(levels):
    class Short(Knowing):
        def entail(self, pairs):
            return super().entail(pairs)[:-1]

    with pytest.raises(ModelError, match=r"knowing: gave 359 verdicts on 360 pairs"):
        validate_entailment(Short(levels / 6), [table(levels)])


class Pointing:
    """An embedder of two directions: statements and people of odd and of even number."""

    id = "pointing"

    def fingerprint(self):
        return {"embedder": self.id}

    def embed(self, texts):
        odd = [int(text.rstrip(".").split()[-1]) % 2 for text in texts]
        return np.array([[1.0, 0.0] if each else [0.0, 1.0] for each in odd], dtype=np.float32)


def test_the_cosine_of_an_embedder(levels):
    validation = validate_embedder(Pointing(), [table(levels)])
    sample = validation.samples[0]

    assert validation.judge == "cosine:pointing"
    assert sample.judge.name == "mean cosine"
    assert sample.judge.within.value > 0.5
    assert sample.beats_blind
    assert sample.judge.stated is None


def test_progress(levels):
    calls = []
    validate_entailment(Knowing(levels / 6), [table(levels)], progress=lambda *call: calls.append(call))

    assert calls == [(360, 360)]


def test_the_seed_decides(levels):
    judge = Knowing(levels / 6 + np.random.default_rng(0).normal(0, 0.3, levels.shape))
    first, again, other = (validate_entailment(judge, [table(levels)], seed=seed) for seed in (0, 0, 1))

    assert first == again
    assert first.samples[0].judge.within.low != other.samples[0].judge.within.low


def test_kept_and_found_again(levels, tmp_path):
    judge = Knowing(levels / 6)
    validation = validate_entailment(judge, [table(levels)])
    path = save_validation(tmp_path / "kept", validation)

    found = load_validation(judge.id, fingerprint=judge.fingerprint(), folder=tmp_path / "kept")
    assert found == validation
    assert "NaN" not in path.read_text()
    # Void for a judge that is another in any respect.
    assert load_validation(judge.id, fingerprint={"judge": "other"}, folder=tmp_path / "kept") is None
    assert load_validation("other", fingerprint=judge.fingerprint(), folder=tmp_path / "kept") is None


def test_ones_own_folder_is_looked_in(levels, tmp_path, monkeypatch):
    monkeypatch.setenv("PLURALIGN_CACHE", str(tmp_path))
    validation = validate_entailment(Knowing(levels / 6), [table(levels)])

    assert load_validation("knowing", fingerprint={"judge": "knowing"}) is None
    save_validation(own_folder(), validation)
    assert load_validation("knowing", fingerprint={"judge": "knowing"}) == validation


def test_a_broken_file(levels, tmp_path):
    validation = validate_entailment(Knowing(levels / 6), [table(levels)])
    path = save_validation(tmp_path, validation)
    fields = json.loads(path.read_text())
    path.write_text(json.dumps(fields | {"judge": "other"}))
    with pytest.raises(DataError, match=r"validation of other"):
        load_validation("knowing", fingerprint={"judge": "knowing"}, folder=tmp_path)
    path.write_text(json.dumps(fields | {"seed": "x"}))
    with pytest.raises(DataError, match=r"not a valid judge validation: seed.*Validate the judge again"):
        load_validation("knowing", fingerprint={"judge": "knowing"}, folder=tmp_path)


def test_a_sample_stands_once(levels):
    validation = validate_entailment(Knowing(levels / 6), [table(levels)])
    with pytest.raises(ValueError, match="each may stand there once"):
        JudgeValidation(judge="j", fingerprint={}, seed=0, samples=validation.samples * 2)


def test_warnings(levels):
    tables = [table(levels), table(levels, id="tea/generation")]
    good, bad = (
        validate_entailment(Knowing(degrees), tables) for degrees in (levels / 6, np.full_like(levels, 0.5))
    )

    assert "pluralign judge validate" in warning(None)
    assert warning(good) is None
    told = warning(bad)
    assert "knowing does not beat a baseline that never reads the response, on 2 of 2 samples" in told
    assert "tea/generation: within a person its rank correlation with the ratings is 0.00" in told
    assert "rank correlation within a person 1.00" in good.samples[0].summary


def test_readings_say_what_the_figures_say(levels):
    orders, errs, spread, systems, length = measured(levels / 6, levels).readings

    assert "orders the statements: rank correlation 1.00 (95 %: 1.00 to 1.00) over 30 people" in orders
    assert "which it beats" in orders
    assert "errs less than" in errs
    assert "Its spread is 1.00 of theirs" in spread
    assert f"At its own threshold it says so of {100 * (levels >= 3).mean():.0f} %." in spread
    assert "correlate 1.00" in systems
    assert "statement's length" in length


def test_packaged_validations_are_of_the_judge_that_is_packaged(tmp_path, monkeypatch):
    """A changed judge voids them: measure it again with pluralign judge validate --out pluralign/judges/validated."""
    kept = sorted((Path(judges.__file__).parent / "validated").glob("embedded-*.json"))
    if not kept or not is_present():
        pytest.skip("no packaged validation, or no embedded judge")
    monkeypatch.setenv("PLURALIGN_CACHE", str(tmp_path))
    judge = judges.load_entailment("embedded", device="cpu")
    found = load_validation(judge.id, fingerprint=judge.fingerprint())

    assert found is not None
    assert len(kept) == 1
    assert len(found.samples) == 4
