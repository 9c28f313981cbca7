"""What pluralign asks of a language model, whatever runs it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol

# "org/name", as the Hugging Face hub names its repositories.
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")


class Capability(StrEnum):
    """What a backend can do."""

    SAMPLE = "sample"
    SCORE_OPTIONS = "score_options"
    CHAT = "chat"
    SYSTEM_PROMPT = "system_prompt"
    SPECTRUM_PROMPT = "spectrum_prompt"
    SEED = "seed"


@dataclass(frozen=True)
class Message:
    """One turn. Roles: system, user, assistant; for spectrum prompts description, input, output."""

    role: str
    content: str


@dataclass(frozen=True)
class Chat:
    """A conversation to be answered, rendered through the model's own chat template.

    Attributes:
        messages: The turns so far.
        continue_from: First words of the answer, put behind the opening of the model's turn.
    """

    messages: tuple[Message, ...]
    continue_from: str = ""


@dataclass(frozen=True)
class Text:
    """Plain text to be continued.

    Attributes:
        text: The text.
        end: What ends an answer, for example a newline; part of the scored answer.
    """

    text: str
    end: str = "\n"


Prompt = Chat | Text


@dataclass(frozen=True)
class SamplingParams:
    """How draws are made. The default is the model's own distribution: temperature 1, nothing cut off."""

    temperature: float = 1.0
    top_p: float = 1.0
    min_p: float = 0.0
    max_new_tokens: int = 64
    stop: tuple[str, ...] = ()


@dataclass(frozen=True)
class Draw:
    """One sampled answer.

    Attributes:
        text: The answer without its end-of-turn token.
        finish: "stop" where the model ended its turn or a stop string came, "length" where it was cut.
        n_tokens: Number of tokens drawn, end-of-turn token included.
        log_prob: Sum over the drawn tokens, nats, under the model's own distribution (temperature 1).
    """

    text: str
    finish: Literal["stop", "length"]
    n_tokens: int
    log_prob: float | None = None


@dataclass(frozen=True)
class OptionScores:
    """Scores of the options of one prompt.

    Attributes:
        log_probs: Per option, log P(option and end of turn | prompt), nats.
        n_tokens: Per option, number of tokens scored, the end-of-turn token included.
        token_ids: Per option, the tokens scored.
        mass_prob: Sum over options of exp(log_probs): how much of the model's answer they cover. Options
            are scored with their end of turn, so they exclude each other and the mass is at most 1.
        boundary_merged: Whether prompt and option share a token, so that the scored tokens hold the end
            of the prompt too.
    """

    log_probs: tuple[float, ...]
    n_tokens: tuple[int, ...]
    token_ids: tuple[tuple[int, ...], ...]
    mass_prob: float
    boundary_merged: bool = False


class LanguageModel(Protocol):
    """A model that can be asked.

    Attributes:
        id: Names model and adapter with their revisions; part of every row key.
        can: What this backend can do.
    """

    @property
    def id(self) -> str: ...

    @property
    def can(self) -> frozenset[Capability]: ...

    def fingerprint(self) -> Mapping[str, str]:
        """Hashes and settings of everything that can change an answer."""
        ...

    def render(self, prompt: Prompt) -> str:
        """The exact text that the model is given for a prompt, special tokens written out."""
        ...

    def sample(
        self, prompts: Sequence[Prompt], *, n: int, seed: int, params: SamplingParams
    ) -> list[list[Draw]]:
        """Draw n answers to each prompt. Draw j of a prompt depends on the prompt, the seed and j only."""
        ...

    def score_options(
        self, prompts: Sequence[Prompt], options: Sequence[Sequence[str]]
    ) -> list[OptionScores]:
        """Score each prompt's own options; `options[i]` belongs to `prompts[i]`."""
        ...


@dataclass(frozen=True)
class ModelSpec:
    """What `load_model` is asked for.

    Attributes:
        name: "embedded", a hub id, a path, or "scripted:uniform".
        revision: Hub revision.
        adapter: Path or hub id of a PEFT adapter.
        device: "auto", "cpu", "cuda", "mps", or "spread" over all cards.
        dtype: "auto", "float32", "bfloat16", "float16".
        default_system: What becomes of the system turn that some templates insert unasked.
    """

    name: str
    revision: str | None = None
    adapter: str | None = None
    device: str = "auto"
    dtype: str = "auto"
    default_system: Literal["keep", "drop"] = "keep"
