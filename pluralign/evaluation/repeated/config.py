"""What may be set when open prompts are asked many times, and the record of it in a run's folder."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from pluralign.errors import ConfigurationError
from pluralign.evals.coverage.replies import WayName
from pluralign.evals.homogeneity.equivalence import THRESHOLD
from pluralign.evaluation.repeated.problems import EXAMPLES
from pluralign.evaluation.spec import COVERAGE, HOMOGENEITY, SOLUTIONS, RepeatedSpec
from pluralign.records.base import Record, Text

# Answers in one verbalized reply (Zhang et al. 2025, arXiv:2510.01171).
N_VERBALIZED = 5
# Draws of a prompt that are made together: a divisor of the usual numbers of draws, so that none is made twice. On a
# CPU a hundred short ones together take half the time of four times 25. Answers of homogeneity are long: few enough
# that a kill loses a minute.
_BLOCKS = {COVERAGE: 100, HOMOGENEITY: 10, SOLUTIONS: 32}


class RepeatedSettings(Record):
    """What may be set; None stands for what the spec says.

    Attributes:
        limit: Only the first so many prompts; None: all.
        draws: Answers to each prompt.
        temperature: Of the draws.
        top_p: Only the likeliest tokens up to that probability.
        min_p: Only tokens at least that fraction as likely as the likeliest.
        max_new_tokens: Length of an answer at most.
        tasks: Only these tasks; coverage only.
        mode: Whether a task is given by its description, by three examples, or by both; coverage only.
        way: "plain"; "verbalized", several answers with their probabilities in one reply; "seeded", a random string
            first, from which the answer is made. Coverage and homogeneity.
        samples: Answers in one verbalized reply.
        shots: Worked examples before a problem; solutions only.
        embedder: Name of the sentence embedder, see `load_embedder`; homogeneity only.
        threshold: Cosine from which two answers count as the same; homogeneity only.
        data: Arguments of the prompts beside those of the spec, for example where a file lies; not for coverage.
        seed: Seed of everything random.
    """

    limit: int | None = Field(default=None, ge=1)
    draws: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, ge=0)
    top_p: float | None = Field(default=None, gt=0, le=1)
    min_p: float | None = Field(default=None, ge=0, le=1)
    max_new_tokens: int | None = Field(default=None, ge=1)
    tasks: tuple[Text, ...] = ()
    mode: Literal["description", "examples", "both"] = "both"
    way: WayName = "plain"
    samples: int = Field(default=N_VERBALIZED, ge=2)
    shots: int = Field(default=len(EXAMPLES), ge=0, le=len(EXAMPLES))
    embedder: Text = "embedded"
    threshold: float = Field(default=THRESHOLD, gt=-1, le=1)
    data: Mapping[str, Any] = {}
    seed: int = 0


DEFAULT_REPEATED = RepeatedSettings()
_IDLE = {
    COVERAGE: ("embedder", "threshold", "data", "shots"),
    HOMOGENEITY: ("tasks", "mode", "shots"),
    SOLUTIONS: ("tasks", "mode", "way", "samples", "embedder", "threshold"),
}


def check_meant(spec: RepeatedSpec, settings: RepeatedSettings) -> None:
    """Refuse settings that mean nothing under a spec.

    Raises:
        ConfigurationError: Names the first.
    """
    for name in _IDLE[spec.evaluator]:
        if getattr(settings, name) != getattr(DEFAULT_REPEATED, name):
            raise ConfigurationError(
                f"{name}: it means nothing for {spec.id}, which measures {spec.evaluator}."
            )
    if settings.samples != DEFAULT_REPEATED.samples and settings.way != "verbalized":
        raise ConfigurationError("samples: they are the answers in one reply of the way 'verbalized'.")
    if settings.way != "plain" and settings.mode == "examples":
        raise ConfigurationError(
            f"mode: the way {settings.way!r} asks in words, so that it needs a description."
        )


class RepeatedConfig(Record):
    """config.json of a run: everything that is needed to go on with it.

    Attributes:
        spec: What is run.
        settings: What was set.
        model: The model's name, as `load_model` takes it.
    """

    spec: RepeatedSpec
    settings: RepeatedSettings
    model: Text

    @property
    def draws(self) -> int:
        """Answers to each prompt."""
        return self.settings.draws or self.spec.draws

    @property
    def n_replies(self) -> int:
        """Replies drawn to each prompt: fewer than answers where a reply holds several."""
        return -(-self.draws // self.k)

    @property
    def k(self) -> int:
        """Answers in a reply."""
        return self.settings.samples if self.settings.way == "verbalized" else 1

    @property
    def block(self) -> int:
        """Draws of a prompt that are made together; part of what a draw is."""
        return _BLOCKS[self.spec.evaluator]

    @property
    def units_per_call(self) -> int:
        """Draws that are asked for in one call: a block, or all draws of as many prompts as fill one."""
        own = min(self.n_replies, self.block)
        return own * (self.block // own)
