"""The share of sampled replies that choose each option."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from pluralign.elicitation.asking import Ask, PromptStyle, prompt_for
from pluralign.elicitation.logprob import listed_orders
from pluralign.elicitation.replies import read_choice
from pluralign.elicitation.tallies import Reading, check_positive, pooled_answer, units_that_draw
from pluralign.models.protocol import Capability, Draw, LanguageModel, Prompt, SamplingParams
from pluralign.records import Answer, Condition, Outcome, Question


@dataclass(frozen=True)
class Sample:
    """Draws replies at temperature 1, evenly over the cyclic orders of the listed options, and counts the choices.

    The sensitivity to the order is not given: with a few draws an order it would be mostly sampling noise.

    Attributes:
        style: Format of the prompt.
        seed: Seed of the draws. A draw depends on its prompt, the seed and its number only (the contract of
            `LanguageModel.sample`), so the units that are asked together do not matter.
        draws: Number of replies to a question, over all orders.
        max_new_tokens: Length of a reply at most.
    """

    name: ClassVar[str] = "sample"
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.SAMPLE, Capability.CHAT})

    style: PromptStyle = PromptStyle.CHAT
    seed: int = 0
    draws: int = 100
    max_new_tokens: int = 64

    def __post_init__(self) -> None:
        check_positive(self.name, draws=self.draws, max_new_tokens=self.max_new_tokens)

    @property
    def units_per_call(self) -> int:
        """How many units are asked together."""
        return units_that_draw(self.draws)

    def settings(self) -> Mapping[str, object]:
        """Everything that can change an answer."""
        return {
            "style": self.style.value,
            "seed": self.seed,
            "draws": self.draws,
            "max_new_tokens": self.max_new_tokens,
        }

    def prompts(self, question: Question, condition: Condition) -> tuple[Prompt, ...]:
        """One prompt an option order."""
        return tuple(
            prompt_for(question, order=order, condition=condition, style=self.style)
            for order in listed_orders(question, max_orders=self.draws)
        )

    def answers(self, model: LanguageModel, asks: Sequence[Ask]) -> list[Answer]:
        """Draw the replies of all units, in one call for all prompts that need equally many."""
        prompts = [self.prompts(ask.question, ask.condition) for ask in asks]
        jobs = [(prompt, self._share(turn, len(own))) for own in prompts for turn, prompt in enumerate(own)]
        params = SamplingParams(max_new_tokens=self.max_new_tokens)
        drawn: list[list[Draw]] = [[] for _ in jobs]
        for n in sorted({n for _, n in jobs}, reverse=True):
            places = [place for place, (_, wanted) in enumerate(jobs) if wanted == n]
            replies = model.sample([jobs[place][0] for place in places], n=n, seed=self.seed, params=params)
            for place, draws in zip(places, replies, strict=True):
                drawn[place] = draws
        of_prompt = iter(drawn)
        return [
            self._answer(ask, model.id, [next(of_prompt) for _ in own])
            for ask, own in zip(asks, prompts, strict=True)
        ]

    def _share(self, turn: int, n_orders: int) -> int:
        """How many of the draws fall to an order; the first ones take what does not divide."""
        return self.draws // n_orders + (turn < self.draws % n_orders)

    def _answer(self, ask: Ask, model_id: str, drawn: Sequence[Sequence[Draw]]) -> Answer:
        orders = listed_orders(ask.question, max_orders=self.draws)
        readings = [
            _reading(draw.text, ask.question, order)
            for order, draws in zip(orders, drawn, strict=True)
            for draw in draws
        ]
        return pooled_answer(
            ask,
            [draw for draws in drawn for draw in draws],
            readings=readings,
            model_id=model_id,
            elicitation=self.name,
            choices_asked=1,
            n_permutations=len(orders),
        )


def _reading(reply: str, question: Question, order: Sequence[int]) -> Reading:
    """One for the option that a reply chooses out of those listed in an order, zero for the others."""
    choice = read_choice(reply, [question.option_texts[index] for index in order])
    if isinstance(choice, Outcome):
        return choice
    return tuple(float(index == order[choice]) for index in range(len(order)))
