"""The answers of many simulated respondents, written in one reply (Meister et al. 2025)."""

from collections.abc import Mapping
from collections.abc import Sequence as Several
from dataclasses import dataclass
from typing import ClassVar

from pluralign.elicitation.asking import Ask
from pluralign.elicitation.mentions import listed_letters
from pluralign.elicitation.people import prompt_about
from pluralign.elicitation.replies import is_refusal, read_sequence
from pluralign.elicitation.tallies import Reading, check_positive, pooled_answer, units_that_draw
from pluralign.models.protocol import Capability, LanguageModel, Prompt, SamplingParams
from pluralign.records import Answer, Condition, Option, Outcome, Question

INSTRUCTION = (
    "Simulate a survey of {respondents} {{people}}, drawn at random. Write the answers of the {respondents} "
    "respondents, one line each: the number of the respondent, a period and the {answer} chosen. Write nothing else."
)

# With fewer of the respondents readable, a reply is no survey: prose that names two options in passing would else
# count as two respondents.
MIN_READABLE_SHARE = 0.5


@dataclass(frozen=True)
class Sequence:
    """Asks for the answers of simulated respondents one after the other, as letters of the listed options.

    The answer is the share of respondents with each option, over all replies that can be read.

    Attributes:
        seed: Seed of the draws.
        respondents: Respondents a reply.
        draws: Number of replies, drawn at temperature 1.
        max_new_tokens: Length of a reply at most.
    """

    name: ClassVar[str] = "sequence"
    needs: ClassVar[frozenset[Capability]] = frozenset({Capability.SAMPLE, Capability.CHAT})

    seed: int = 0
    respondents: int = 30
    draws: int = 1
    max_new_tokens: int = 512

    def __post_init__(self) -> None:
        check_positive(
            self.name, respondents=self.respondents, draws=self.draws, max_new_tokens=self.max_new_tokens
        )

    @property
    def units_per_call(self) -> int:
        """How many units are asked together."""
        return units_that_draw(self.draws)

    def settings(self) -> Mapping[str, object]:
        """Everything that can change an answer."""
        return {
            "instruction": INSTRUCTION,
            "seed": self.seed,
            "respondents": self.respondents,
            "draws": self.draws,
            "max_new_tokens": self.max_new_tokens,
            "min_readable_share": MIN_READABLE_SHARE,
        }

    def prompts(self, question: Question, condition: Condition) -> tuple[Prompt, ...]:
        """The one prompt of a unit; its options stand under letters while there are letters enough."""
        letters = listed_letters(question.option_texts)
        lettered = tuple(
            Option(text=f"{letter}. {text}")
            for letter, text in zip(letters, question.option_texts, strict=bool(letters))
        )
        listed = question.model_copy(update={"options": lettered}) if letters else question
        instruction = INSTRUCTION.format(
            respondents=self.respondents, answer="letter of the option" if letters else "option"
        )
        return (prompt_about(listed, condition=condition, instruction=instruction),)

    def answers(self, model: LanguageModel, asks: Several[Ask]) -> list[Answer]:
        """Ask all units in one call, so that the model can batch them."""
        prompts = [prompt for ask in asks for prompt in self.prompts(ask.question, ask.condition)]
        params = SamplingParams(max_new_tokens=self.max_new_tokens)
        drawn = model.sample(prompts, n=self.draws, seed=self.seed, params=params)
        return [
            pooled_answer(
                ask,
                draws,
                readings=[self._reading(draw.text, ask.question) for draw in draws],
                model_id=model.id,
                elicitation=self.name,
                choices_asked=self.respondents,
            )
            for ask, draws in zip(asks, drawn, strict=True)
        ]

    def _reading(self, reply: str, question: Question) -> Reading:
        """How many of a reply's respondents chose each option."""
        entries = read_sequence(reply, question.option_texts, n=self.respondents)
        chosen = [entry for entry in entries if entry is not None]
        if len(chosen) < MIN_READABLE_SHARE * self.respondents:
            return Outcome.REFUSED if is_refusal(reply) else Outcome.UNPARSED
        return tuple(float(chosen.count(index)) for index in range(len(question.options)))
