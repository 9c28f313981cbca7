"""Checks before training: what bears loss, what was cut off, and whether a server would see the same tokens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rich.text import Text

from pluralign.errors import TrainingError
from pluralign.spectrum.ablations import LossOn, single_examples, with_loss_on
from pluralign.spectrum.format import IGNORED, EncodedRow, SpectrumFormat, SpectrumSequence
from pluralign.spectrum.recipe import TrainingRecipe
from pluralign.spectrum.soft_targets import with_soft_targets

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class TaskCounts:
    """Counts over the rows of one task, or of all.

    Attributes:
        n_rows: Rows.
        n_tokens: Tokens.
        n_supervised: Tokens that bear loss.
        n_described: Rows with a description.
        n_without_loss: Rows in which no token bears loss; they are left out of training.
        n_truncated: Rows cut off at the maximal length.
        n_differing: Rows whose tokens differ from those of the whole rendered text, which is what a server
            would compute: a sign that outputs begin or end with characters that merge with the turn tokens.
    """

    n_rows: int = 0
    n_tokens: int = 0
    n_supervised: int = 0
    n_described: int = 0
    n_without_loss: int = 0
    n_truncated: int = 0
    n_differing: int = 0

    def __add__(self, other: "TaskCounts") -> "TaskCounts":
        return TaskCounts(**{name: value + vars(other)[name] for name, value in vars(self).items()})


@dataclass(frozen=True)
class Preflight:
    """What training would see.

    Attributes:
        total: Counts over all rows.
        tasks: task -> counts over its rows.
        rows: The rows that bear loss, in order.
        loss_on: Which tokens bear loss.
        rows_per_step: Rows an optimizer step goes through; None where no recipe says.
    """

    total: TaskCounts
    tasks: Mapping[str, TaskCounts]
    rows: tuple[EncodedRow, ...]
    loss_on: LossOn = "outputs"
    rows_per_step: int | None = None

    @property
    def described_share(self) -> float:
        """Share of rows with a description, in [0, 1]."""
        return self.total.n_described / self.total.n_rows

    @property
    def mean_supervised(self) -> float:
        """Mean number of tokens that bear loss, over the rows that have any."""
        return self.total.n_supervised / len(self.rows)

    def loss_share(self, task: str) -> float:
        """Share of all tokens that bear loss which a task brings: its weight in training, in [0, 1]."""
        return self.tasks[task].n_supervised / self.total.n_supervised


def check_recipe(
    recipe: TrainingRecipe,
    *,
    sequences: Sequence[SpectrumSequence],
    spectrum: SpectrumFormat,
) -> Preflight:
    """Tokenise sequences as a recipe trains on them, and count what training would see.

    Args:
        recipe: Says what bears loss, how long rows may be, and whether every draw is a row of its own.
        sequences: The rows, for example from `build_sequences(recipe)`.
        spectrum: The tokenizer's spectrum format.

    Raises:
        TrainingError: No token of any row bears loss.
        ConfigurationError: The loss needs true probabilities that a row does not have.
        DataError: A text holds a turn token.
    """

    def checked(rows: Sequence[SpectrumSequence]) -> Preflight:
        return check_rows(
            rows,
            spectrum=spectrum,
            max_length=recipe.max_length,
            loss_on=recipe.loss_on,
            soft_targets=recipe.loss == "soft_targets",
        )

    whole = checked(sequences)
    if not recipe.single_example:
        return replace(whole, rows_per_step=recipe.batch_size)
    singles = checked(single_examples(sequences))
    # So many single draws bear the supervised tokens of a step of whole sequences.
    wanted = recipe.batch_size * whole.mean_supervised / singles.mean_supervised
    parts = recipe.batch_size // recipe.device_batch_size
    return replace(singles, rows_per_step=parts * max(1, round(wanted / parts)))


def check_rows(
    sequences: Sequence[SpectrumSequence],
    *,
    spectrum: SpectrumFormat,
    max_length: int,
    loss_on: LossOn = "outputs",
    soft_targets: bool = False,
) -> Preflight:
    """Tokenise sequences and count what training would see.

    Args:
        sequences: The rows.
        spectrum: The tokenizer's spectrum format.
        max_length: Longest row in tokens.
        loss_on: Which tokens bear loss.
        soft_targets: Whether rows carry the true probabilities of the next token.

    Raises:
        TrainingError: No token of any row bears loss.
        ConfigurationError: True probabilities are asked for of a row whose process is not known in closed form.
        DataError: A text holds a turn token.
    """
    tasks: dict[str, TaskCounts] = {}
    rows = []
    for sequence in sequences:
        row = with_loss_on(spectrum.encode(sequence, max_length=max_length), loss_on)
        whole = spectrum.tokenizer(spectrum.render(sequence), add_special_tokens=False)["input_ids"]
        counts = TaskCounts(
            n_rows=1,
            n_tokens=len(row.input_ids),
            n_supervised=row.n_supervised,
            n_described=int(row.described),
            n_without_loss=int(row.n_supervised == 0),
            n_truncated=int(row.truncated),
            n_differing=int(tuple(whole[:max_length]) != row.input_ids),
        )
        tasks[row.task] = tasks.get(row.task, TaskCounts()) + counts
        if row.n_supervised:
            rows.append(with_soft_targets(row, sequence=sequence, spectrum=spectrum) if soft_targets else row)
    total = sum(tasks.values(), TaskCounts())
    if not rows:
        raise TrainingError(
            f"None of the {total.n_rows} rows has a token that bears loss ({total.n_truncated} were cut off at "
            f"max_length {max_length}). Rows need a description or a second output, and room for it."
        )
    return Preflight(total=total, tasks=tasks, rows=tuple(rows), loss_on=loss_on)


def preview(rows: Sequence[EncodedRow], tokenizer: "PreTrainedTokenizerBase") -> list[Text]:
    """Rows as they are trained on: what bears loss in bold green, turn tokens dimmed.

    The text is decoded from the tokens, so that it shows exactly what is in the row.
    """
    special = set(tokenizer.all_special_ids) | set(tokenizer.added_tokens_decoder)
    return [_preview_row(row, tokenizer, special) for row in rows]


def _preview_row(row: EncodedRow, tokenizer: "PreTrainedTokenizerBase", special: set[int]) -> Text:
    text = Text()
    start = 0
    for end in range(1, len(row.labels) + 1):
        if end < len(row.labels) and _style(row, end, special) == _style(row, start, special):
            continue
        piece = tokenizer.decode(list(row.input_ids[start:end]), clean_up_tokenization_spaces=False)
        text.append(str(piece), style=_style(row, start, special))
        start = end
    return text


def _style(row: EncodedRow, position: int, special: set[int]) -> str:
    if row.labels[position] != IGNORED:
        return "bold green"
    return "dim" if row.input_ids[position] in special else ""
