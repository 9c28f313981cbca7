"""A steered answer while it is written: what must pass the guard is shown sentence by sentence, as its windows allow."""

import asyncio
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from dataclasses import dataclass, replace
from threading import Lock

from pluralign.errors import ConfigurationError, ModelError
from pluralign.guard.combining import Decision
from pluralign.guard.guard import Guard
from pluralign.guard.outputs import OutputWatch
from pluralign.models.protocol import Capability, Draw, LanguageModel, Prompt, SamplingParams, Text
from pluralign.steering.drawing import Checking, Unit, checks, result, said
from pluralign.steering.results import Steered

# Tokens after which the first part of an answer is read; each further part is twice as long.
FIRST_TOKENS = 32
# What stands for a character of which not all bytes are drawn yet.
_UNFINISHED = "\N{REPLACEMENT CHARACTER}"

# Makes draws for the prompt of a stream: (parameters) -> one draw.
Drawing = Callable[[SamplingParams], Draw]


class SteeredStream(Iterator[str]):
    """The pieces of one answer, in a `for` or an `async for` loop; the result once the loop has ended."""

    def __init__(self, source: Generator[str, None, Steered]) -> None:
        self._source = source
        self._result: Steered | None = None
        self._closed = False
        self._running = Lock()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        with self._running:
            try:
                return next(self._source)
            except StopIteration as stop:
                self._result = stop.value or self._result
                raise
            finally:
                if self._closed:
                    self._source.close()

    def __aiter__(self) -> AsyncIterator[str]:
        return _async_pieces(self)

    @property
    def result(self) -> Steered:
        """The whole answer, with what the guard ruled.

        Raises:
            ConfigurationError: Not all pieces were taken.
        """
        if self._result is None:
            raise ConfigurationError("The answer is not complete: take all its pieces first.")
        return self._result

    def close(self) -> None:
        """Ask for no more of the answer; what is being drawn now is the last of it."""
        self._closed = True
        if self._running.acquire(blocking=False):
            self._source.close()
            self._running.release()


async def _async_pieces(stream: SteeredStream) -> AsyncIterator[str]:
    """Each piece is waited for in a thread; a caller that goes away ends the answer."""
    try:
        while (piece := await asyncio.to_thread(next, stream, None)) is not None:
            yield piece
    finally:
        stream.close()


@dataclass(frozen=True)
class Streaming:
    """How one unit is streamed.

    Attributes:
        unit: What is asked.
        model: Who is asked.
        prompt: In these words.
        draw: Makes a draw; draws of fewer tokens are beginnings of draws of more.
        params: Parameters of the whole answer.
        seed: Seed of the draws.
        guard: Who watches.
        checking: Whether all outputs are checked.
    """

    unit: Unit
    model: LanguageModel
    prompt: Prompt
    draw: Drawing
    params: SamplingParams
    seed: int
    guard: Guard
    checking: Checking

    def pieces(self) -> Generator[str, None, Steered]:
        """What may be shown, piece by piece; returns the result.

        Raises:
            ModelError: The model failed, or does not begin a longer draw as it began the shorter one.
        """
        way = self.unit.job.voices[self.unit.member].way
        speaker = self.unit.job.speaker
        watch = OutputWatch(self.guard, speaker.approved) if checks(speaker, self.checking) else None
        shown, taken = "", ""
        draw = Draw("", "length", 0)
        for draw, is_last in self._longer_and_longer():
            text = draw.text if is_last else self._certain(draw.text)
            text = said(text, way=way)
            if not text.startswith(taken):
                raise ModelError(
                    f"{self.model.id!r} does not repeat its draws, so that an answer cannot be read while it is "
                    "written: use stream=False."
                )
            piece, taken = text[len(taken) :], text
            piece = watch.feed(piece) if watch else piece
            if is_last and watch:
                piece += watch.finish()
            shown += piece
            if piece:
                yield piece
            if watch and watch.stopped:
                break
        decision: Decision | None = watch.decision if watch else None
        return result(
            self.unit,
            draw,
            text=taken,
            decision=decision,
            model_id=self.model.id,
            seed=self.seed,
            shown=shown,
        )

    def _longer_and_longer(self) -> Iterator[tuple[Draw, bool]]:
        """The same draw, each time twice as long, and whether it is the last; one where draws are not repeated."""
        most = self.params.max_new_tokens
        n_tokens = min(FIRST_TOKENS, most) if Capability.SEED in self.model.can else most
        while True:
            draw = self.draw(replace(self.params, max_new_tokens=n_tokens))
            is_last = draw.finish == "stop" or n_tokens >= most
            yield draw, is_last
            if is_last:
                return
            n_tokens = min(2 * n_tokens, most)

    def _certain(self, text: str) -> str:
        """An unfinished answer without what may still become another character, or the string that ends it."""
        text = text.rstrip(_UNFINISHED)
        ends = self.params.stop
        if isinstance(self.prompt, Text) and self.prompt.end:
            ends = (*ends, self.prompt.end)
        held = max((_overlap(text, end) for end in ends), default=0)
        return text[: len(text) - held]


def _overlap(text: str, end: str) -> int:
    """Length of the longest end of a text that the string begins with."""
    return next((n for n in range(min(len(text), len(end) - 1), 0, -1) if text.endswith(end[:n])), 0)
