"""The exact distribution over the options, from the log-probabilities of the option strings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pluralign.elicitation.asking import UNITS_PER_CALL, Ask, PromptStyle, prompt_for
from pluralign.metrics import total_variation
from pluralign.models.protocol import Capability, LanguageModel, OptionScores, Prompt
from pluralign.records import Answer, Condition, Outcome, Question

# A chat model may open its turn with a space: " A" and "A" are one answer, and their probabilities add up.
SURFACE_PREFIXES = ("", " ")


@dataclass(frozen=True)
class LogProb:
    """Scores every option string, its end of turn included, under cyclic orders of the listed options.

    The probability of an option is the sum over its surface forms, averaged over the orders; the sum over
    options of that average is the valid mass, and dividing by it gives the distribution. It is what a model
    asked in a random order answers, given that it answers with an option at all.

    Attributes:
        style: Format of the prompt.
        max_orders: At most this many cyclic orders, evenly spaced; None: all of them.
    """

    name: ClassVar[str] = "logprob"
    units_per_call: ClassVar[int] = UNITS_PER_CALL
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.SCORE_OPTIONS, Capability.CHAT})

    style: PromptStyle = PromptStyle.CHAT
    max_orders: int | None = None

    def settings(self) -> Mapping[str, object]:
        """Everything that can change an answer."""
        return {
            "style": self.style.value,
            "max_orders": self.max_orders,
            "surface_prefixes": SURFACE_PREFIXES,
        }

    def prompts(self, question: Question, condition: Condition) -> tuple[Prompt, ...]:
        """One prompt an option order."""
        return tuple(
            prompt_for(question, order=order, condition=condition, style=self.style)
            for order in listed_orders(question, max_orders=self.max_orders)
        )

    def answers(self, model: LanguageModel, asks: Sequence[Ask]) -> list[Answer]:
        """Score all prompts of all units in one call, so that the model can batch them."""
        prompts = [self.prompts(ask.question, ask.condition) for ask in asks]
        forms = [
            [prefix + option for option in ask.question.option_texts for prefix in SURFACE_PREFIXES]
            for ask in asks
        ]
        scores = iter(
            model.score_options(
                [prompt for group in prompts for prompt in group],
                [form for group, form in zip(prompts, forms, strict=True) for _ in group],
            )
        )
        return [
            self._answer(ask, model.id, [next(scores) for _ in group])
            for ask, group in zip(asks, prompts, strict=True)
        ]

    def _answer(self, ask: Ask, model_id: str, scores: Sequence[OptionScores]) -> Answer:
        log_probs = np.array([score.log_probs for score in scores])  # (orders, options * forms)
        raw = (
            np.exp(log_probs).reshape(len(scores), len(ask.question.options), -1).sum(-1)
        )  # (orders, options)
        mass = raw.sum(-1)  # (orders,)
        common = {
            "key": ask.key,
            "question_id": ask.question.id,
            "model_id": model_id,
            "condition": ask.condition,
            "elicitation": self.name,
            "n_permutations": len(scores),
            "valid_mass_prob": float(np.clip(mass.mean(), 0, 1)),
        }
        if not np.all(mass > 0):
            # Every option underflows: the model never answers with one, so there is no distribution.
            return Answer(**common, outcome=Outcome.UNPARSED)
        mean = raw.mean(0) / mass.mean()
        per_order = raw / mass[:, None]
        sensitivity = float(total_variation(per_order, mean).mean()) if len(scores) > 1 else None
        return Answer(
            **common, outcome=Outcome.OK, probabilities=tuple(mean.tolist()), order_sensitivity=sensitivity
        )


def listed_orders(question: Question, *, max_orders: int | None) -> list[list[int]]:
    """The orders in which a question's options are listed: cyclic ones, or the one that its text gives."""
    if not question.options_listed:
        return [list(range(len(question.options)))]
    return cyclic_orders(len(question.options), max_orders=max_orders)


def cyclic_orders(n_options: int, *, max_orders: int | None = None) -> list[list[int]]:
    """Cyclic shifts of the option order, evenly spaced where not all are wanted.

    Every option stands at every position exactly once when all shifts are used.
    """
    n_orders = min(n_options, max_orders or n_options)
    shifts = [index * n_options // n_orders for index in range(n_orders)]
    return [[(shift + position) % n_options for position in range(n_options)] for shift in shifts]
