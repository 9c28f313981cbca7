"""A model that answers by script: for tests, tutorials and dry runs."""

import math
from collections.abc import Callable, Mapping, Sequence

from pluralign.errors import ConfigurationError, ModelError, UnsupportedError, did_you_mean
from pluralign.models.protocol import (
    Capability,
    Draw,
    ModelSpec,
    OptionScores,
    Prompt,
    SamplingParams,
    Text,
)
from pluralign.records.jsonl import content_hash

LogProbs = Callable[[str, str], float] | Mapping[str, float]
Draws = Sequence[str | Draw | Exception] | Callable[[str, int], str]

_CHAT = frozenset({Capability.CHAT, Capability.SYSTEM_PROMPT, Capability.SEED})


class ScriptedModel:
    """A language model whose scores and draws are given beforehand.

    Args:
        id: Its name.
        log_probs: Nats of an option, by a function of the prompt's text and the option, or by a mapping from
            options. Without it every option of a prompt is equally likely and nothing else is answered.
        draws: Answers handed out in order, prompts first; an exception among them is raised at its turn. Or a
            function of the prompt's text and a number that depends on prompt, seed and draw.
        can: What it can do; without it chat and scoring, and sampling if there are draws.
    """

    def __init__(
        self,
        id: str = "scripted",
        *,
        log_probs: LogProbs | None = None,
        draws: Draws | None = None,
        can: frozenset[Capability] | None = None,
    ) -> None:
        self.id = id
        own = {Capability.SCORE_OPTIONS} if draws is None else {Capability.SCORE_OPTIONS, Capability.SAMPLE}
        self.can = _CHAT | own if can is None else can
        self._log_probs = log_probs
        self._draws = draws if callable(draws) else None
        self._queue = [] if draws is None or callable(draws) else list(draws)

    def fingerprint(self) -> Mapping[str, str]:
        """Its id."""
        return {"model": self.id}

    def render(self, prompt: Prompt) -> str:
        """A prompt as the script sees it: "role: content" lines and the first words of the answer."""
        if isinstance(prompt, Text):
            return prompt.text
        lines = [f"{message.role}: {message.content}" for message in prompt.messages]
        return "\n".join([*lines, prompt.continue_from]) if prompt.continue_from else "\n".join(lines)

    def score_options(
        self, prompts: Sequence[Prompt], options: Sequence[Sequence[str]]
    ) -> list[OptionScores]:
        """Score options as scripted; token ids are those of their characters.

        Raises:
            ModelError: The script has no score for an option, or gives more than probability 1 in all.
        """
        self._require(Capability.SCORE_OPTIONS)
        return [self._scores(prompt, own) for prompt, own in zip(prompts, options, strict=True)]

    def sample(
        self, prompts: Sequence[Prompt], *, n: int, seed: int, params: SamplingParams
    ) -> list[list[Draw]]:
        """Hand out n draws to each prompt.

        Raises:
            ModelError: The queue is empty.
        """
        self._require(Capability.SAMPLE)
        return [[self._draw(prompt, seed, draw) for draw in range(n)] for prompt in prompts]

    def _scores(self, prompt: Prompt, options: Sequence[str]) -> OptionScores:
        log_probs = tuple(self._log_prob(prompt, option, options) for option in options)
        mass = math.fsum(math.exp(value) for value in dict(zip(options, log_probs, strict=True)).values())
        if mass > 1 + 1e-9:
            raise ModelError(
                f"The script of {self.id!r} gives the options {list(options)} probability {mass:.6g}."
            )
        tokens = tuple(tuple(map(ord, option)) for option in options)
        return OptionScores(
            log_probs=log_probs,
            n_tokens=tuple(map(len, tokens)),
            token_ids=tokens,
            mass_prob=min(1.0, mass),
        )

    def _log_prob(self, prompt: Prompt, option: str, options: Sequence[str]) -> float:
        if self._log_probs is None:
            return -math.log(len(set(options)))
        if callable(self._log_probs):
            return self._log_probs(self.render(prompt), option)
        if option not in self._log_probs:
            raise ModelError(
                f"The script of {self.id!r} has no score for {option!r}.{did_you_mean(option, self._log_probs)}"
            )
        return self._log_probs[option]

    def _draw(self, prompt: Prompt, seed: int, draw: int) -> Draw:
        text = self.render(prompt)
        if self._draws is not None:
            answer: str | Draw | Exception = self._draws(text, int(content_hash([text, seed, draw]), 16))
        elif self._queue:
            answer = self._queue.pop(0)
        else:
            raise ModelError(f"The script of {self.id!r} has no draw left for {text!r}.")
        if isinstance(answer, Exception):
            raise answer
        return (
            answer if isinstance(answer, Draw) else Draw(text=answer, finish="stop", n_tokens=len(answer) + 1)
        )

    def _require(self, capability: Capability) -> None:
        if capability not in self.can:
            raise UnsupportedError(
                f"The scripted model {self.id!r} cannot {capability.value.replace('_', ' ')}."
            )


def load(spec: ModelSpec) -> ScriptedModel:
    """The built-in script of a name: "scripted:uniform"."""
    name = spec.name.removeprefix("scripted:")
    if name != "uniform":
        raise ConfigurationError(f"Unknown script {name!r}.{did_you_mean(name, ['uniform'])}")
    return ScriptedModel(id="scripted:uniform")
