"""What comes of an admission: a profile that may be rendered, or a refusal that can be shown to its author."""

import hmac
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from pluralign.errors import ConfigurationError, PluralignError
from pluralign.guard.combining import Decision
from pluralign.guard.form import document_of
from pluralign.guard.library import profile_hash
from pluralign.guard.policy import Policy
from pluralign.guard.verdict import Document, Passage, Ruling, Span
from pluralign.profiles.characters import is_invisible
from pluralign.profiles.record import ValueProfile
from pluralign.profiles.rendering import Style, system_prompt
from pluralign.records.jsonl import canonical_json, content_hash

# An approval holds in the process that gave it: another one asks its own guard.
_KEY = secrets.token_bytes(32)
APPEAL = "If you think this is wrong, ask whoever runs this service to look at it, and name the code"


class ProfileRefused(PluralignError):  # noqa: N818 - the outcome's name for callers, an answer and no fault
    """A profile that is not served; its text may be shown to whoever wrote the profile.

    Attributes:
        category: Id of the policy's category; None where none applies.
        sentence: The policy's sentence for users.
        matched: The statement that it rests on; None where the whole is meant.
        instead: What would be served instead.
        appeal: How to have it looked at again.
        review: Whether it waits for a person.
        decision: All verdicts, with scores: for operators, and no part of the message.
    """

    exit_code = 1

    def __init__(
        self,
        sentence: str,
        *,
        category: str | None,
        matched: str | None,
        instead: str,
        appeal: str,
        review: bool,
        decision: Decision,
    ) -> None:
        self.category = category
        self.sentence = sentence
        self.matched = matched
        self.instead = instead
        self.appeal = appeal
        self.review = review
        self.decision = decision
        statement = [f'It rests on: "{visible(matched)}"'] if matched else []
        super().__init__(" ".join([sentence, *statement, f"What would be served instead: {instead}", appeal]))


@dataclass(frozen=True)
class ApprovedProfile:
    """A profile, or a mixture of several, that a guard admitted; `Guard.admit` makes it and nothing else does.

    The seal binds its content to the decision within the process. It keeps mistakes out: code that runs in the
    same process could read the key.

    Attributes:
        profiles: One, or the members of the mixture.
        content_hash: sha256 of them.
        policy_hash: sha256 of the policy in force.
        decision: With all verdicts.
        watched: Whether answers must pass the guard (`Guard.check_output`, `OutputWatch`) because it was admitted
            without being cleared.
        seal: Of all of this.
    """

    profiles: tuple[ValueProfile, ...]
    content_hash: str
    policy_hash: str
    decision: Decision
    watched: bool
    seal: str

    def verify(self) -> None:
        """Make sure that it is what a guard of this process admitted.

        Raises:
            ConfigurationError: It was made by hand, by another process, or changed since.
        """
        expected = sealed(
            self.profiles, policy_hash=self.policy_hash, decision=self.decision, watched=self.watched
        )
        if self.content_hash != contents_hash(self.profiles) or not hmac.compare_digest(
            self.seal.encode(), expected.seal.encode()
        ):
            raise ConfigurationError(
                "The profile is not as it was admitted, or was admitted by no guard of this process: admit it again."
            )

    def system_prompt(
        self,
        *,
        style: Style | str = Style.FIRST_PERSON,
        max_tokens: int | None = None,
        count_tokens: Callable[[str], int] | None = None,
        nonce: str | None = None,
    ) -> str:
        """The prompt of a single profile: `system_prompts`, which takes the same.

        Raises:
            ConfigurationError: As `system_prompts`; or it is a mixture.
        """
        if len(self.profiles) != 1:
            raise ConfigurationError(
                f"A mixture of {len(self.profiles)} profiles has a prompt for each: use system_prompts()."
            )
        (prompt,) = self.system_prompts(
            style=style, max_tokens=max_tokens, count_tokens=count_tokens, nonce=nonce
        )
        return prompt

    def system_prompts(
        self,
        *,
        style: Style | str = Style.FIRST_PERSON,
        max_tokens: int | None = None,
        count_tokens: Callable[[str], int] | None = None,
        nonce: str | None = None,
    ) -> tuple[str, ...]:
        """The prompt of each profile, in order.

        Args:
            style: As in `render_profile`.
            max_tokens: As in `render_profile`.
            count_tokens: As in `render_profile`.
            nonce: As in `render_profile`; None: one drawn anew, so that nobody can know the block's code.

        Raises:
            ConfigurationError: It is not what was admitted; or as `render_profile`.
        """
        self.verify()
        code = nonce or secrets.token_hex()
        return tuple(
            system_prompt(profile, style=style, max_tokens=max_tokens, count_tokens=count_tokens, nonce=code)
            for profile in self.profiles
        )


def sealed(
    profiles: Sequence[ValueProfile], *, policy_hash: str, decision: Decision, watched: bool
) -> ApprovedProfile:
    """Profiles with the seal of this process; for guards only."""
    digest = contents_hash(profiles)
    content = canonical_json([digest, policy_hash, decision.model_dump(mode="json"), watched])
    return ApprovedProfile(
        profiles=tuple(profiles),
        content_hash=digest,
        policy_hash=policy_hash,
        decision=decision,
        watched=watched,
        seal=hmac.new(_KEY, content.encode(), sha256).hexdigest(),
    )


def contents_hash(profiles: Sequence[ValueProfile]) -> str:
    """sha256 of a profile, or of the members of a mixture in their order."""
    if len(profiles) == 1:
        return profile_hash(profiles[0])
    return content_hash([profile_hash(profile) for profile in profiles])


def whole_of(profiles: Sequence[ValueProfile]) -> Document:
    """A mixture as one document; fields begin with the number of the member: "[1].norms[0]"."""
    if len(profiles) == 1:
        return document_of(profiles[0])
    members = [document_of(profile) for profile in profiles]
    languages = {member.language for member in members}
    return Document(
        passages=tuple(
            Passage(field=f"[{number}].{passage.field}", text=passage.text)
            for number, member in enumerate(members)
            for passage in member.passages
        ),
        denied=tuple(
            Passage(field=f"[{number}].{passage.field}", text=passage.text)
            for number, member in enumerate(members)
            for passage in member.denied
        ),
        # A mixed language is none that a backend is competent in.
        language=languages.pop() if len(languages) == 1 else "mul",
    )


def refusal(
    decision: Decision, *, document: Document, policy: Policy, code: str, review: bool
) -> ProfileRefused:
    """A decision as its author is told, in the policy's own words."""
    category = next((each for each in policy.categories if each.id == decision.category), None)
    if decision.ruling is Ruling.REFUSE and category is not None:
        sentence = f"{category.refusal.title}. {category.refusal.sentence}"
        instead = category.instead
    elif decision.ruling is Ruling.REFUSE:
        sentence = "The profile's form or content is not accepted."
        instead = "A profile of ordinary length and text that says what is valued."
    else:
        waits = "A person will decide." if review else "It is not served until that is settled."
        sentence = f"It could not be settled whether the policy serves this profile. {waits}"
        instead = "The same convictions in plain statements of what you value and by what lawful means."
    return ProfileRefused(
        sentence,
        category=category.id if category and decision.ruling is Ruling.REFUSE else None,
        matched=statement_at(decision.spans[0], document) if decision.spans else None,
        instead=instead,
        appeal=f"{APPEAL} {code}.",
        review=review,
        decision=decision,
    )


def statement_at(span: Span, document: Document) -> str | None:
    """The statement that a span lies in; None where the document has no such field."""
    texts = {passage.field: passage.text for passage in (*document.passages, *document.denied)}
    return texts.get(span.field)


def visible(text: str) -> str:
    """A text with its invisible characters spelt out, so that it cannot change how a message is shown."""
    return "".join(f"<U+{ord(each):04X}>" if is_invisible(each) else each for each in text)
