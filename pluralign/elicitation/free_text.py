"""An answer in words, mapped to a distribution over the options by how similar it is to each.

Semantic-similarity rating after Maier et al. 2025, "LLMs Reproduce Human Purchase Intent via Semantic Similarity
Elicitation of Likert Ratings".
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from pluralign.elicitation.asking import Ask, PromptStyle, prompt_for
from pluralign.elicitation.replies import is_refusal
from pluralign.elicitation.tallies import units_that_draw
from pluralign.errors import ConfigurationError
from pluralign.models.embedding import Embedder, load_embedder
from pluralign.models.protocol import Capability, Draw, LanguageModel, Prompt, SamplingParams
from pluralign.records import Answer, Condition, Outcome, Question

INSTRUCTION = "Answer in one or two sentences, in your own words."

# How an option is put into words before a reply is compared with it. The ratings under each are averaged, as no
# single wording is near every way to answer: some replies take up the words of the question, some do not.
ANCHORS = ("{option}", "I would say: {option}.", "{question} {option}.")

# Everything up to the last end of a sentence.
_SENTENCES = re.compile(r".*[.!?][\"'”)*]*(?=\s|$)", re.DOTALL)

_Vectors = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class FreeText:
    """Asks without naming the options, and rates each reply by its similarity to them.

    A rating spreads even a decided reply over several options, so the entropy of an answer is partly that of the
    mapping; and embedders tell topics apart better than opposite stances. Compare models asked this way with
    each other, not with models asked otherwise.

    Attributes:
        style: Format of the prompt.
        seed: Seed of the draws.
        draws: Number of replies.
        max_new_tokens: Length of a reply at most; of one that is cut, the whole sentences are used.
        rating_temperature: The mean rating over the anchors is raised to 1 / rating_temperature and normalised: below
            1 sharpens, above 1 flattens. 1, the default, leaves the rating as Maier et al. define it.
        epsilon: Added to every option's lead in similarity over the least similar one, which else gets nothing.
        min_similarity: A reply whose cosine with every anchor is below this is not about the question and counts as
            unparsed. With the embedded embedder, 0.2 keeps all of the tests' 30 paraphrases of options, and three
            quarters of those of other questions' options fall below it. -1 rates every reply, as Maier et al. do.
        embedder: A name that `load_embedder` knows, or an embedder.
    """

    name: ClassVar[str] = "free_text"
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.SAMPLE, Capability.CHAT})

    style: PromptStyle = PromptStyle.CHAT
    seed: int = 0
    draws: int = 10
    max_new_tokens: int = 80
    rating_temperature: float = 1.0
    epsilon: float = 0.0
    min_similarity: float = 0.2
    embedder: str | Embedder = "embedded"

    def __post_init__(self) -> None:
        if self.draws < 1 or self.max_new_tokens < 1:
            raise ConfigurationError(
                f"draws, max_new_tokens: must be 1 or more, not {self.draws} and {self.max_new_tokens}."
            )
        if not self.rating_temperature > 0 or not self.epsilon >= 0:
            raise ConfigurationError(
                f"rating_temperature must be above 0 and epsilon at least 0, not {self.rating_temperature} and "
                f"{self.epsilon}."
            )

    @property
    def units_per_call(self) -> int:
        """How many units are asked together."""
        return units_that_draw(self.draws)

    def settings(self) -> Mapping[str, object]:
        """Everything that can change an answer; loads the embedder, whose weights are among it."""
        return {
            "style": self.style.value,
            "seed": self.seed,
            "draws": self.draws,
            "max_new_tokens": self.max_new_tokens,
            "rating_temperature": self.rating_temperature,
            "epsilon": self.epsilon,
            "min_similarity": self.min_similarity,
            "instruction": INSTRUCTION,
            "anchors": ANCHORS,
            "embedder": dict(self._embedder.fingerprint()),
        }

    def prompts(self, question: Question, condition: Condition) -> tuple[Prompt, ...]:
        """The question without its options."""
        text = question.text
        if self.style is PromptStyle.CHAT:
            text = f"{text}\n\n{INSTRUCTION}"
        unlisted = question.model_copy(update={"text": text, "options_listed": False})
        return (prompt_for(unlisted, order=(), condition=condition, style=self.style),)

    def answers(self, model: LanguageModel, asks: Sequence[Ask]) -> list[Answer]:
        """Draw the replies to all units in one call, and embed replies and anchors in another."""
        drawn = model.sample(
            [prompt for ask in asks for prompt in self.prompts(ask.question, ask.condition)],
            n=self.draws,
            seed=self.seed,
            params=SamplingParams(max_new_tokens=self.max_new_tokens),
        )
        heard = [[_hear(draw) for draw in draws] for draws in drawn]
        said = [text for replies in heard for outcome, text in replies if outcome is Outcome.OK]
        anchors = [anchor for ask in asks for row in _anchors(ask.question) for anchor in row]
        texts = list(dict.fromkeys([*said, *anchors]))
        vectors = dict(zip(texts, self._embedder.embed(texts), strict=True))
        return [
            self._answer(ask, model.id, drawn=draws, heard=replies, vectors=vectors)
            for ask, draws, replies in zip(asks, drawn, heard, strict=True)
        ]

    @cached_property
    def _embedder(self) -> Embedder:
        return load_embedder(self.embedder) if isinstance(self.embedder, str) else self.embedder

    def _answer(
        self,
        ask: Ask,
        model_id: str,
        *,
        drawn: Sequence[Draw],
        heard: Sequence[tuple[Outcome, str]],
        vectors: _Vectors,
    ) -> Answer:
        rated = [self._rate(*reply, question=ask.question, vectors=vectors) for reply in heard]
        ratings = [rating for _, rating in rated if rating is not None]
        counts = Counter(outcome for outcome, _ in rated)
        probabilities = None
        if ratings:
            mean = np.zeros(len(ask.question.options))
            mean[_substantive(ask.question)] = np.mean(ratings, axis=0)
            probabilities = tuple(mean.tolist())
        return Answer(
            key=ask.key,
            question_id=ask.question.id,
            model_id=model_id,
            condition=ask.condition,
            elicitation=self.name,
            outcome=Outcome.OK if ratings else counts.most_common(1)[0][0],
            probabilities=probabilities,
            valid_mass_prob=len(ratings) / len(drawn),
            n_draws=len(drawn),
            counts=counts,
            replies=tuple(draw.text for draw in drawn),
        )

    def _rate(
        self, outcome: Outcome, text: str, *, question: Question, vectors: _Vectors
    ) -> tuple[Outcome, NDArray[np.float64] | None]:
        """What became of a reply, and its rating of the substantive options where it is an answer."""
        if outcome is not Outcome.OK:
            return outcome, None
        similarities = np.array([
            [float(vectors[anchor] @ vectors[text]) for anchor in row] for row in _anchors(question)
        ])
        if similarities.max(initial=-1) < self.min_similarity:
            return Outcome.UNPARSED, None
        rating = similarity_rating(similarities, temperature=self.rating_temperature, epsilon=self.epsilon)
        return (Outcome.UNPARSED, None) if rating is None else (Outcome.OK, rating)


def similarity_rating(
    similarities: NDArray[np.float64], *, temperature: float = 1.0, epsilon: float = 0.0
) -> NDArray[np.float64] | None:
    """Distribution over options: p_r proportional to cos_r - min cos + epsilon, averaged over the anchor wordings.

    Args:
        similarities: Cosines of a reply with each option's anchors, shape (n_wordings, n_options).
        temperature: The average is raised to 1 / temperature and normalised.
        epsilon: Added to every option.

    Returns:
        Shape (n_options,), summing to 1; None where there are not two options to tell apart, or where a wording
        finds all of them equally similar and epsilon is 0: the reply then says nothing about them.
    """
    if similarities.shape[-1] < 2:
        return None
    lead = similarities - similarities.min(-1, keepdims=True) + epsilon  # (wordings, options)
    total = lead.sum(-1, keepdims=True)
    if not np.all(total > 0):
        return None
    mean = (lead / total).mean(0)
    powers = (mean / mean.max()) ** (1 / temperature)  # the largest is 1, so that not all can underflow
    distribution: NDArray[np.float64] = powers / powers.sum()
    return distribution


def _substantive(question: Question) -> list[int]:
    """The options that answer the question, by index: a reply in words that refuses is no choice of one."""
    return [index for index, option in enumerate(question.options) if not option.refusal]


def _anchors(question: Question) -> Iterator[list[str]]:
    """For each wording, the substantive options put into it."""
    options = [question.option_texts[index].removesuffix(".") for index in _substantive(question)]
    for wording in ANCHORS:
        yield [wording.format(question=question.text, option=option) for option in options]


def _hear(draw: Draw) -> tuple[Outcome, str]:
    """What became of a reply, and the words of it that are used."""
    text = draw.text.strip()
    if is_refusal(text):
        return Outcome.REFUSED, text
    if draw.finish == "length":
        sentences = _SENTENCES.match(text)
        return (Outcome.OK, sentences.group()) if sentences else (Outcome.TRUNCATED, text)
    return (Outcome.OK, text) if text else (Outcome.UNPARSED, text)
