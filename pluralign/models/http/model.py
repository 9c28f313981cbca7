"""A language model behind an OpenAI-compatible server."""

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Self

from pluralign.errors import ConfigurationError, UnsupportedError
from pluralign.models.http import replies
from pluralign.models.http.address import Endpoint
from pluralign.models.http.bounds import OptionBounds, option_bounds
from pluralign.models.http.probing import find_abilities
from pluralign.models.http.scoring import ExactScorer
from pluralign.models.http.transport import Call, Failure, Transport
from pluralign.models.http.wire import (
    Abilities,
    answer_path,
    answering,
    ask_all,
    chat_body,
    failed,
    text_body,
)
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
from pluralign.models.sampling import check_params
from pluralign.models.transformers_model import folded
from pluralign.records.jsonl import content_hash

_log = logging.getLogger(__name__)

# Seeds are non-negative 32-bit numbers to some servers, the largest of which means "any".
_SEED_RANGE = 2**31
# Draws kept beside one that failed, until they are asked for again.
_MAX_KEPT = 10_000
_MAX_PATH_TOKENS = 64
_NO_DRAWS = (
    "the server gives the same answer to every draw, whatever the temperature, so that draws would say nothing about "
    "the model's distribution. It can be asked at temperature 0."
)


class HttpModel:
    """A model at an endpoint.

    Every text of a message is broken at what looks like a control mark before it is sent (`remote_text.neutralised`);
    plain text prompts are sent as they are. Each draw is a request of its own with a seed of its own.

    Args:
        endpoint: The server and the model there.

    Raises:
        ConfigurationError: The key is not set or refused, or no model is named and there are several.
        ModelError: The server does not answer as such a server does, or reads control tokens within messages.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._transport = Transport(endpoint)
        try:
            self.abilities: Abilities = find_abilities(self._transport)
        except BaseException:
            self._transport.close()
            raise
        self._kept: dict[str, Draw] = {}
        if not self.abilities.draws:
            _log.warning("%s: %s", self.id, _NO_DRAWS)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def id(self) -> str:
        """Address and name; as a name it leads to this model again."""
        return f"{self.endpoint.url}#{self.abilities.model}"

    @property
    def can(self) -> frozenset[Capability]:
        """What the server can do; options are scored where that is exact for all kinds of prompt that it takes."""
        able = self.abilities
        offered = {
            Capability.SAMPLE: able.draws,
            Capability.CHAT: able.chat,
            Capability.SYSTEM_PROMPT: able.chat and able.system_prompt,
            Capability.SPECTRUM_PROMPT: able.chat and able.spectrum,
            Capability.SEED: able.seeds,
            Capability.SCORE_OPTIONS: able.scores == "ids" or (able.scores == "echo" and not able.chat),
        }
        return frozenset(capability for capability, is_offered in offered.items() if is_offered)

    def fingerprint(self) -> Mapping[str, str]:
        """What is known of model and server, and what was found out about them.

        A server can change its weights and say nothing of it; then the fingerprint does not tell.
        """
        able = self.abilities
        return {
            "model": self.id,
            "served": able.served or "unknown",
            "server": able.server,
            "dialect": able.dialect,
            "chat": "yes" if able.chat else "no",
            "system_prompt": "yes" if able.system_prompt else "folded into the user's turn",
            "continues": able.continuing,
            "draws": "yes" if able.draws else "always the same",
            "seeds": "honoured" if able.seeds else "ignored",
            "scores": able.scores,
            "marks": json.dumps(dict(able.marks), sort_keys=True),
        }

    def render(self, prompt: Prompt) -> str:
        """The text of a prompt, special tokens written out where the server tells its own layout.

        Elsewhere the turns as they are sent, "role: content" lines: the server lays them out by its own template.
        """
        if isinstance(prompt, Text):
            return prompt.text
        if self.abilities.scores == "ids" and not prompt.continue_from:
            scorer = ExactScorer(self._transport, self.abilities)
            return scorer.texts(scorer.laid_out([self._turns(prompt)]))[0]
        messages = self._chat_body(prompt)["messages"]
        return "\n".join(f"{each['role']}: {each['content']}" for each in messages)

    def sample(
        self, prompts: Sequence[Prompt], *, n: int, seed: int, params: SamplingParams
    ) -> list[list[Draw]]:
        """Draw n answers to each prompt.

        Where the server follows seeds (Capability.SEED), draw j depends on the prompt, the seed and j only; elsewhere
        draws are independent, and drawn anew each time. An answer that the server's filter cut ends as one that was
        too long.

        Raises:
            ModelError: A draw failed for good. The others are kept, and not drawn again when they are asked for again,
                as runs do, one unit at a time.
            UnsupportedError: The server does not take prompts of this kind, or makes no draws.
            ConfigurationError: A sampling parameter is out of range.
        """
        check_params(params)
        if params.temperature > 0 and not self.abilities.draws:
            raise UnsupportedError(f"{self.id}: {_NO_DRAWS}")
        if n < 1:
            raise ConfigurationError(f"n: {n} draws cannot be made; it must be 1 or more.")
        calls = {
            (place, draw): self._drawing(prompt, params, seed=seed, draw=draw)
            for place, prompt in enumerate(prompts)
            for draw in range(n)
        }
        names = {at: content_hash([call.path, call.body, seed, at[1]]) for at, call in calls.items()}
        owed = [at for at in calls if names[at] not in self._kept]
        asked: list[Draw | Failure] = self._transport.ask([calls[at] for at in owed])
        found = dict(zip(owed, asked, strict=True))
        failures = [each for each in found.values() if isinstance(each, Failure)]
        if failures:
            drawn = {names[at]: each for at, each in found.items() if isinstance(each, Draw)}
            self._kept = dict([*self._kept.items(), *drawn.items()][-_MAX_KEPT:])
            raise failed(self._transport, failures, n_calls=len(calls))
        draws = {at: each for at, each in found.items() if isinstance(each, Draw)}
        draws |= {at: self._kept[names[at]] for at in calls if at not in draws}
        for name in names.values():
            self._kept.pop(name, None)
        return [[draws[place, draw] for draw in range(n)] for place in range(len(prompts))]

    def score_options(
        self, prompts: Sequence[Prompt], options: Sequence[Sequence[str]]
    ) -> list[OptionScores]:
        """Score each prompt's own options with what ends the answer, exactly: every token by its own log-probability.

        Raises:
            UnsupportedError: The server does not give the log-probabilities of a prompt's tokens.
            ModelError: A request failed, or an option cannot be tokenised for itself.
        """
        _check_options(prompts, options)
        if Capability.SCORE_OPTIONS not in self.can:
            raise UnsupportedError(
                f"{self.id} cannot score options exactly: the server does not give the log-probabilities of a prompt's "
                "tokens. Use the elicitation 'sample'; option_bounds says what the likeliest tokens tell."
            )
        scorer = ExactScorer(self._transport, self.abilities)
        chats = [place for place, prompt in enumerate(prompts) if isinstance(prompt, Chat)]
        texts = [place for place, prompt in enumerate(prompts) if isinstance(prompt, Text)]
        found: dict[int, OptionScores] = {}
        if chats:
            self._require(Capability.CHAT)
            own = [prompt for prompt in prompts if isinstance(prompt, Chat)]
            turns = [self._turns(chat) for chat in own]
            scores = scorer.score_chats(own, [options[place] for place in chats], messages=turns)
            found |= zip(chats, scores, strict=True)
        if texts:
            plain = [prompt for prompt in prompts if isinstance(prompt, Text)]
            scores = scorer.score_texts(plain, [options[place] for place in texts])
            found |= zip(texts, scores, strict=True)
        return [found[place] for place in range(len(prompts))]

    def option_bounds(
        self, prompts: Sequence[Prompt], options: Sequence[Sequence[str]], *, seed: int = 0
    ) -> list[OptionBounds]:
        """Bounds on the probability that the answer is an option, from the likeliest tokens along one drawn answer.

        For servers that cannot score options exactly: what they do not name stays unknown. No evaluation makes a
        distribution of bounds.

        Args:
            prompts: What is asked.
            options: `options[i]` belongs to `prompts[i]`; at least one each.
            seed: Seed of the drawn answers.

        Raises:
            UnsupportedError: The server names no likeliest tokens.
            ModelError: A request failed.
        """
        _check_options(prompts, options)
        if not self.abilities.n_top:
            raise UnsupportedError(f"{self.id} names no likeliest tokens. Use the elicitation 'sample'.")
        calls = [
            self._path_call(prompt, options=own, seed=seed)
            for prompt, own in zip(prompts, options, strict=True)
        ]
        return [
            option_bounds(own, steps, text=draw.text, ended=draw.finish == "stop")
            for own, (draw, steps) in zip(options, ask_all(self._transport, calls), strict=True)
        ]

    def _path_call(
        self, prompt: Prompt, *, options: Sequence[str], seed: int
    ) -> Call[tuple[Draw, tuple[replies.Step, ...]]]:
        """A drawn answer with the likeliest tokens at each place.

        At temperature 1, as some servers give log-probabilities after the temperature.
        """
        chat = isinstance(prompt, Chat)
        longest = max(len(option.encode()) for option in options)
        params = SamplingParams(max_new_tokens=min(longest + 1, _MAX_PATH_TOKENS))

        def read(reply: Any) -> tuple[Draw, tuple[replies.Step, ...]]:
            draw = replies.read_draw(reply, chat=chat, own_distribution=True)
            return draw, replies.read_steps(reply, chat=chat)

        body = self._body(prompt)
        own_seed = int(content_hash([body, seed, "path"]), 16) % _SEED_RANGE
        how = answering(self.abilities, params, chat=chat, seed=own_seed, n_top=self.abilities.n_top)
        return Call(answer_path(chat=chat), read, body=body | how)

    def _drawing(self, prompt: Prompt, params: SamplingParams, *, seed: int, draw: int) -> Call[Draw]:
        """The request for one draw."""
        chat = isinstance(prompt, Chat)
        own = params.temperature == 1 and params.top_p == 1 and params.min_p == 0
        stop = (*params.stop, prompt.end) if isinstance(prompt, Text) and prompt.end else params.stop
        body = self._body(prompt)
        how = answering(
            self.abilities,
            SamplingParams(params.temperature, params.top_p, params.min_p, params.max_new_tokens, stop),
            chat=chat,
            seed=int(content_hash([body, seed, draw]), 16) % _SEED_RANGE,
            n_top=0 if self.abilities.n_top and own else None,
        )
        return Call(
            answer_path(chat=chat),
            lambda reply: replies.read_draw(reply, chat=chat, own_distribution=own, stop=stop),
            body=body | how,
        )

    def _body(self, prompt: Prompt) -> dict[str, Any]:
        if isinstance(prompt, Chat):
            return self._chat_body(prompt)
        if not self.abilities.text:
            raise UnsupportedError(f"{self.id} continues no plain text (/completions). Ask it with chats.")
        return text_body(self.abilities, prompt.text)

    def _chat_body(self, chat: Chat) -> dict[str, Any]:
        self._require(Capability.CHAT)
        if chat.continue_from and self.abilities.continuing == "no":
            raise UnsupportedError(
                f"{self.id} does not go on from the first words of an answer (continue_from). Put the words into the "
                "question, or use a server that does, such as vLLM, or a local model."
            )
        return chat_body(self.abilities, self._turns(chat), continue_from=chat.continue_from)

    def _turns(self, chat: Chat) -> list[Message]:
        """The messages, with the system text before the user's first turn where the template takes no system role."""
        messages = list(chat.messages)
        has_system = any(message.role == "system" for message in messages)
        return folded(messages) if has_system and not self.abilities.system_prompt else messages

    def _require(self, capability: Capability) -> None:
        if capability not in self.can:
            raise UnsupportedError(
                f"{self.id} answers no chats (/chat/completions), as a model without a chat template. Ask it with plain "
                "text prompts, or serve an instruct model."
            )


def _check_options(prompts: Sequence[Prompt], options: Sequence[Sequence[str]]) -> None:
    if len(prompts) != len(options):
        raise ConfigurationError(f"There are {len(prompts)} prompts, but options for {len(options)}.")
    if not all(options):
        raise ConfigurationError("There are no options to score for one of the prompts.")


def load(spec: ModelSpec) -> HttpModel:
    """The model of a name such as "http://localhost:8000/v1#model".

    Raises:
        ConfigurationError: The name is no address, or a setting is given that is the server's own.
    """
    given = {
        "revision": spec.revision is not None,
        "adapter": spec.adapter is not None,
        "device": spec.device != "auto",
        "dtype": spec.dtype != "auto",
        "default_system": spec.default_system != "keep",
    }
    if idle := [name for name, is_given in given.items() if is_given]:
        raise ConfigurationError(
            f"A model behind a server has its own {', '.join(idle)}: set that where the server is started."
        )
    return HttpModel(Endpoint.of_name(spec.name))
