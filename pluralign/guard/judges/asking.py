"""The readers: each puts prompts to a model and returns what its answers say. They may raise; the judge does not."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pluralign.guard.judges.reading import Finding, Generation, read_chances, read_text
from pluralign.guard.judges.recipe import LogitReading, Recipe, TextReading
from pluralign.guard.verdict import Role
from pluralign.models.protocol import LanguageModel, Prompt, SamplingParams
from pluralign.records.jsonl import content_hash


class Reader(Protocol):
    """Puts prompts to a model and reads its answers.

    Attributes:
        id: Model, revision and settings; part of the judge's version.
    """

    @property
    def id(self) -> str: ...

    def find(self, prompts: Sequence[Prompt], *, role: Role) -> list[Finding]:
        """One finding a prompt, in order. May raise whatever the model raises."""
        ...


@dataclass(frozen=True)
class TextReader:
    """Generates an answer greedily and parses it.

    Attributes:
        model: The model.
        reading: How its answers are read.
        recipe: For its codes.
        categories: Ids of the policy's categories that count.
    """

    model: LanguageModel
    reading: TextReading
    recipe: Recipe
    categories: frozenset[str]

    @property
    def id(self) -> str:
        """The model with a hash of all that can change its answers."""
        return model_id(self.model)

    def find(self, prompts: Sequence[Prompt], *, role: Role) -> list[Finding]:
        """Generate and parse."""
        params = SamplingParams(temperature=0.0, max_new_tokens=self.reading.max_tokens)
        drawn = self.model.sample(prompts, n=1, seed=0, params=params)
        return [
            read_text(
                Generation(draws[0].text, cut=draws[0].finish == "length"),
                self.reading,
                role=role,
                codes=self.recipe.codes,
                categories=self.categories,
            )
            for draws in drawn
        ]


@dataclass(frozen=True)
class LogitReader:
    """Scores the spellings of two answers, without generating.

    A spelling is scored with the end of the answer, so that spellings exclude each other: a model that goes on to
    explain itself has little mass on them and gives no verdict.

    Attributes:
        model: The model.
        reading: The spellings and thresholds.
    """

    model: LanguageModel
    reading: LogitReading

    @property
    def id(self) -> str:
        """The model with a hash of all that can change its answers."""
        return model_id(self.model)

    def find(self, prompts: Sequence[Prompt], *, role: Role) -> list[Finding]:
        """Score and read, whatever the role; spellings that the tokenizer makes one are counted once."""
        spellings = (*self.reading.yes, *self.reading.no)
        scores = self.model.score_options(prompts, [spellings] * len(prompts))
        findings = []
        for own in scores:
            distinct = dict(zip(own.token_ids, zip(spellings, own.log_probs, strict=True), strict=True))
            findings.append(read_chances(dict(distinct.values()), self.reading))
        return findings


def model_id(model: LanguageModel) -> str:
    """A model's id with a hash of everything that can change its answers."""
    return f"{model.id} {content_hash(dict(model.fingerprint()))[:12]}"
