import pytest

from pluralign.errors import TrainingError
from pluralign.spectrum.checks import check_rows, preview
from pluralign.spectrum.format import Example, SpectrumFormat, SpectrumSequence


def sequence(description, *outputs, task="t"):
    examples = tuple(Example(output=output) for output in outputs)
    return SpectrumSequence(description=description, examples=examples, task=task)


def test_counts(chatml):
    spectrum = SpectrumFormat.from_tokenizer(chatml)
    rows = [
        sequence("Coin", "heads", "tails", task="coin"),
        sequence(None, "heads", "tails", task="coin"),
        sequence(None, "heads", task="lost"),
        sequence("Coin", "heads", task="die"),
    ]
    found = check_rows(rows, spectrum=spectrum, max_length=1000)

    def length(text):
        return len(chatml(text, add_special_tokens=False)["input_ids"])

    heads, tails = length("heads") + 1, length("tails") + 1  # with the end of turn
    assert found.tasks["coin"].n_rows == 2
    assert found.tasks["coin"].n_described == 1
    assert found.tasks["coin"].n_supervised == heads + tails + tails
    assert found.tasks["coin"].n_differing == 0
    assert found.tasks["lost"].n_without_loss == 1
    assert found.total.n_rows == 4
    assert found.total.n_tokens == sum(counts.n_tokens for counts in found.tasks.values())
    assert found.described_share == 0.5
    assert sum(found.loss_share(task) for task in found.tasks) == pytest.approx(1)
    assert [row.task for row in found.rows] == ["coin", "coin", "die"]


def test_outputs_that_merge_with_their_header_are_counted(tokenizers):
    spectrum = SpectrumFormat.from_tokenizer(tokenizers["llama"])
    rows = [sequence("Coin", "heads"), sequence("Coin", "\nheads")]

    # The header ends in two line breaks; a server would write the third with them as one token.
    assert check_rows(rows, spectrum=spectrum, max_length=100).total.n_differing == 1


def test_truncated_rows_are_counted(chatml):
    spectrum = SpectrumFormat.from_tokenizer(chatml)
    found = check_rows([sequence("Coin", *["heads"] * 50)], spectrum=spectrum, max_length=60)

    assert found.total.n_truncated == 1
    assert found.total.n_tokens == 60


def test_nothing_to_learn_from(chatml):
    spectrum = SpectrumFormat.from_tokenizer(chatml)
    with pytest.raises(TrainingError, match=r"None of the 2 rows has a token that bears loss \(0 were cut"):
        check_rows([sequence(None, "a"), sequence(None, "b")], spectrum=spectrum, max_length=100)
    with pytest.raises(TrainingError, match=r"\(1 were cut off at max_length 8\)"):
        check_rows([sequence("A long description", "b")], spectrum=spectrum, max_length=8)


def test_the_preview_colours_what_bears_loss(tokenizer):
    spectrum = SpectrumFormat.from_tokenizer(tokenizer)
    row = spectrum.encode(sequence("Coin", "heads", "tails"), max_length=1000)
    (text,) = preview([row], tokenizer)
    coloured = [text.plain[span.start : span.end] for span in text.spans if span.style == "bold green"]

    assert coloured == [f"heads{spectrum.turns.end}", f"tails{spectrum.turns.end}"]
    assert text.plain == spectrum.render(sequence("Coin", "heads", "tails"))
