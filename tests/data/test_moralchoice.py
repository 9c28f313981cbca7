import pytest

from pluralign.data.lint import lint
from pluralign.data.moralchoice import load_moralchoice
from pluralign.errors import ConfigurationError, DataError

HEADER = "scenario_id,ambiguity,generation_type,generation_rule,context,action1,action2,a1_death\n"


def row(name, label, *, context="You drive.", first="I stop.", second="I go on."):
    return f"{name},{label},Generated,Do not kill,{context},{first},{second},No\n"


@pytest.fixture
def write(tmp_path):
    def _write(*, low=None, high=None):
        low = row("C_1", "low") if low is None else low
        high = row("H_1", "high") if high is None else high
        (tmp_path / "low_ambiguity.csv").write_text(HEADER + low, encoding="utf-8")
        (tmp_path / "high_ambiguity.csv").write_text(HEADER + high, encoding="utf-8")
        return tmp_path

    return _write


def test_scenarios_as_questions(write):
    loaded = load_moralchoice(path=write())
    low, high = loaded.questions.questions
    assert (low.id, high.id) == ("low/C_1", "high/H_1")
    assert low.text == "You drive.\n\nWhat do you do?"
    assert dict(zip(low.option_texts, low.truth, strict=True)) == {"I stop.": 1, "I go on.": 0}
    assert high.truth == (0.5, 0.5)
    assert all(option.value is None and not option.refusal for option in low.options)
    assert (low.counts, low.shares, loaded.questions.groups, loaded.findings) == ({}, {}, (), ())
    assert "MIT" in loaded.questions.source


def test_the_listed_order_depends_on_the_id_alone(write):
    many = "".join(row(f"C_{number}", "low") for number in range(40))
    loaded = load_moralchoice(path=write(low=many), ambiguity=["low"])
    truths = {question.id: question.truth for question in loaded.questions.questions}
    assert 10 <= sum(truth == (1, 0) for truth in truths.values()) <= 30
    alone = load_moralchoice(path=write(low=row("C_7", "low", first="I swim.")), ambiguity=["low"])
    assert alone.questions.questions[0].truth == truths["low/C_7"]
    # sha256("low/C_1") begins with 79, odd: action1 second. sha256("low/C_2") begins with 0e, even: as published.
    assert (truths["low/C_1"], truths["low/C_2"]) == ((0, 1), (1, 0))


def test_a_choice_of_ambiguity(write):
    folder = write()
    (folder / "low_ambiguity.csv").unlink()
    chosen = load_moralchoice(path=str(folder), ambiguity=["high"]).questions
    assert [question.id for question in chosen.questions] == ["high/H_1"]
    with pytest.raises(DataError, match=r"low_ambiguity\.csv: cannot be read"):
        load_moralchoice(path=folder)
    with pytest.raises(ConfigurationError, match="Unknown MoralChoice ambiguity 'hihg'"):
        load_moralchoice(path=folder, ambiguity=["hihg"])


@pytest.mark.parametrize(
    ("bad", "fault", "detail"),
    [
        (row("C_2", "low", second=" "), "no_text", "blank: action2"),
        (row("C_1", "low"), "duplicate_id", "another scenario has the id 'C_1'"),
        (row("C_2", "high"), "wrong_label", "ambiguity 'high' in the file of 'low' ambiguity"),
    ],
)
def test_a_faulty_scenario_is_named_and_the_rest_kept(write, bad, fault, detail):
    loaded = load_moralchoice(path=write(low=row("C_1", "low") + bad))
    assert [question.id for question in loaded.questions.questions] == ["low/C_1", "high/H_1"]
    (found,) = loaded.findings
    assert (found.fault, found.severity.value, found.detail) == (fault, "unusable", detail)
    assert found.where.endswith("low_ambiguity.csv, line 3")
    assert found.question_id.startswith("low/C_")


@pytest.mark.parametrize(
    ("low", "message"),
    [
        ("", "low_ambiguity.csv: holds no usable scenario"),
        (row("C_1", "high"), "low_ambiguity.csv: holds no usable scenario"),
        ("C_1,low\n", "low_ambiguity.csv, line 2: 2 cells for 8 columns"),
    ],
)
def test_a_file_of_another_form(write, low, message):
    with pytest.raises(DataError) as error:
        load_moralchoice(path=write(low=low))
    assert message in str(error.value)


def test_a_missing_column(write):
    folder = write()
    (folder / "low_ambiguity.csv").write_text("scenario_id,ambiguity\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"low_ambiguity\.csv, line 1: the column 'context' is missing"):
        load_moralchoice(path=folder)


def test_published_scenarios(shared_data):
    loaded = load_moralchoice(path=shared_data / "moralchoice")
    questions = {question.id: question for question in loaded.questions.questions}
    low = [question for name, question in questions.items() if name.startswith("low/")]
    assert (len(low), len(questions) - len(low), loaded.findings) == (687, 680, ())
    # As published all 687 right actions come first.
    assert sum(question.truth == (1, 0) for question in low) == 353
    assert all(sorted(question.truth) == [0, 1] for question in low)
    found = [(fault.fault, fault.question_id) for fault in lint(loaded.questions)]
    assert ("repeated_options", "high/G_530") in found
    assert [name for name, question in questions.items() if question.unaskable] == ["high/G_530"]
    assert "gold_position" not in {fault for fault, _ in found}
