"""The guard: profiles are admitted by it or not rendered at all, and it judges answers by the same policy."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from pydantic import ValidationError

from pluralign.errors import ConfigurationError, PluralignError
from pluralign.guard.admission import ApprovedProfile, contents_hash, refusal, sealed, whole_of
from pluralign.guard.audit import AuditLog, Outcome, event_of
from pluralign.guard.combining import Decision, decide_all, refusals_needed
from pluralign.guard.form import ATTACK, FormLayer
from pluralign.guard.library import ReviewedLibrary, load_reviewed
from pluralign.guard.policy import Policy, load_policy
from pluralign.guard.qualification import EnabledJudge
from pluralign.guard.verdict import Backend, Document, Passage, Role, Ruling
from pluralign.profiles.record import ValueProfile
from pluralign.records.base import Record
from pluralign.records.jsonl import content_hash, describe

MOST_MEMBERS = 8
# Decisions kept; the oldest goes first.
MOST_KEPT = 1000
_LONGEST_ERROR = 600
OnDoubt = Literal["refuse", "serve_with_output_guard", "review"]
_DOUBTS: dict[str, Outcome] = {
    "refuse": "refused",
    "serve_with_output_guard": "served_with_output_guard",
    "review": "review",
}


class Part(Record):
    """A layer, as a configuration names it.

    Attributes:
        name: Of the backend.
        version: Of the backend.
        qualified: Of judges, whether they passed qualification.
    """

    name: str
    version: str
    qualified: bool | None = None


class Configuration(Record):
    """Everything that decides what a guard does.

    Attributes:
        policy: Id and version.
        policy_hash: sha256 of what is in force.
        applied: Ids of overlays in force.
        form: The form layer.
        limits: Its limits.
        screen: The screen; None where there is none.
        judges: In the order in which they are asked.
        combine: How verdicts are put together.
        on_unsure: What becomes of a profile that nobody could tell.
        on_error: What becomes of one that is unsure where a layer failed.
        timeout_seconds: For each layer.
        reviewed: Version of the list of reviewed profiles; None where it does not count.
    """

    policy: str
    policy_hash: str
    applied: tuple[str, ...]
    form: Part
    limits: dict[str, int]
    screen: Part | None
    judges: tuple[Part, ...]
    combine: str
    on_unsure: OnDoubt
    on_error: OnDoubt
    timeout_seconds: float
    reviewed: str | None


@dataclass
class Cache:
    """Decisions by content, in memory; what is unsure is judged again."""

    decisions: dict[str, Decision] = field(default_factory=dict)

    def keep(self, key: str, decision: Decision) -> None:
        """Keep a decision that is settled."""
        if decision.ruling is Ruling.UNSURE or decision.failed:
            return
        while len(self.decisions) >= MOST_KEPT:
            del self.decisions[next(iter(self.decisions))]
        self.decisions[key] = decision


@dataclass(frozen=True)
class Guard:
    """Admits profiles and judges answers.

    Attributes:
        policy: What is refused and served.
        form: The first layer; its refusal always stands.
        screen: The embedded screen, or None.
        judges: From `pluralign.guard.qualification.enable`.
        combine: "cascade", "any", "all" or "k-of-n", of the screen and the judges.
        on_unsure: What becomes of a profile that nobody could tell: "refuse", "serve_with_output_guard", "review".
            What a backend itself reports as failed is unsure too.
        on_error: The same where a layer raised, hung or gave no verdict.
        audit: Where every decision is written; None for nowhere. What cannot be written down is not served.
        cache: Of settled decisions; None to judge each time.
        timeout_seconds: After which a layer has failed.
        reviewed: Profiles that were read against the policy: `serve` where the layers are unsure and none failed or
            refused. None for no such list.
    """

    policy: Policy
    form: FormLayer
    screen: Backend | None
    judges: Sequence[EnabledJudge] = ()
    combine: str = "cascade"
    on_unsure: OnDoubt = "refuse"
    on_error: OnDoubt = "refuse"
    audit: AuditLog | None = None
    cache: Cache | None = field(default_factory=Cache, compare=False)
    timeout_seconds: float = 120.0
    reviewed: ReviewedLibrary | None = None

    def __post_init__(self) -> None:
        """Refuse a configuration that could pass what was not judged.

        Raises:
            ConfigurationError: A part is missing, not what it must be, or does not fit the others.
        """
        if not isinstance(self.policy, Policy):
            raise ConfigurationError("policy: a guard needs a policy: load_policy().")
        if not isinstance(self.form, FormLayer):
            raise ConfigurationError("form: a guard needs a form layer: FormLayer().")
        for judge in self.judges:
            if not isinstance(judge, EnabledJudge):
                raise ConfigurationError(
                    f"judges: {getattr(judge, 'name', judge)!r} is not enabled: use "
                    "pluralign.guard.qualification.enable, which asks for its qualification."
                )
        for name in ("on_unsure", "on_error"):
            if getattr(self, name) not in _DOUBTS:
                raise ConfigurationError(
                    f"{name}: there is no {getattr(self, name)!r}: take {', '.join(_DOUBTS)}."
                )
        if not self.timeout_seconds > 0:
            raise ConfigurationError("timeout_seconds: it must be above 0.")
        refusals_needed(self.combine, n_backends=len(self._backends))

    @classmethod
    def default(
        cls, policy: Policy | None = None, *, on_unsure: OnDoubt = "refuse", audit: AuditLog | None = None
    ) -> "Guard":
        """Form, the embedded screen and the list of reviewed shipped profiles.

        Without the embedder the screen knows its rules alone, and without its own weights there is no screen: what
        is not refused is then unsure, except for reviewed shipped profiles.

        Args:
            policy: None: the shipped one.
            on_unsure: As in `Guard`.
            audit: As in `Guard`.
        """
        return cls(
            policy=load_policy() if policy is None else policy,
            form=FormLayer(),
            screen=_embedded_screen(),
            on_unsure=on_unsure,
            audit=audit,
            reviewed=load_reviewed(),
        )

    @property
    def configuration(self) -> Configuration:
        """Everything that decides what it does."""
        limits = self.form.limits
        return Configuration(
            policy=f"{self.policy.id} {self.policy.version}",
            policy_hash=self.policy.digest,
            applied=self.policy.applied,
            form=Part(name=self.form.name, version=self.form.version),
            limits={
                "n_characters": limits.n_characters,
                "n_statements": limits.n_statements,
                "n_statement_characters": limits.n_statement_characters,
                **({"n_tokens": limits.n_tokens} if limits.count_tokens else {}),
            },
            screen=Part(name=self.screen.name, version=self.screen.version) if self.screen else None,
            judges=tuple(
                Part(name=judge.name, version=judge.version, qualified=judge.qualified)
                for judge in self.judges
            ),
            combine=self.combine,
            on_unsure=self.on_unsure,
            on_error=self.on_error,
            timeout_seconds=self.timeout_seconds,
            reviewed=content_hash(self.reviewed.model_dump(mode="json"))[:12] if self.reviewed else None,
        )

    def under(self, policy: Policy) -> "Guard":
        """The same guard under another policy, with nothing kept.

        Raises:
            ConfigurationError: It has judges, which are bound to the policy that they were made with.
        """
        if self.judges and policy.digest != self.policy.digest:
            raise ConfigurationError(
                "The guard's judges are bound to its policy: make and qualify them under the new one, and a guard "
                "with them."
            )
        return replace(self, policy=policy, cache=None if self.cache is None else Cache())

    def admit(self, profile: ValueProfile | Sequence[ValueProfile]) -> ApprovedProfile:
        """Admit a profile, or a mixture: each member and the whole.

        Raises:
            ProfileRefused: It is not served; says why in the policy's words.
            ConfigurationError: It is no profile, an empty mixture or one of too many.
            StorageError: The audit cannot be written.
        """
        profiles = _members(profile)
        decision = self.decide(profiles, role="profile")
        outcome = self._outcome(decision)
        if self.audit is not None:
            event = event_of(
                "admission",
                profiles=profiles,
                decision=decision,
                outcome=outcome,
                policy=self.policy,
                configuration=self._configuration_hash,
            )
            self.audit.append(event)
        if outcome in {"served", "served_with_output_guard"}:
            return sealed(
                profiles,
                policy_hash=self.policy.digest,
                decision=decision,
                watched=outcome == "served_with_output_guard",
            )
        raise refusal(
            decision,
            document=whole_of(profiles),
            policy=self.policy,
            code=contents_hash(profiles)[:12],
            review=outcome == "review",
        )

    def check_output(self, text: str, profile: ApprovedProfile) -> Decision:
        """Judge an answer that was given for a profile; only what is ruled `serve` may be shown.

        Raises:
            ConfigurationError: The profile is not as it was admitted, or under another policy.
            StorageError: The audit cannot be written.
        """
        profile.verify()
        if profile.policy_hash != self.policy.digest:
            raise ConfigurationError("The profile was admitted under another policy: admit it again.")
        decision = self.decide(profile.profiles, role="output", text=text)
        if self.audit is not None:
            event = event_of(
                "output",
                profiles=profile.profiles,
                decision=decision,
                outcome="served" if decision.ruling is Ruling.SERVE else "refused",
                policy=self.policy,
                configuration=self._configuration_hash,
                text=_encodable(text),
            )
            self.audit.append(event)
        return decision

    def decide(
        self, profiles: ValueProfile | Sequence[ValueProfile], *, role: Role, text: str | None = None
    ) -> Decision:
        """What is decided, without admission or audit: for explaining and replaying.

        Args:
            profiles: A profile, or a mixture.
            role: What is judged: "profile", or the answer "text" that was given for it.
            text: The answer.

        Raises:
            ConfigurationError: As `admit`; or an answer without text.
        """
        members = _members(profiles)
        if role == "output":
            if not isinstance(text, str):
                raise ConfigurationError("text: an answer is a text, and none is given.")
            if text != _encodable(text):
                reason = "The answer holds half of a character."
                return Decision(ruling=Ruling.REFUSE, category=ATTACK, reason=reason, verdicts=())
            languages = {member.language for member in members}
            language = languages.pop() if len(languages) == 1 else None
            answer = Document(passages=(Passage(field="text", text=text),), language=language)
            return self._decided(answer, role=role)
        for number, member in enumerate(members if len(members) > 1 else ()):
            decision = self._profile([member], role=role)
            if decision.ruling is not Ruling.SERVE:
                return _in_mixture(decision, number)
        return self._profile(members, role=role)

    def decide_documents(self, documents: Sequence[Document]) -> list[Decision]:
        """What is decided on texts as the layers see profiles, many at a time: for measuring.

        A text need not be one that a profile can hold, and the list of reviewed profiles does not count.

        Returns:
            One decision a document, in order; each as if it were alone.
        """
        return self._decided_all(documents, role="profile")

    def _profile(self, members: Sequence[ValueProfile], *, role: Role) -> Decision:
        """Of one profile, or of a mixture as a whole; the list of reviewed ones counts where nobody could tell."""
        decision = self._decided(whole_of(members), role=role, n_members=len(members))
        if self.reviewed is None or decision.failed or decision.ruling is not Ruling.UNSURE:
            return decision
        suspect = decision.verdicts[0].ruling is not Ruling.SERVE
        refused = any(verdict.ruling is Ruling.REFUSE for verdict in decision.verdicts)
        verdict = None if suspect or refused else self.reviewed.verdict(members, policy=self.policy)
        if verdict is None:
            return decision
        return Decision(
            ruling=Ruling.SERVE,
            reason=f"{verdict.backend}: {verdict.reason}",
            verdicts=(*decision.verdicts, verdict),
        )

    def _decided(self, document: Document, *, role: Role, n_members: int = 1) -> Decision:
        return self._decided_all([document], role=role, n_members=n_members)[0]

    def _decided_all(
        self, documents: Sequence[Document], *, role: Role, n_members: int = 1
    ) -> list[Decision]:
        configured = self._configuration_hash
        keys = [
            content_hash([document.model_dump(mode="json"), role, n_members, configured])
            for document in documents
        ]
        kept = {} if self.cache is None else self.cache.decisions
        decided = {key: kept[key] for key in keys if key in kept}
        new = {key: document for key, document in zip(keys, documents, strict=True) if key not in decided}
        found = decide_all(
            list(new.values()),
            role=role,
            policy=self.policy,
            form=_for_members(self.form, n_members),
            backends=self._backends,
            rule=self.combine,
            timeout_seconds=self.timeout_seconds,
        )
        for key, decision in zip(new, found, strict=True):
            decided[key] = decision
            if self.cache is not None:
                self.cache.keep(key, decision)
        return [decided[key] for key in keys]

    @property
    def _backends(self) -> tuple[Backend, ...]:
        return (*((self.screen,) if self.screen is not None else ()), *self.judges)

    @property
    def _configuration_hash(self) -> str:
        return content_hash(self.configuration.model_dump(mode="json"))

    def _outcome(self, decision: Decision) -> Outcome:
        if decision.ruling is Ruling.SERVE:
            return "served"
        if decision.ruling is Ruling.REFUSE:
            return "refused"
        return _DOUBTS[self.on_error if decision.failed else self.on_unsure]


def _members(profile: ValueProfile | Sequence[ValueProfile]) -> tuple[ValueProfile, ...]:
    members = (profile,) if isinstance(profile, ValueProfile) else tuple(profile)
    if not members or len(members) > MOST_MEMBERS:
        raise ConfigurationError(f"A mixture has 1 to {MOST_MEMBERS} profiles; {len(members)} are given.")
    return tuple(_checked(member) for member in members)


def _checked(member: ValueProfile) -> ValueProfile:
    """A profile that was read again, because a record can be made without being checked."""
    if not isinstance(member, ValueProfile):
        raise ConfigurationError(
            f"Only profiles can be admitted, not {type(member).__name__}: use load_profile()."
        )
    try:
        return ValueProfile.model_validate(member.model_dump(warnings=False))
    except ValidationError as error:
        raise ConfigurationError(f"Not a valid profile: {describe(error)[:_LONGEST_ERROR]}") from error
    except (AttributeError, TypeError, ValueError) as error:
        raise ConfigurationError("Not a valid profile: it was made without being checked.") from error


def _encodable(text: str) -> str:
    """A text with a question mark for each half of a character."""
    return text.encode(errors="replace").decode()


def _for_members(form: FormLayer, n_members: int) -> FormLayer:
    """The form layer with limits for so many profiles."""
    if n_members == 1:
        return form
    limits = form.limits
    return type(form)(
        replace(
            limits,
            n_characters=limits.n_characters * n_members,
            n_tokens=limits.n_tokens * n_members,
            n_statements=limits.n_statements * n_members,
        )
    )


def _in_mixture(decision: Decision, number: int) -> Decision:
    """A member's decision with places as in the whole mixture."""
    prefix = f"[{number}]."
    return decision.model_copy(
        update={
            "spans": tuple(
                span.model_copy(update={"field": f"{prefix}{span.field}"}) for span in decision.spans
            ),
            "reason": f"member {number + 1}: {decision.reason}",
        }
    )


def _embedded_screen() -> Backend | None:
    from pluralign.guard.screen import Screen

    try:
        return Screen()
    except PluralignError:
        return None
