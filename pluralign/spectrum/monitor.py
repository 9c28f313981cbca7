"""What is watched while training: loss by task and by place in context, speed, and the share of tokens learnt from."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pluralign.spectrum.format import IGNORED, EncodedRow

if TYPE_CHECKING:
    from torch import Tensor

# Number of examples that stand before an output in its row: first of the bucket -> its name.
_BUCKETS = ((0, "0"), (1, "1"), (2, "2-3"), (4, "4-7"), (8, "8-15"), (16, "16+"))
_ELSEWHERE = "no_output"  # tokens outside outputs, which bear loss only in an ablation
POSITIONS = (*(name for _, name in _BUCKETS), _ELSEWHERE)


def position_bucket(n_before: int) -> str:
    """The name of the bucket of an output that so many examples stand before."""
    return [name for first, name in _BUCKETS if first <= n_before][-1]


class TokenGroups:
    """Numbers the groups of tokens whose losses are kept apart: each task with each place in context.

    Args:
        tasks: Names of the tasks.
    """

    def __init__(self, tasks: Sequence[str]) -> None:
        self.tasks = tuple(dict.fromkeys(tasks))
        self._numbers = {task: number for number, task in enumerate(self.tasks)}

    def __len__(self) -> int:
        return len(self.tasks) * len(POSITIONS)

    def of(self, row: EncodedRow) -> list[int]:
        """The group of each token of a row; -1 for tokens that bear no loss."""
        first = self._numbers[row.task] * len(POSITIONS)
        places = [_ELSEWHERE] * len(row.labels)
        for n_before, (start, end) in enumerate(row.outputs):
            places[start:end] = [position_bucket(n_before)] * (end - start)
        return [
            -1 if label == IGNORED else first + POSITIONS.index(place)
            for label, place in zip(row.labels, places, strict=True)
        ]

    def names(self, group: int) -> tuple[str, str]:
        """Task and place in context of a group."""
        task, place = divmod(group, len(POSITIONS))
        return self.tasks[task], POSITIONS[place]


class Monitor:
    """Adds up the cross-entropy of supervised tokens by group, whatever the loss that is trained on.

    Args:
        groups: The groups.
    """

    def __init__(self, groups: TokenGroups) -> None:
        self._groups = groups
        self._sums: Tensor | None = None  # (nats, supervised tokens) of each group, then all tokens
        self._since = time.monotonic()

    def add(self, nats: "Tensor", *, groups: "Tensor", n_tokens: "Tensor") -> None:
        """Count a batch.

        Args:
            nats: Cross-entropy of each supervised token, (n,).
            groups: Its group, (n,).
            n_tokens: All tokens of the batch but padding.
        """
        import torch

        if self._sums is None:
            # Apple's GPUs know no float64.
            precise = torch.float32 if nats.device.type == "mps" else torch.float64
            self._sums = torch.zeros(2 * len(self._groups) + 1, dtype=precise, device=nats.device)
        n = len(self._groups)
        self._sums[:n].index_add_(0, groups, nats.detach().to(self._sums.dtype))
        self._sums[n : 2 * n].index_add_(0, groups, torch.ones_like(nats, dtype=self._sums.dtype))
        self._sums[-1] += n_tokens

    def start(self) -> None:
        """Start the clock."""
        self._since = time.monotonic()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave what is done inside out of the speed."""
        started = time.monotonic()
        try:
            yield
        finally:
            self._since += time.monotonic() - started

    def take(self, *, n_processes: int) -> dict[str, float]:
        """The metrics since they were last taken, over all processes; all of these must call it.

        Args:
            n_processes: Number of processes.

        Returns:
            `loss_by_task/...` and `loss_by_position/...` in nats a token, each with its `n_by_...`; `n_supervised`,
            `n_tokens`, `loss_share` (of tokens that bore loss) and `supervised_tokens_per_second`. Only groups
            that had tokens are named. Empty where nothing was counted.
        """
        import torch

        sums, self._sums = self._sums, None
        now = time.monotonic()
        seconds, self._since = now - self._since, now
        if sums is None:
            return {}
        if n_processes > 1:
            torch.distributed.all_reduce(sums)
        *values, n_tokens = sums.tolist()
        n = len(self._groups)
        nats: dict[str, float] = {}
        counts: dict[str, float] = {}
        for group in range(n):
            if not (count := values[n + group]):
                continue
            for name in (
                f"by_task/{self._groups.names(group)[0]}",
                f"by_position/{self._groups.names(group)[1]}",
            ):
                nats[name] = nats.get(name, 0.0) + values[group]
                counts[name] = counts.get(name, 0.0) + count
        n_supervised = sum(values[n:])
        return {
            **{f"loss_{name}": total / counts[name] for name, total in sorted(nats.items())},
            **{f"n_{name}": count for name, count in sorted(counts.items())},
            "n_supervised": n_supervised,
            "n_tokens": n_tokens,
            "loss_share": n_supervised / n_tokens,
            "supervised_tokens_per_second": n_supervised / seconds,
        }
