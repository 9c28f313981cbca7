import pytest

from pluralign.spectrum.ablations import single_examples, with_loss_on
from pluralign.spectrum.checks import check_rows
from pluralign.spectrum.format import Example, SpectrumFormat, SpectrumSequence
from pluralign.spectrum.recipe import TrainingRecipe, build_sequences


def sequence(description, *outputs, given=None):
    examples = tuple(Example(input=given, output=output) for output in outputs)
    return SpectrumSequence(description=description, examples=examples, task="t")


def learnt(spectrum, row):
    return [spectrum.tokenizer.decode([label]) for label in row.labels if label != -100]


def test_every_draw_becomes_a_row_with_its_description():
    rows = [sequence("Coin", "heads", "tails", given="now"), sequence(None, "a", "b"), sequence("Die", "6")]
    singles = single_examples(rows)

    assert singles == [
        sequence("Coin", "heads", given="now"),
        sequence("Coin", "tails", given="now"),
        sequence(None, "a"),
        sequence(None, "b"),
        sequence("Die", "6"),
    ]
    assert single_examples(singles) == singles


def test_single_draws_bear_the_tokens_of_the_same_outputs(tokenizer):
    """All outputs of rows with a description; those without lose theirs, which are counted."""
    spectrum = SpectrumFormat.from_tokenizer(tokenizer)
    rows = build_sequences(TrainingRecipe(tasks={"categorical": 12, "dice": 8}, mean_examples=4))
    whole = check_rows([row for row in rows if row.description], spectrum=spectrum, max_length=2000)
    singles = check_rows(single_examples(rows), spectrum=spectrum, max_length=2000)

    assert 0 < len(whole.rows) < len(rows)
    assert singles.total.n_supervised == whole.total.n_supervised
    assert singles.total.n_without_loss == sum(len(row.examples) for row in rows if not row.description)
    assert {row.task: 0 for row in singles.rows} == {"categorical": 0, "dice": 0}


@pytest.mark.parametrize("described", [True, False])
def test_where_the_loss_falls(described, tokenizer):
    spectrum = SpectrumFormat.from_tokenizer(tokenizer)
    row = spectrum.encode(sequence("Coin" if described else None, "x", "y", "z"), max_length=1000)
    end = spectrum.turns.end

    def text(where):
        return "".join(learnt(spectrum, with_loss_on(row, where)))

    assert with_loss_on(row, "outputs") == row
    assert text("first_output") == (f"x{end}" if described else "")
    assert text("last_output") == f"z{end}"
    assert with_loss_on(row, "all_tokens").labels == (-100, *row.input_ids[1:])
    assert with_loss_on(row, "last_output").input_ids == row.input_ids


def test_the_last_output_is_the_last_that_truncation_left(chatml):
    spectrum = SpectrumFormat.from_tokenizer(chatml)
    whole = spectrum.encode(sequence("Coin", "heads", "tails", "heads"), max_length=1000)
    start, _ = whole.outputs[1]
    cut = spectrum.encode(sequence("Coin", "heads", "tails", "heads"), max_length=start + 1)
    row = with_loss_on(cut, "last_output")

    assert cut.outputs == (whole.outputs[0], (start, start + 1))
    assert [place for place, label in enumerate(row.labels) if label != -100] == [start]


def test_the_spans_of_outputs_are_what_bears_loss(tokenizer):
    spectrum = SpectrumFormat.from_tokenizer(tokenizer)
    row = spectrum.encode(sequence("Coin", "heads", "tails", given="now"), max_length=1000)
    spans = {place for start, end in row.outputs for place in range(start, end)}

    assert spans == {place for place, label in enumerate(row.labels) if label != -100}
    assert len(spectrum.encode(sequence(None, "a", "b"), max_length=1000).outputs) == 2
