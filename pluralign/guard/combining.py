"""Several verdicts on one text become one decision; nothing that is missing, strange or late becomes a pass."""

import queue
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pluralign.errors import ConfigurationError
from pluralign.guard.form import ATTACK
from pluralign.guard.policy import Policy
from pluralign.guard.verdict import Backend, Document, Role, Ruling, Span, Verdict
from pluralign.records.base import Record

_K_OF_N = re.compile(r"([1-9]\d?)-of-([1-9]\d?)")
_LONGEST_ERROR = 300
_LAYERS: dict[str, Literal["form", "screen", "judge"]] = {"form": "form", "screen": "screen"}


class Decision(Record):
    """What the guard makes of all verdicts on a text; for operators, since verdicts hold scores.

    Attributes:
        ruling: Serve, refuse or unsure.
        category: Id of the policy's category that it is refused for; None where none is known.
        reason: One sentence for the operator.
        spans: What a refusal rests on.
        verdicts: Of all that was asked, in the order in which it was.
        failed: Whether something that was asked failed; `Guard.on_error` then decides what is unsure.
    """

    ruling: Ruling
    category: str | None = None
    reason: str
    spans: tuple[Span, ...] = ()
    verdicts: tuple[Verdict, ...]
    failed: bool = False


def refusals_needed(rule: str, *, n_backends: int) -> int:
    """How many backends must refuse for a refusal; a cascade and "any" need one.

    Raises:
        ConfigurationError: The rule is none, or needs another number of backends.
    """
    found = _K_OF_N.fullmatch(rule)
    if rule in {"cascade", "any"}:
        return 1
    if rule == "all":
        return n_backends
    if not found:
        raise ConfigurationError(
            f"combine: there is no rule {rule!r}: take 'cascade', 'any', 'all' or for example '2-of-3'."
        )
    needed, total = int(found[1]), int(found[2])
    if total != n_backends or needed > total:
        raise ConfigurationError(
            f"combine: {rule!r} does not fit the {n_backends} backends there are, the screen and the judges."
        )
    return needed


def decide_all(
    documents: Sequence[Document],
    *,
    role: Role,
    policy: Policy,
    form: Backend,
    backends: Sequence[Backend],
    rule: str,
    timeout_seconds: float,
) -> list[Decision]:
    """Judge documents, each on its own, with one call of a backend for all that it is asked about.

    A refusal of the form decides alone. Of the backends, a cascade asks one after the other until one refuses or
    all categories of the policy are cleared; the other rules ask all, refuse where enough refuse, and are unsure
    where those that are unsure could make them enough. Every category must be cleared by a `serve` of something
    competent for it, so that what nobody is competent for stays unsure.

    Args:
        documents: What is judged.
        role: Profiles or answers.
        policy: What is in force.
        form: The form layer.
        backends: The screen and the judges, in order.
        rule: "cascade", "any", "all" or "k-of-n".
        timeout_seconds: For each backend and document.

    Returns:
        One decision a document, in order.
    """
    needed = refusals_needed(rule, n_backends=len(backends))
    # What the form finds suspect stays open even where a site has dropped that category.
    categories = {category.id for category in policy.categories} | {ATTACK}
    cases = [_Case(document, set(categories)) for document in documents]
    for backend in (form, *backends):
        if asked := [case for case in cases if case.decision is None and not case.is_cleared(rule)]:
            answers = _asked(
                backend,
                [case.document for case in asked],
                role=role,
                policy=policy,
                timeout_seconds=timeout_seconds,
            )
            for case, (verdict, broken) in zip(asked, answers, strict=True):
                case.take(verdict, broken, backend=backend, rule=rule)
    return [case.decision or case.combined(rule, needed=needed) for case in cases]


@dataclass
class _Case:
    """A document and what was said of it so far.

    Attributes:
        document: What is judged.
        open_categories: What nothing competent has cleared it of yet.
        verdicts: In the order in which they were given.
        failed: Whether something that was asked failed.
        decision: Where it is settled, so that nothing else is asked.
    """

    document: Document
    open_categories: set[str]
    verdicts: list[Verdict] = field(default_factory=list)
    failed: bool = False
    decision: Decision | None = None

    def is_cleared(self, rule: str) -> bool:
        """Whether a cascade has nothing left to ask about."""
        return rule == "cascade" and not self.open_categories

    def take(self, verdict: Verdict, broken: bool, *, backend: Backend, rule: str) -> None:
        """Note what a backend says, and settle the case where that is enough."""
        self.verdicts.append(verdict)
        self.failed = self.failed or broken
        of_form = len(self.verdicts) == 1
        if verdict.ruling is Ruling.SERVE:
            self.open_categories -= self.open_categories if backend.categories is None else backend.categories
        if verdict.ruling is Ruling.REFUSE and (of_form or rule == "cascade"):
            self.decision = _refusal(verdict, self.verdicts, failed=self.failed)
        elif broken and of_form:
            self.decision = _unsure(
                self.verdicts, self.open_categories, failed=True
            )  # nobody else looks at it

    def combined(self, rule: str, *, needed: int) -> Decision:
        """The decision once everything was asked."""
        judged = self.verdicts[1:]
        refusing = [verdict for verdict in judged if verdict.ruling is Ruling.REFUSE]
        if refusing and len(refusing) >= needed:
            strongest = max(refusing, key=lambda verdict: verdict.score or 0.0)
            return _refusal(strongest, self.verdicts, failed=self.failed)
        n_possible = len(refusing) + sum(verdict.ruling is Ruling.UNSURE for verdict in judged)
        cleared = not self.open_categories and (rule == "cascade" or n_possible < max(needed, 1))
        if cleared:
            return Decision(
                ruling=Ruling.SERVE,
                reason="Nothing in it is what the policy refuses.",
                verdicts=tuple(self.verdicts),
                failed=self.failed,
            )
        return _unsure(self.verdicts, self.open_categories, failed=self.failed)


def _refusal(verdict: Verdict, verdicts: Sequence[Verdict], *, failed: bool) -> Decision:
    return Decision(
        ruling=Ruling.REFUSE,
        category=verdict.category,
        reason=f"{verdict.backend}: {verdict.reason}",
        spans=verdict.spans,
        verdicts=tuple(verdicts),
        failed=failed,
    )


def _unsure(verdicts: Sequence[Verdict], uncleared: set[str], *, failed: bool) -> Decision:
    reasons = [f"{each.backend}: {each.reason}" for each in verdicts if each.ruling is not Ruling.SERVE]
    if uncleared:
        reasons.append(f"nothing that is competent cleared it of {', '.join(sorted(uncleared))}")
    spans = [span for each in verdicts if each.ruling is not Ruling.SERVE for span in each.spans]
    return Decision(
        ruling=Ruling.UNSURE,
        reason="; ".join(reasons),
        spans=tuple(dict.fromkeys(spans)),
        verdicts=tuple(verdicts),
        failed=failed,
    )


def _asked(
    backend: Backend, documents: Sequence[Document], *, role: Role, policy: Policy, timeout_seconds: float
) -> list[tuple[Verdict, bool]]:
    """The verdict of a backend on each document, and whether it failed."""
    try:
        verdicts = _in_time(lambda: backend.judge(documents, role=role), timeout_seconds * len(documents))
    except Exception as error:  # noqa: BLE001 - whatever goes wrong in a backend is unsure and no pass
        verdicts, why = None, f"It failed: {_named(error)}"
    else:
        why = "It gave something else than one verdict."
    if isinstance(verdicts, list) and len(verdicts) == len(documents):
        return [
            _checked(verdict, backend, document=document, policy=policy)
            for verdict, document in zip(verdicts, documents, strict=True)
        ]
    if len(documents) == 1:
        return [(_failure(backend, why), True)]
    # Which of them it failed on is seen where each is asked about alone.
    return [
        each
        for document in documents
        for each in _asked(backend, [document], role=role, policy=policy, timeout_seconds=timeout_seconds)
    ]


def _checked(verdict: Any, backend: Backend, *, document: Document, policy: Policy) -> tuple[Verdict, bool]:
    """A verdict as far as it counts, and whether it is a failure."""
    if type(verdict) is not Verdict:
        return _failure(backend, "It gave something else than one verdict."), True
    try:
        # Again, because a record can be made without being checked.
        verdict = Verdict.model_validate(verdict.model_dump(warnings=False))
        why = next(_why_not_decisive(verdict, backend, document, policy), None)
    except Exception as error:  # noqa: BLE001 - whatever goes wrong in a backend is unsure and no pass
        return _failure(backend, f"It failed: {_named(error)}"), True
    if verdict.policy_hash not in {"", policy.digest}:
        return _failure(backend, "It judged by another policy than the one in force."), True
    if why is not None:
        kept = {"ruling": Ruling.UNSURE, "reason": f"It ruled {verdict.ruling}, but {why}."}
        return verdict.model_copy(update=kept), False
    return verdict, False


def _named(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:_LONGEST_ERROR]


def _why_not_decisive(
    verdict: Verdict, backend: Backend, document: Document, policy: Policy
) -> Iterator[str]:
    """What makes a ruling one that the backend may not give."""
    language = (document.language or "").partition("-")[0].lower()
    known = {category.id: category for category in policy.categories}
    if verdict.ruling is Ruling.SERVE:
        if backend.languages is not None and language and language not in backend.languages:
            yield f"it is not competent in the language {language!r}"
    elif verdict.ruling is Ruling.REFUSE and (category := known.get(verdict.category or "")):
        if backend.categories is not None and category.id not in backend.categories:
            yield f"it is not competent for {category.id}"
        if category.action == "review":
            yield f"the policy leaves {category.id} to a person"


def _in_time(ask: Callable[[], Any], timeout_seconds: float) -> Any:
    """What a call gives, if it does so in time; a thread that hangs is left behind and does not keep the process."""
    answers: queue.SimpleQueue[tuple[bool, Any]] = queue.SimpleQueue()

    def run() -> None:
        try:
            answers.put((True, ask()))
        except BaseException as error:  # noqa: BLE001 - raised again by the caller
            answers.put((False, error))

    threading.Thread(target=run, daemon=True, name="guard").start()
    try:
        done, answer = answers.get(timeout=timeout_seconds)
    except queue.Empty:
        raise TimeoutError(f"no verdict within {timeout_seconds:g} seconds") from None
    if not done:
        raise answer if isinstance(answer, Exception) else RuntimeError(type(answer).__name__)
    return answer


def _failure(backend: Backend, reason: str) -> Verdict:
    return Verdict(
        ruling=Ruling.UNSURE,
        layer=_LAYERS.get(backend.name, "judge"),
        backend=backend.name,
        backend_version=backend.version,
        reason=reason,
    )
