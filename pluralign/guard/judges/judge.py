"""Judges: a recipe, a model and a policy make a backend that never raises and never serves by accident."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from pluralign.errors import ConfigurationError, ModelError, did_you_mean
from pluralign.guard.judges.asking import LogitReader, Reader, TextReader
from pluralign.guard.judges.endpoint import Endpoint, EndpointReader
from pluralign.guard.judges.heads import Classifier, HeadReader
from pluralign.guard.judges.quoting import fenced, filled, plain, verbatim
from pluralign.guard.judges.reading import Finding, no_verdict
from pluralign.guard.judges.recipe import Frame, Recipe, load_recipe
from pluralign.guard.judges.recipe import Reader as ReaderName
from pluralign.guard.policy import Policy
from pluralign.guard.policy_rendering import judge_instructions
from pluralign.guard.verdict import Document, Role, Ruling, Verdict
from pluralign.models.protocol import Capability, Chat, LanguageModel, Message, Prompt, Text
from pluralign.records.jsonl import content_hash, describe

# Documents asked about at once: what fails with a batch is asked one by one.
_BATCH = 16
_LONGEST_ERROR = 300
_PLACED = {"fence": fenced, "turn": plain, "verbatim": verbatim}


@dataclass(frozen=True)
class Judge:
    """A backend of the guard: `pluralign.guard.verdict.Backend`.

    Its `serve` speaks for its `categories` only. Its verdicts say `qualified=False`; see
    `pluralign.guard.qualification.enable`.

    Attributes:
        recipe: How it is asked and read.
        reader: What asks and reads.
        version: Version of the recipe, hash of its content, settings and prompts, and the model as it was when the
            judge was made.
        policy: What it judges by.
        policy_hash: sha256 of the policy.
        instructions: Role -> renderings of the policy, by what is asked: "" for all at once, else the category.
        question: What the frames' {question} stands for.
    """

    recipe: Recipe
    reader: Reader
    version: str
    policy: Policy
    policy_hash: str
    instructions: Mapping[Role, Mapping[str, str]]
    question: str

    @property
    def name(self) -> str:
        """Name of the recipe."""
        return self.recipe.name

    @property
    def languages(self) -> frozenset[str] | None:
        """BCP 47 primary tags that it is competent in; None: all."""
        return None if self.recipe.languages is None else frozenset(self.recipe.languages)

    @property
    def categories(self) -> frozenset[str] | None:
        """Ids of the policy's categories that it is competent for; None: all."""
        if self.recipe.competent is None:
            return None
        return frozenset(self.recipe.competent) & {category.id for category in self.policy.categories}

    def judge(self, documents: Sequence[Document], *, role: Role) -> list[Verdict]:
        """One verdict a document, in order; whatever goes wrong is an `unsure` verdict with its reason."""
        verdicts: list[Verdict | None] = [self._abstention(document, role) for document in documents]
        asked = [index for index, verdict in enumerate(verdicts) if verdict is None]
        for start in range(0, len(asked), _BATCH):
            batch = asked[start : start + _BATCH]
            began = time.perf_counter()
            findings = self._findings([documents[index] for index in batch], role)
            seconds = (time.perf_counter() - began) / len(batch)
            for index, finding in zip(batch, findings, strict=True):
                verdicts[index] = self._verdict(self._by_policy(finding), seconds=seconds)
        return [verdict for verdict in verdicts if verdict is not None]

    def prompts(self, document: Document, *, role: Role) -> dict[str, Prompt]:
        """What it is asked about a document: "" -> the prompt, or a category -> its prompt."""
        frame = self.recipe.frames[role]
        text = _PLACED[self.recipe.placement](document)
        return {
            what: _prompt(frame, {"policy": policy, "text": text, "question": self.question})
            for what, policy in self.instructions[role].items()
        }

    def _abstention(self, document: Document, role: Role) -> Verdict | None:
        """Why it is not asked about a document at all."""
        if role not in self.instructions:
            return self._unsure(f"it does not judge what is a {role}")
        if not any(passage.text.strip() for passage in (*document.passages, *document.denied)):
            return self._unsure("there is no text to judge")
        if self.languages is None:
            return None
        if document.language is None:
            return self._unsure(
                f"the language is not declared; it judges {', '.join(sorted(self.languages))}"
            )
        if document.language.split("-")[0].lower() not in self.languages:
            return self._unsure(f"it is not competent in the language {document.language!r}")
        return None

    def _findings(self, documents: Sequence[Document], role: Role) -> Iterator[Finding]:
        """One finding a document. A failure of many is that of each of them only where it fails alone too."""
        try:
            asked = [self.prompts(document, role=role) for document in documents]
            prompts = [prompt for own in asked for prompt in own.values()]
            found = iter(self.reader.find(prompts, role=role))
            together = [_together({what: next(found) for what in own}) for own in asked]
            if next(found, None) is not None:
                raise ModelError(f"the model gave more than {len(prompts)} answers to {len(prompts)} prompts")
            return iter(together)
        except Exception as error:  # noqa: BLE001 - a judge that fails, in whatever way, is unsure
            if len(documents) == 1:
                return iter([no_verdict(_named(error))])
        return (finding for document in documents for finding in self._findings([document], role))

    def _by_policy(self, finding: Finding) -> Finding:
        """A finding with the policy's categories, and unsure where all that it refuses for are left to a person."""
        action = {category.id: category.action for category in self.policy.categories}
        named = tuple(id for id in finding.categories if id in action)
        refused = tuple(id for id in named if action[id] == "refuse")
        if finding.ruling is not Ruling.REFUSE or refused or not named:
            return replace(finding, categories=refused or named)
        reason = f"{finding.reason}, which the policy leaves to a person"
        return replace(finding, ruling=Ruling.UNSURE, categories=named, reason=reason)

    def _verdict(self, finding: Finding, *, seconds: float) -> Verdict:
        return Verdict(
            ruling=finding.ruling,
            layer="judge",
            backend=self.name,
            backend_version=self.version,
            policy_hash=self.policy_hash,
            category=next(iter(finding.categories), None),
            reason=finding.reason,
            score=finding.score,
            qualified=False,
            seconds=seconds,
        )

    def _unsure(self, reason: str) -> Verdict:
        return self._verdict(Finding(Ruling.UNSURE, reason), seconds=0.0)


def make_judge(
    recipe: str | Path | Recipe,
    *,
    policy: Policy,
    model: LanguageModel | None = None,
    endpoint: Endpoint | None = None,
    classifier: Classifier | None = None,
    reader: ReaderName | None = None,
    languages: Iterable[str] | None = None,
    refuse_from: float | None = None,
    serve_below: float | None = None,
) -> Judge:
    """Make a judge.

    Args:
        recipe: Name of a shipped recipe, path of a recipe's file, or a recipe.
        policy: What it judges by.
        model: The model, for the readers "text" and "logit".
        endpoint: The server, for the reader "endpoint".
        classifier: The classifier, for the reader "head".
        reader: How it is asked; without it the recipe's first way for what is given. With an endpoint "logit" asks
            for log-probabilities, which not every server offers.
        languages: BCP 47 primary tags that it is asked in, in place of the recipe's.
        refuse_from: Lowest score that is refused, in place of the recipe's.
        serve_below: Scores below are served, in place of the recipe's.

    Raises:
        ConfigurationError: Not exactly one of model, endpoint and classifier is given, the recipe cannot be used with
            it, its competence names a category that the policy does not have, or the thresholds are out of order.
    """
    recipe = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
    recipe = _adapted(recipe, languages=languages, refuse_from=refuse_from, serve_below=serve_below)
    categories = frozenset(category.id for category in policy.categories)
    if recipe.competent is not None and not categories & set(recipe.competent):
        raise ConfigurationError(
            f"The judge {recipe.name!r} is competent for {', '.join(recipe.competent)}, and the policy has none of "
            "them: it would have nothing to judge."
        )
    asking = _reader(
        recipe, model=model, endpoint=endpoint, classifier=classifier, reader=reader, categories=categories
    )
    question = _question(recipe, asking)
    instructions = {role: _instructions(recipe, policy, role) for role in recipe.frames}
    settings = content_hash([recipe.digest, type(asking).__name__, question, instructions])
    return Judge(
        recipe=recipe,
        reader=asking,
        version=f"{recipe.version}+{settings[:12]} {asking.id}",
        policy=policy,
        policy_hash=policy.digest,
        instructions=instructions,
        question=question,
    )


def _reader(
    recipe: Recipe,
    *,
    model: LanguageModel | None,
    endpoint: Endpoint | None,
    classifier: Classifier | None,
    reader: ReaderName | None,
    categories: frozenset[str],
) -> Reader:
    """What asks and reads, for the one thing given that can be asked."""
    if sum(given is not None for given in (model, endpoint, classifier)) != 1:
        raise ConfigurationError(
            f"The judge {recipe.name!r} needs a model, an endpoint or a classifier: one."
        )
    if model is not None:
        return _local(recipe, model, reader=reader, categories=categories)
    if endpoint is not None:
        return _remote(recipe, endpoint, reader=reader, categories=categories)
    assert classifier is not None
    if recipe.head is None:
        raise _cannot(recipe, "a classifier")
    return HeadReader(classifier, recipe.head)


def _local(
    recipe: Recipe, model: LanguageModel, *, reader: ReaderName | None, categories: frozenset[str]
) -> Reader:
    ways = [way for way in recipe.readers if way in {"text", "logit"}]
    if not ways:
        raise _cannot(recipe, "a model in this process")
    way = ways[0] if reader is None else reader
    if way not in ways:
        raise ConfigurationError(f"The judge {recipe.name!r} has no reader {way!r}.{did_you_mean(way, ways)}")
    needed = {Capability.SAMPLE if way == "text" else Capability.SCORE_OPTIONS}
    if any(frame.messages for frame in recipe.frames.values()):
        needed.add(Capability.CHAT)
    if missing := sorted(needed - model.can):
        raise ConfigurationError(
            f"The model {model.id} cannot be asked by {recipe.name!r}, reader {way!r}: it cannot "
            f"{', '.join(capability.replace('_', ' ') for capability in missing)}."
        )
    if way == "text":
        assert recipe.text is not None
        return TextReader(model, recipe.text, recipe=recipe, categories=categories)
    assert recipe.logit is not None
    return LogitReader(model, recipe.logit)


def _remote(
    recipe: Recipe, endpoint: Endpoint, *, reader: ReaderName | None, categories: frozenset[str]
) -> Reader:
    if "endpoint" not in recipe.readers:
        raise _cannot(recipe, "an endpoint")
    by_chance = reader == "logit" or recipe.text is None
    if (by_chance and recipe.logit is None) or reader == "head":
        raise ConfigurationError(f"The judge {recipe.name!r} has no reader {reader!r} for an endpoint.")
    return EndpointReader(endpoint, recipe, categories, logit=recipe.logit if by_chance else None)


def _cannot(recipe: Recipe, what: str) -> ConfigurationError:
    return ConfigurationError(
        f"The judge {recipe.name!r} cannot be asked by {what}; its readers are {', '.join(recipe.readers)}."
    )


def _adapted(
    recipe: Recipe,
    *,
    languages: Iterable[str] | None,
    refuse_from: float | None,
    serve_below: float | None,
) -> Recipe:
    """The recipe with other settings, as one that is read from a file with them."""
    content = recipe.model_dump()
    if languages is not None:
        content["languages"] = sorted(languages)
    given = {"refuse_from": refuse_from, "serve_below": serve_below}
    changes = {name: value for name, value in given.items() if value is not None}
    scored = [name for name in ("logit", "head") if content[name] is not None]
    if changes and not scored:
        raise ConfigurationError(
            f"The judge {recipe.name!r} gives no scores, so it has no thresholds to set."
        )
    for name in scored:
        content[name] |= changes
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        raise ConfigurationError(f"The judge {recipe.name!r} cannot be set so: {describe(error)}") from error


def _instructions(recipe: Recipe, policy: Policy, role: Role) -> dict[str, str]:
    """The renderings of the policy that a judge is shown."""
    if recipe.policy is None:
        return {"": ""}
    asked = [
        category.id
        for category in policy.categories
        if recipe.competent is None or category.id in recipe.competent
    ]
    if recipe.policy == "criterion":
        return {
            id: judge_instructions(policy, role=role, categories=(id,), style="criterion") for id in asked
        }
    return {"": judge_instructions(policy, role=role, categories=tuple(asked), style=recipe.policy)}


def _question(recipe: Recipe, reader: Reader) -> str:
    """What the recipe asks in the way in which it is asked."""
    by_chance = isinstance(reader, LogitReader) or (
        isinstance(reader, EndpointReader) and reader.logit is not None
    )
    reading = recipe.logit if by_chance else recipe.text
    return (reading.question or "") if reading is not None else ""


def _prompt(frame: Frame, values: Mapping[str, str]) -> Prompt:
    if frame.raw is not None:
        return Text(filled(frame.raw, values), end=frame.end)
    turns = tuple(Message(turn.role, filled(turn.content, values)) for turn in frame.messages)
    return Chat(turns, continue_from=frame.continue_from)


def _together(findings: Mapping[str, Finding]) -> Finding:
    """One finding of those of several categories: a refusal of one refuses, and all must serve for it to serve."""
    if set(findings) == {""}:
        return findings[""]
    scores = [finding.score for finding in findings.values() if finding.score is not None]
    score = max(scores) if len(scores) == len(findings) else None
    refusing = [what for what, each in findings.items() if each.ruling is Ruling.REFUSE]
    if refusing:
        refusing.sort(key=lambda what: findings[what].score or 0.0, reverse=True)
        worst = findings[refusing[0]]
        return Finding(
            Ruling.REFUSE,
            f"{refusing[0]}: {worst.reason}",
            tuple(refusing),
            worst.score if score is None else score,
        )
    unsure = [f"{what}: {each.reason}" for what, each in findings.items() if each.ruling is Ruling.UNSURE]
    if unsure:
        return Finding(Ruling.UNSURE, "; ".join(unsure), (), score)
    return Finding(Ruling.SERVE, f"it serves in each of {len(findings)} categories", (), score)


def _named(error: Exception) -> str:
    """An error as a reason of one line."""
    text = " ".join(str(error).split())[:_LONGEST_ERROR]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
