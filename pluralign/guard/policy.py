"""The guard's policy as data: what is refused, what is served, and what is never a reason to refuse."""

import re
from collections.abc import Collection, Iterable
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from pluralign.errors import ConfigurationError, did_you_mean
from pluralign.plain_yaml import read_plain_yaml
from pluralign.profiles.record import Slug, one_line
from pluralign.records.base import Record, duplicates
from pluralign.records.jsonl import canonical_json, content_hash, describe
from pluralign.resources import resource_folder

MAX_MESSAGE = 2_000
# MLCommons hazards with the codes of Llama Guard 3 (PurpleLlama, Llama-Guard3/8B/MODEL_CARD.md).
HAZARDS = tuple(f"S{number}" for number in range(1, 15))

# `review`: the judges are asked in the same way, and what they find is left unsure for a person or `on_unsure`.
Action = Literal["review", "refuse"]
Severity = Literal["critical", "high", "medium"]


def _plain(text: str) -> str:
    try:
        return one_line(text)
    except ValueError as error:
        raise ValueError(f"a policy is written as a profile is: {error}") from error


Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$", max_length=40)]
Version = Annotated[str, StringConstraints(pattern=r"^\d+\.\d+\.\d+$", max_length=20)]
Line = Annotated[str, StringConstraints(max_length=200), AfterValidator(_plain)]
Paragraph = Annotated[str, StringConstraints(max_length=1000), AfterValidator(_plain)]


class _Part(Record):
    """A file that says 1 where a text is meant is wrong, and is not mended silently."""

    model_config = ConfigDict(strict=True)


class Question(_Part):
    """One question of the decision test; a refusal needs a yes to each.

    Attributes:
        id: Key.
        profile: The question for a profile.
        output: The question for an answer of the steered model.
    """

    id: Key
    profile: Paragraph
    output: Paragraph


class Protected(_Part):
    """Something that is never a reason to refuse."""

    id: Key
    text: Paragraph


class Examples(_Part):
    """Short statements, at least two a side (`lint_policy` asks for them)."""

    refuse: tuple[Line, ...] = Field(default=(), max_length=6)
    serve: tuple[Line, ...] = Field(default=(), max_length=6)


class Refusal(_Part):
    """What an end user is told: no score, no threshold."""

    title: Line
    sentence: Line


class Category(_Part):
    """A kind of value that is not served, with what resembles it and is.

    Attributes:
        id: Key, part of verdicts.
        title: Name for people.
        action: What a verdict in this category leads to.
        severity: How much harm is at stake.
        hazards: MLCommons codes, "S1" to "S14", that judges with fixed categories know.
        sources: Published criteria; each begins with a key of `Policy.sources`.
        refuse: What is refused, as a verb phrase: "endorses ...".
        serve: What is close to it and served, as a list: "self-defence; ...".
        examples: Statements on both sides.
        refusal: What an end user is told.
        instead: What would be served.
    """

    id: Key
    title: Line
    action: Action
    severity: Severity
    hazards: tuple[str, ...] = ()
    sources: tuple[Line, ...] = Field(min_length=1)
    refuse: Paragraph
    serve: Paragraph
    examples: Examples
    refusal: Refusal
    instead: Paragraph


class Overlay(_Part):
    """What a site adds to a policy. `removes`, `unprotects` and a milder action loosen it and need a flag.

    Attributes:
        id: Key.
        title: Name for people.
        reason: Why; kept with everything that the overlay loosens.
        adds: New categories.
        actions: Category id -> its new action.
        removes: Ids of categories to leave out.
        unprotects: Ids of `never_refuse_for` to leave out.
    """

    id: Slug
    title: Line
    reason: Paragraph
    adds: tuple[Category, ...] = ()
    actions: dict[Key, Action] = Field(default_factory=dict)
    removes: tuple[Key, ...] = ()
    unprotects: tuple[Key, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not (self.adds or self.actions or self.removes or self.unprotects):
            raise ValueError("adds, actions, removes, unprotects: at least one of them is needed")
        twice = duplicates((*(added.id for added in self.adds), *self.actions, *self.removes))
        if twice:
            raise ValueError(
                f"adds, actions, removes: {', '.join(twice)}: each category may stand there once"
            )
        return self


class Loosening(_Part):
    """One thing by which an overlay refuses less, or protects less, than the policy it was laid over."""

    overlay: Slug
    change: Line
    reason: Paragraph


class Call(_Part):
    """A question that the owner of the policy must answer, with what the text says until then."""

    id: Key
    question: Line
    chosen: Line
    reason: Line


class Change(_Part):
    """An entry of the changelog."""

    version: Version
    date: date
    note: Paragraph


class Policy(_Part):
    """What is refused and what is served.

    Attributes:
        schema_version: Version of this record.
        id: Key.
        version: Raised with every change of the text.
        date: Of this version.
        language: BCP 47 tag of the language it is written in.
        title: Name for people.
        summary: The rule in a few sentences.
        decision_test: Questions that must all be answered yes for a refusal.
        precedence: How `never_refuse_for` and `categories` stand to each other.
        never_refuse_for: What is never a reason to refuse; ranks as high as the categories.
        tie_break: What happens where all judges are unsure.
        categories: What is not served.
        overlays: What a site may lay over the policy; none is in force by itself.
        calls: Contested points and what was chosen.
        sources: Short name -> published work.
        changelog: Newest first.
        applied: Ids of the overlays in force, in order.
        loosened: What they loosened, for the audit.
    """

    schema_version: Literal[1]
    id: Slug
    version: Version
    date: date
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
    title: Line
    summary: Paragraph
    decision_test: tuple[Question, ...] = Field(min_length=1, max_length=12)
    precedence: Paragraph
    never_refuse_for: tuple[Protected, ...] = Field(default=(), max_length=60)
    tie_break: Literal["serve_with_output_guard", "review", "refuse"]
    categories: tuple[Category, ...] = Field(min_length=1, max_length=60)
    overlays: tuple[Overlay, ...] = ()
    calls: tuple[Call, ...] = ()
    sources: dict[str, Line]
    changelog: tuple[Change, ...] = Field(min_length=1)
    applied: tuple[Slug, ...] = ()
    loosened: tuple[Loosening, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name in ("decision_test", "never_refuse_for", "categories", "overlays", "calls"):
            twice = duplicates(tuple(item.id for item in getattr(self, name)))
            if twice:
                raise ValueError(f"{name}: id {', '.join(twice)}: stands twice")
        return self

    @property
    def digest(self) -> str:
        """sha256 (hex) of all that a judge or a user is shown, so of what is in force.

        The changelog, the owner's calls and overlays that are not in force are left out.
        """
        return content_hash(self.model_dump(mode="json", exclude={"changelog", "calls", "overlays"}))

    def category(self, id: str) -> Category:
        """The category of that id.

        Raises:
            ConfigurationError: The policy has none.
        """
        return _named(id, self.categories, f"category of the policy {self.id!r}")

    def with_overlays(self, overlays: Iterable[str | Overlay], *, allow_loosening: bool = False) -> "Policy":
        """The policy with overlays laid over it, in order.

        Args:
            overlays: Ids of the policy's own overlays, or a site's (`load_overlay`).
            allow_loosening: Let an overlay drop a category or something protected, or make an action milder. What
                it does is kept in `loosened`.

        Raises:
            ConfigurationError: An unknown id, an overlay that is in force already or does not fit, or one that
                loosens the policy without the flag.
        """
        policy = self
        for given in overlays:
            overlay = _named(given, self.overlays, "overlay") if isinstance(given, str) else given
            policy = _lay(overlay, policy, allow_loosening=allow_loosening)
        return policy


FromFile = TypeVar("FromFile", Policy, Overlay)
Named = TypeVar("Named", Category, Overlay, Protected)


class Finding(Record):
    """Something that `lint_policy` finds wrong.

    Attributes:
        where: The part of the policy, for example "categories.serious_crime.hazards".
        problem: What is wrong and what would be right.
    """

    where: str
    problem: str


def load_policy(path: str | Path | None = None) -> Policy:
    """Load a policy from a YAML file; without a path, the shipped one.

    Raises:
        ConfigurationError: No such file, a file that is too large, no UTF-8 text or no plain YAML, or a field that
            is missing, unknown or wrong; names file and field.
    """
    file = Path(path).expanduser() if path is not None else resource_folder("value_profiles") / "policy.yaml"
    content = read_plain_yaml(file)
    of_use = {"applied", "loosened"} & content.keys()
    if of_use:
        raise ConfigurationError(
            f"{file}: {', '.join(sorted(of_use))}: set by Policy.with_overlays and not in a file: remove it"
        )
    return _validated(content, Policy, file)


def load_overlay(path: str | Path) -> Overlay:
    """Load an overlay from a YAML file of its own.

    Raises:
        ConfigurationError: As for `load_policy`.
    """
    file = Path(path).expanduser()
    return _validated(read_plain_yaml(file), Overlay, file)


def lint_policy(policy: Policy) -> list[Finding]:
    """What makes a policy one-sided or unclear, beyond what `load_policy` refuses.

    Returns:
        Findings in the order of the file; none for a sound policy.
    """
    findings = []
    if len(policy.decision_test) != 3:
        findings.append(("decision_test", f"three questions are needed, not {len(policy.decision_test)}"))
    if not policy.never_refuse_for:
        findings.append(("never_refuse_for", "it is empty: say what is never a reason to refuse"))
    if policy.changelog[0].version != policy.version:
        findings.append((
            "changelog",
            f"its first entry is of {policy.changelog[0].version}, not of {policy.version}",
        ))
    # A single word there names a topic, such as religion, and may well stand in what is refused about it.
    protected = {
        phrase: item.id for item in policy.never_refuse_for for phrase in _phrases(item.text) if " " in phrase
    }
    for category in policy.categories:
        findings += _faults_of(category, policy.sources, protected=protected)
    for overlay in (overlay for overlay in policy.overlays if overlay.id not in policy.applied):
        for category in overlay.adds:
            findings += _faults_of(category, policy.sources, protected=protected)
        try:
            policy.with_overlays([overlay])
        except ConfigurationError as error:
            findings.append((f"overlays.{overlay.id}", str(error)))
    return [Finding(where=where, problem=problem) for where, problem in findings]


def _faults_of(
    category: Category, sources: Collection[str], *, protected: dict[str, str]
) -> list[tuple[str, str]]:
    where = f"categories.{category.id}"
    faults = []
    refuse, serve = _phrases(category.refuse), _phrases(category.serve)
    for phrase in sorted(refuse & serve):
        faults.append((f"{where}.serve", f"{phrase!r} is refused and served in the same words"))
    for phrase in sorted(refuse & protected.keys()):
        faults.append((f"{where}.refuse", f"{phrase!r} stands in never_refuse_for ({protected[phrase]}) too"))
    # The serve side is of equal rank: a few words beside a long list of what is refused are not.
    if len(category.serve.split()) < len(category.refuse.split()) / 2:
        faults.append((
            f"{where}.serve",
            "it has less than half as many words as refuse: say more of what is served",
        ))
    for side in ("refuse", "serve"):
        number = len(getattr(category.examples, side))
        if number < 2:
            faults.append((f"{where}.examples.{side}", f"two or three statements are needed, not {number}"))
    for text in duplicates((*category.examples.refuse, *category.examples.serve)):
        faults.append((f"{where}.examples", f"{text!r} stands twice"))
    for code in category.hazards:
        if code not in HAZARDS:
            faults.append((f"{where}.hazards", f"{code!r} is no MLCommons code: S1 to S14"))
    for source in category.sources:
        if not any(source == name or source.startswith(f"{name} ") for name in sources):
            faults.append((f"{where}.sources", f"{source!r} begins with no key of sources"))
    return faults


def _phrases(text: str) -> set[str]:
    """The parts of a text between punctuation marks, in lower case."""
    parts = re.split(r"[,;:.()]", text.lower())
    return {" ".join(part.removeprefix(" or ").removeprefix(" and ").split()) for part in parts} - {""}


def _named(id: str, items: Iterable[Named], kind: str) -> Named:
    known = {item.id: item for item in items}
    if id not in known:
        raise ConfigurationError(f"Unknown {kind}: {id!r}.{did_you_mean(id, known)}")
    return known[id]


def _lay(overlay: Overlay, policy: Policy, *, allow_loosening: bool) -> Policy:
    """One overlay over a policy; see `Policy.with_overlays`."""
    if overlay.id in policy.applied:
        raise ConfigurationError(f"The overlay {overlay.id!r} is in force already")
    present = {category.id for category in policy.categories}
    for added in overlay.adds:
        if added.id in present:
            raise ConfigurationError(
                f"The overlay {overlay.id!r} adds the category {added.id!r}, which the policy has: choose another id, "
                "or name it in actions to change what it leads to"
            )
    for id in (*overlay.actions, *overlay.removes):
        policy.category(id)
    for id in overlay.unprotects:
        _named(id, policy.never_refuse_for, "item of never_refuse_for")
    loosened = [
        *(f"removes the category {id}" for id in overlay.removes),
        *(
            f"sets {id} from refuse to review"
            for id, action in overlay.actions.items()
            if (policy.category(id).action, action) == ("refuse", "review")
        ),
        *(f"no longer protects {id} (never_refuse_for)" for id in overlay.unprotects),
    ]
    if loosened and not allow_loosening:
        raise ConfigurationError(
            f"The overlay {overlay.id!r} loosens the policy: it {'; it '.join(loosened)}. If this is meant, allow it "
            "with allow_loosening=True; it is then written to the audit."
        )
    kept = [
        category.model_copy(update={"action": overlay.actions.get(category.id, category.action)})
        for category in policy.categories
        if category.id not in overlay.removes
    ]
    if not (*kept, *overlay.adds):
        raise ConfigurationError(f"The overlay {overlay.id!r} leaves no category")
    return policy.model_copy(
        update={
            "categories": (*kept, *overlay.adds),
            "never_refuse_for": tuple(
                item for item in policy.never_refuse_for if item.id not in overlay.unprotects
            ),
            "applied": (*policy.applied, overlay.id),
            "loosened": (
                *policy.loosened,
                *(Loosening(overlay=overlay.id, change=text, reason=overlay.reason) for text in loosened),
            ),
        }
    )


def _validated(content: dict[str, Any], model: type[FromFile], file: Path) -> FromFile:
    try:
        # As JSON, since strict records take a list for a tuple and a text for a date from JSON alone.
        return model.model_validate_json(canonical_json(content))
    except ValidationError as error:
        items = error.errors(include_url=False)
        unknown = [str(item["loc"][-1]) for item in items if item["type"] == "extra_forbidden"]
        message = describe(error) + "".join(did_you_mean(name, _FIELDS) for name in unknown[:1])
        raise ConfigurationError(f"{file}: {message[:MAX_MESSAGE]}") from error
    except ValueError as error:  # .nan or .inf
        raise ConfigurationError(f"{file}: a value that is no number: {error}") from error


_FIELDS = {
    name
    for part in (Policy, Category, Overlay, Question, Protected, Examples, Refusal, Call, Change)
    for name in part.model_fields
}
