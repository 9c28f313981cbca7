"""Answers of a steered model while they are written: nothing is let through that was not judged."""

import re
from typing import TYPE_CHECKING

from pluralign.guard.admission import ApprovedProfile
from pluralign.guard.combining import Decision
from pluralign.guard.statements import WINDOW
from pluralign.guard.verdict import Ruling

if TYPE_CHECKING:
    from pluralign.guard.guard import Guard

# What has no end of a sentence for so long is judged all the same, at the last space before.
LONGEST_PIECE = 400
_END = re.compile(r"(?<=[.!?…])[\"'”’»)\]]*\s+|(?<=[。！？؟۔।॥])|\n")  # noqa: RUF001


class OutputWatch:
    """Holds an answer back sentence by sentence until it was judged, each with the two sentences before it.

    Harm that is spread over more than three sentences is seen only by `finish`, which judges the whole; what was
    let through before cannot be called back.

    Attributes:
        decision: The one that stopped the answer, or the last one; None before the first.
        stopped: Whether the answer was stopped; nothing is let through from then on.
    """

    def __init__(self, guard: "Guard", profile: ApprovedProfile) -> None:
        """Watch one answer.

        Raises:
            ConfigurationError: The profile is not as it was admitted.
        """
        profile.verify()
        self._guard = guard
        self._profile = profile
        self._judged: list[str] = []
        self._held = ""
        self._finished = False
        self.decision: Decision | None = None
        self.stopped = False

    def feed(self, piece: str) -> str:
        """Take the next piece of the answer, and return what may be shown."""
        if self.stopped or self._finished:
            return ""
        self._held += piece
        released = []
        while not self.stopped and (end := piece_end(self._held)):
            sentence, self._held = self._held[:end], self._held[end:]
            released.append(self._passed(sentence))
        return "".join(released)

    def finish(self) -> str:
        """Judge what is left, and the whole; return what may be shown of the rest."""
        if self.stopped or self._finished:
            return ""
        self._finished = True
        rest, self._held = self._held, ""
        whole = "".join((*self._judged, rest))
        if whole.strip() and not self._serves(whole):
            return ""
        return rest

    def _passed(self, sentence: str) -> str:
        self._judged.append(sentence)
        window = "".join(self._judged[-WINDOW:])
        if window.strip() and not self._serves(window):
            return ""
        return sentence

    def _serves(self, text: str) -> bool:
        self.decision = self._guard.check_output(text, self._profile)
        self.stopped = self.decision.ruling is not Ruling.SERVE
        return not self.stopped


def piece_end(held: str) -> int:
    """Where the first sentence ends, or what is too long to wait for; 0 where neither is there yet."""
    found = _END.search(held)
    if found and found.end() <= LONGEST_PIECE:
        return found.end()
    if len(held) <= LONGEST_PIECE:
        return 0
    return held.rfind(" ", 0, LONGEST_PIECE) + 1 or LONGEST_PIECE
