"""The distribution that a model states: what percentage of people would choose each option."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from pluralign.elicitation.asking import Ask
from pluralign.elicitation.people import prompt_about
from pluralign.elicitation.replies import TOTAL_TOLERANCE, read_percentages
from pluralign.elicitation.tallies import check_positive, pooled_answer, units_that_draw
from pluralign.models.protocol import Capability, LanguageModel, Prompt, SamplingParams
from pluralign.records import Answer, Condition, Question

INSTRUCTION = (
    "What percentage of {people} would choose each option? Write one line for each option, in the order above, "
    "as the option, a colon and its percentage. The percentages must sum to 100. Write nothing else."
)


@dataclass(frozen=True)
class Verbalized:
    """Asks for the percentage of each option, from outside: it shows what a model knows, not how it behaves.

    The answer is the average over the readable replies.

    Attributes:
        seed: Seed of the draws.
        draws: Number of replies: one is the likeliest (temperature 0), several are drawn at temperature 1.
        max_new_tokens: Length of a reply at most.
    """

    name: ClassVar[str] = "verbalized"
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.SAMPLE, Capability.CHAT})

    seed: int = 0
    draws: int = 1
    max_new_tokens: int = 512

    def __post_init__(self) -> None:
        check_positive(self.name, draws=self.draws, max_new_tokens=self.max_new_tokens)

    @property
    def units_per_call(self) -> int:
        """How many units are asked together."""
        return units_that_draw(self.draws)

    def settings(self) -> Mapping[str, object]:
        """Everything that can change an answer."""
        return {
            "instruction": INSTRUCTION,
            "seed": self.seed,
            "draws": self.draws,
            "max_new_tokens": self.max_new_tokens,
            "total_tolerance": TOTAL_TOLERANCE,
        }

    def prompts(self, question: Question, condition: Condition) -> tuple[Prompt, ...]:
        """The one prompt of a unit."""
        return (prompt_about(question, condition=condition, instruction=INSTRUCTION),)

    def answers(self, model: LanguageModel, asks: Sequence[Ask]) -> list[Answer]:
        """Ask all units in one call, so that the model can batch them."""
        params = SamplingParams(
            temperature=0.0 if self.draws == 1 else 1.0, max_new_tokens=self.max_new_tokens
        )
        prompts = [prompt for ask in asks for prompt in self.prompts(ask.question, ask.condition)]
        drawn = model.sample(prompts, n=self.draws, seed=self.seed, params=params)
        return [
            pooled_answer(
                ask,
                draws,
                readings=[read_percentages(draw.text, ask.question.option_texts) for draw in draws],
                model_id=model.id,
                elicitation=self.name,
                choices_asked=0,
            )
            for ask, draws in zip(asks, drawn, strict=True)
        ]
