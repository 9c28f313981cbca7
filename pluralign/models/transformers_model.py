"""A local model run by transformers: exact option scores, and draws that do not depend on their batch."""

import copy
import hashlib
import logging
import math
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from pluralign.errors import ConfigurationError, ModelError
from pluralign.models import chat_template as templates
from pluralign.models import option_scoring, sampling
from pluralign.models.batching import common_prefix_length
from pluralign.models.containment import Containment, LaidOutChat
from pluralign.models.context_cache import cache_obstacle
from pluralign.models.kept_prefixes import KeptPrefixes
from pluralign.models.loading import LoadedWeights, load_weights
from pluralign.models.protocol import (
    Capability,
    Chat,
    Draw,
    Message,
    ModelSpec,
    OptionScores,
    Prompt,
    SamplingParams,
    Text,
)
from pluralign.models.token_tree import OptionTokens, tree_obstacle

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_log = logging.getLogger(__name__)

# Tokens held in one batch, padding included. On a CPU larger batches gain nothing and cost memory.
_BATCH_TOKENS = {"cpu": 2048, "mps": 8192, "cuda": 32768}
# A step of sampling reads one token of each row and the weights once, so that on a CPU more rows cost little.
_SAMPLED_TOKENS = {"cpu": 16384}


class TransformersModel:
    """A causal language model in memory.

    Long openings of prompts (a profile, a person's answers so far) are read once for all calls, see `KeptPrefixes`.

    Args:
        weights: Model and tokenizer, from `load_weights` or built by hand.
        batch_tokens: Bound on the tokens held in one batch; changes speed and memory, not results.
        default_system: Whether the system turn that some templates insert unasked is kept or dropped.
        chat_template: Used instead of the tokenizer's own, for example to measure an untuned model in the
            spectrum format. The tokenizer given is left as it is.
    """

    def __init__(
        self,
        weights: LoadedWeights,
        *,
        batch_tokens: int | None = None,
        default_system: Literal["keep", "drop"] = "keep",
        chat_template: str | None = None,
    ) -> None:
        self.model: PreTrainedModel = weights.model
        self.tokenizer: PreTrainedTokenizerBase = copy.copy(weights.tokenizer)
        if chat_template is not None:
            self.tokenizer.chat_template = chat_template
        self._weights = weights
        self._default_system = default_system
        device = self.model.device.type
        self._batch_tokens = batch_tokens or _BATCH_TOKENS.get(device, _BATCH_TOKENS["cuda"])
        self._sampled_tokens = batch_tokens or _SAMPLED_TOKENS.get(device, self._batch_tokens)
        obstacle = cache_obstacle(self.model)
        self._kept = KeptPrefixes(self.model) if obstacle is None else None
        obstacle = obstacle or tree_obstacle(self.model)
        if obstacle is not None:
            _log.warning("%s: every option is scored with its whole prompt, as %s.", self.id, obstacle)
        self._reads_trees = obstacle is None

    @property
    def id(self) -> str:
        """Model and adapter with their revisions."""
        return self._weights.source_id

    @cached_property
    def can(self) -> frozenset[Capability]:
        """What this model can do; depends on its chat template."""
        can = {Capability.SAMPLE, Capability.SCORE_OPTIONS, Capability.SEED}
        if self.tokenizer.chat_template:
            can.add(Capability.CHAT)
            if templates.accepts_system_role(self.tokenizer):
                can.add(Capability.SYSTEM_PROMPT)
            if self._speaks_spectrum():
                can.add(Capability.SPECTRUM_PROMPT)
        return frozenset(can)

    def fingerprint(self) -> Mapping[str, str]:
        """Hashes and settings of everything that can change an answer."""
        template = self.tokenizer.chat_template
        backend = self.tokenizer.backend_tokenizer.to_str()
        return {
            "model": self.id,
            **self._weights.hashes,
            "tokenizer": _sha256(backend),
            "chat_template": _sha256(str(template)) if template else "none",
            "default_system": self._default_system_setting(),
            "dtype": str(self.model.dtype).removeprefix("torch."),
        }

    def render(self, prompt: Prompt) -> str:
        """The exact text that the model reads, special tokens included.

        What looks like a special token within a message is read as the ordinary text that it is.

        Raises:
            ModelError: There is no chat template, or it refuses these roles.
        """
        return self._begun(prompt.text) if isinstance(prompt, Text) else self._laid_out(prompt).text

    def score_options(
        self, prompts: Sequence[Prompt], options: Sequence[Sequence[str]]
    ) -> list[OptionScores]:
        """Score each prompt's own options, each prompt run once.

        An option is scored with what ends the answer: the end of turn for chats, `Text.end` for plain text.
        Prompt and option are tokenised together. Where they share a token, a chat's option is tokenised for
        itself, as the model must write it; behind plain text or the first words of an answer, the scored
        tokens hold the end of the prompt too.

        Args:
            prompts: What is asked.
            options: `options[i]` belongs to `prompts[i]`; at least one each.

        Returns:
            The scores, in the order of the prompts.

        Raises:
            ModelError: A prompt cannot be rendered, is too long, or an option holds its own end.
        """
        if len(prompts) != len(options):
            raise ConfigurationError(f"There are {len(prompts)} prompts, but options for {len(options)}.")
        encoded = [self._encode(prompt, own) for prompt, own in zip(prompts, options, strict=True)]
        items = [item for item, _ in encoded]
        if self._reads_trees and self._kept is not None:
            found = option_scoring.score_as_trees(
                self.model, items, kept=self._kept, batch_tokens=self._batch_tokens
            )
        else:
            found = option_scoring.score_in_full(self.model, items, batch_tokens=self._batch_tokens)
        return [
            OptionScores(
                log_probs=tuple(log_probs),
                n_tokens=tuple(len(option) for option in item.options),
                token_ids=tuple(tuple(option) for option in item.options),
                mass_prob=_mass(item, log_probs),
                boundary_merged=merged,
            )
            for (item, merged), log_probs in zip(encoded, found, strict=True)
        ]

    def sample(
        self, prompts: Sequence[Prompt], *, n: int, seed: int, params: SamplingParams
    ) -> list[list[Draw]]:
        """Draw n answers to each prompt; draw j depends on the prompt, the seed and j only.

        An answer ends with the end of turn for chats, with `Text.end` for plain text, with any token that
        ends a text, or with a stop string. Words of `continue_from` are no part of it.

        Raises:
            ModelError: A prompt cannot be rendered or is too long.
            ConfigurationError: A sampling parameter is out of range.
        """
        sampling.check_params(params)
        if n < 1:
            raise ConfigurationError(f"n: {n} draws cannot be made; it must be 1 or more.")
        tasks = [self._sampling_task(prompt, params) for prompt in prompts]
        return sampling.sample(
            self.model,
            tasks,
            n=n,
            seed=seed,
            params=params,
            batch_tokens=self._sampled_tokens,
            kept=self._kept,
        )

    @cached_property
    def _turns(self) -> templates.TurnFormat:
        return templates.turn_format(self.tokenizer)

    @cached_property
    def _default_turn(self) -> str:
        """The system turn that the template inserts unasked; "" where there is none or it cannot be told."""
        return templates.default_system_turn(self.tokenizer, self._turns)

    @cached_property
    def _added_bos(self) -> str:
        """The token that the tokenizer puts before plain text, or ""."""
        bos = self.tokenizer.bos_token_id
        starts_with = self.tokenizer("x")["input_ids"][:1]
        return str(self.tokenizer.bos_token) if bos is not None and starts_with == [bos] else ""

    def _default_system_setting(self) -> str:
        try:
            turn = self._default_turn
        except ModelError:
            turn = ""
        return f"{self._default_system}: {turn}" if turn else "none"

    def _speaks_spectrum(self) -> bool:
        """Whether the template writes description, input and output turns."""
        from jinja2 import TemplateError

        messages = [{"role": "description", "content": "X"}]
        try:
            rendered = templates.render(self.tokenizer, messages, add_generation_prompt=True)
            return rendered.endswith(self._turns.header("output"))
        except (TemplateError, ModelError):
            return False

    @cached_property
    def _containment(self) -> Containment:
        return Containment(self.tokenizer)

    def _begun(self, text: str) -> str:
        """The text behind the token that the tokenizer puts before any."""
        bos = self._added_bos
        return text if text.startswith(bos) else bos + text

    def _without_default(self, text: str) -> str:
        """The text of a conversation without the system turn that the template inserts."""
        bos = self._turns.bos
        return self._begun(bos + text.removeprefix(bos).removeprefix(self._default_turn))

    def _laid_out(self, chat: Chat) -> LaidOutChat:
        from jinja2 import TemplateError

        templates.require_template(self.tokenizer)
        messages = list(chat.messages)
        has_system = any(message.role == "system" for message in messages)
        if has_system and Capability.SYSTEM_PROMPT not in self.can:
            messages = folded(messages)
        drops = self._default_system == "drop" and not has_system
        try:
            return self._containment.lay_out(
                messages,
                opening=self._without_default if drops else self._begun,
                continue_from=chat.continue_from,
            )
        except TemplateError as error:
            roles = ", ".join(message.role for message in messages)
            raise ModelError(
                f"The chat template of {self.id} refuses a conversation of roles {roles}: {error}"
            ) from error

    def _read(
        self, prompt: Prompt, answers: Sequence[str] = (), *, end: str = ""
    ) -> tuple[str, list[list[int]]]:
        """The text of a prompt; its token ids, and those of the prompt with each answer and its end behind it."""
        if isinstance(prompt, Chat):
            chat = self._laid_out(prompt)
            return chat.text, self._containment.encode(chat, answers=answers, end=end)
        text = self.render(prompt)
        return text, self._tokens([text, *(text + answer + end for answer in answers)])

    def _encode(self, prompt: Prompt, options: Sequence[str]) -> tuple[OptionTokens, bool]:
        """Token ids of a prompt up to where its options part, those of each option, and whether they merge."""
        end = self._end(prompt)
        if not options:
            raise ConfigurationError(f"There are no options to score after {self.render(prompt)[-80:]!r}.")
        for option in options:
            if end in option:
                raise ModelError(
                    f"The option {option!r} holds {end!r}, which ends an answer, so it cannot be scored as one. "
                    "Reword it, or give the text prompt another end."
                )
        text, (own, *joint) = self._read(prompt, options, end=end)
        if isinstance(prompt, Chat) and not prompt.continue_from:
            joint = [
                self._as_generated(own, ids, option + end) for ids, option in zip(joint, options, strict=True)
            ]
        boundary = common_prefix_length([own, *joint])
        if boundary == 0:
            raise ModelError(
                f"Nothing stands before the options of {text!r} that the model could read, so their first "
                "token has no probability. Put words before them."
            )
        self._check_length(max(joint, key=len), text)
        merged = boundary < len(own)
        item = OptionTokens(context=own[:boundary], options=tuple(ids[boundary:] for ids in joint))
        if not merged:
            self._check_decoding(item, options, end)
        return item, merged

    def _as_generated(self, own: Sequence[int], joint: list[int], answer: str) -> list[int]:
        """Token ids of a prompt and its answer where the model opens a turn of its own.

        It then reads the prompt's own tokens and cannot merge the last of them with what it writes: after a
        header that ends with a line break, " 7" would else be scored with that line break.
        """
        return joint if joint[: len(own)] == own else [*own, *self._tokens([answer])[0]]

    def _check_decoding(self, item: OptionTokens, options: Sequence[str], end: str) -> None:
        """Make sure that the tokens scored are the option and its end, and nothing else."""
        for option, ids in zip(options, item.options, strict=True):
            decoded = self._decode_after(item.context, ids)
            if _normal(decoded) != _normal(option + end):
                raise ModelError(
                    f"The tokens of option {option!r} decode to {decoded!r} instead of {option + end!r}: the "
                    f"tokenizer of {self.id} changes the text, so this option cannot be scored."
                )

    def _decode_after(self, context: Sequence[int], ids: Sequence[int]) -> str:
        """Text of tokens that follow a context: some tokenizers drop the space of a text's first token."""
        last = list(context[-1:])
        before = self._text(last)
        return self._text([*last, *ids]).removeprefix(before)

    def _text(self, ids: Sequence[int]) -> str:
        return str(self.tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False))

    def _tokens(self, texts: list[str]) -> list[list[int]]:
        # `render` has written the tokens that the tokenizer would add.
        ids: list[list[int]] = self.tokenizer(texts, add_special_tokens=False)["input_ids"]
        return ids

    def _end(self, prompt: Prompt) -> str:
        """What ends an answer to a prompt."""
        end = prompt.end if isinstance(prompt, Text) else self._turns.end
        if not end:
            raise ModelError(
                f"The text prompt {prompt!r} has no end, so that '1' could not be told from '10'."
            )
        return end

    def _check_length(self, tokens: Sequence[int], text: str, *, more: int = 0) -> None:
        limit = getattr(self.model.config.get_text_config(), "max_position_embeddings", None)
        if limit is not None and len(tokens) + more > limit:
            raise ModelError(
                f"The prompt that begins {text[:80]!r} needs {len(tokens) + more} tokens with its answer; "
                f"{self.id} reads at most {limit}."
            )

    def _sampling_task(self, prompt: Prompt, params: SamplingParams) -> sampling.SamplingTask:
        text, (context,) = self._read(prompt)
        if not context:
            raise ModelError("An empty prompt cannot be continued by a tokenizer that adds no first token.")
        self._check_length(context, text, more=params.max_new_tokens)
        stop = (*params.stop, prompt.end) if isinstance(prompt, Text) and prompt.end else params.stop
        return sampling.SamplingTask(
            context=context,
            ends=self._text_ends | (frozenset() if isinstance(prompt, Text) else self._turn_end),
            stop=stop,
            decode=lambda ids: self._decode_after(context, ids),
        )

    @cached_property
    def _text_ends(self) -> frozenset[int]:
        """Tokens that end a text, by the model's generation settings and by its tokenizer."""
        configured = getattr(self.model.generation_config, "eos_token_id", None)
        ids = configured if isinstance(configured, list) else [configured]
        return frozenset(index for index in [*ids, self.tokenizer.eos_token_id] if index is not None)

    @cached_property
    def _turn_end(self) -> frozenset[int]:
        """The token that ends a turn; none where the template's turns cannot be told and eos must do."""
        try:
            return frozenset(self._tokens([self._turns.end])[0][:1])
        except ModelError:
            return frozenset()


def load(spec: ModelSpec) -> TransformersModel:
    """Load the embedded model, a hub model or a folder."""
    weights = load_weights(
        spec.name, revision=spec.revision, adapter=spec.adapter, dtype=spec.dtype, device=spec.device
    )
    return TransformersModel(weights, default_system=spec.default_system)


def folded(messages: Sequence[Message]) -> list[Message]:
    """The messages with the system text put before the first user turn's."""
    system = "\n\n".join(message.content for message in messages if message.role == "system")
    others = [message for message in messages if message.role != "system"]
    first = next((index for index, message in enumerate(others) if message.role == "user"), None)
    if first is None:
        raise ModelError(
            "The model takes no system role, and there is no user turn to put the system text into."
        )
    others[first] = Message(role="user", content=f"{system}\n\n{others[first].content}")
    return others


def _mass(item: OptionTokens, log_probs: Sequence[float]) -> float:
    """How much of the answer the options cover; one that is given twice covers it once."""
    distinct = {tuple(option): math.exp(value) for option, value in zip(item.options, log_probs, strict=True)}
    return min(1.0, math.fsum(distinct.values()))


def _normal(text: str) -> str:
    """Text as tokenizers that compose characters (NFC) give it back."""
    return unicodedata.normalize("NFC", text)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
