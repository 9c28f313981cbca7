"""Batches of encoded rows: padded, or laid end to end with attention kept within rows."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pluralign.spectrum.format import IGNORED, EncodedRow
from pluralign.spectrum.monitor import TokenGroups

if TYPE_CHECKING:
    from torch import Tensor


class Batches:
    """Makes tensors of the rows that a data loader names by number.

    Beside what the model takes, a batch holds `groups`: for each token the group whose loss it counts to, -1 for
    none; `n_tokens` of each line, without what fills it up; and, where rows carry true probabilities, `target_ids`
    and `target_probs`.

    Args:
        rows: All rows.
        groups: Which group a token counts to.
        packing: Rows are laid end to end up to this many tokens, and a longer row stands alone; None pads each
            to the longest. Positions begin anew with each row; from that, and with the cache off, transformers
            keeps attention within rows. Attention costs the square of what is packed, so longer is not faster.
    """

    def __init__(self, rows: Sequence[EncodedRow], *, groups: TokenGroups, packing: int | None) -> None:
        self.rows = rows
        self.groups = groups
        self.packing = packing

    def __call__(self, items: Sequence[Mapping[str, int]]) -> "dict[str, Tensor]":
        """Make a batch of the rows numbered {"row": ...}: see `batch`."""
        return self.batch([self.rows[item["row"]] for item in items])

    def batch(self, rows: Sequence[EncodedRow]) -> "dict[str, Tensor]":
        """Make a batch of given rows: (lines, longest), the targets (lines, longest, most tokens), n_tokens (lines,)."""
        import torch

        packs = _packed(rows, length=self.packing) if self.packing else [[row] for row in rows]
        shape = (len(packs), max(map(_n_tokens, packs)))
        batch = {
            "input_ids": torch.zeros(shape, dtype=torch.long),
            "labels": torch.full(shape, IGNORED),
            "groups": torch.full(shape, -1),
            "n_tokens": torch.tensor([_n_tokens(pack) for pack in packs]),
        }
        if self.packing:
            batch["position_ids"] = torch.zeros(shape, dtype=torch.long)
        else:
            batch["attention_mask"] = torch.zeros(shape, dtype=torch.long)
        width = max((len(ids) for row in rows for ids, _ in (row.targets or {}).values()), default=0)
        if width:
            batch["target_ids"] = torch.zeros(*shape, width, dtype=torch.long)
            batch["target_probs"] = torch.zeros(*shape, width)
        for index, pack in enumerate(packs):
            start = 0
            for row in pack:
                self._lay(row, line={name: values[index] for name, values in batch.items()}, start=start)
                start += len(row.input_ids)
            if self.packing:
                # What fills a shorter pack up is a row of its own that bears no loss.
                batch["position_ids"][index, start:] = torch.arange(shape[1] - start)
        return batch

    def _lay(self, row: EncodedRow, *, line: "Mapping[str, Tensor]", start: int) -> None:
        """Write a row into one line of a batch."""
        import torch

        n = len(row.input_ids)
        place = slice(start, start + n)
        line["input_ids"][place] = torch.tensor(row.input_ids)
        line["labels"][place] = torch.tensor(row.labels)
        line["groups"][place] = torch.tensor(self.groups.of(row))
        if self.packing:
            line["position_ids"][place] = torch.arange(n)
        else:
            line["attention_mask"][place] = 1
        for offset, (token_ids, probs) in (row.targets or {}).items():
            line["target_ids"][start + offset, : len(token_ids)] = torch.tensor(token_ids)
            line["target_probs"][start + offset, : len(probs)] = torch.tensor(probs)


def _packed(rows: Sequence[EncodedRow], *, length: int) -> list[list[EncodedRow]]:
    """Rows put together first fit, the longest first."""
    packs: list[list[EncodedRow]] = []
    for row in sorted(rows, key=lambda row: -len(row.input_ids)):
        fitting = (pack for pack in packs if _n_tokens(pack) + len(row.input_ids) <= length)
        pack = next(fitting, None)
        if pack is None:
            packs.append([row])
        else:
            pack.append(row)
    return packs


def _n_tokens(pack: Sequence[EncodedRow]) -> int:
    return sum(len(row.input_ids) for row in pack)
