"""Exact scores of options, from the log-probabilities that a server gives for the tokens of a prompt.

Prompt and option are sent as one prompt, so that every token of the option is scored after those before it, whatever
its rank. Two ways: vLLM takes token ids, scores them (`prompt_logprobs`) and lays out chats (/tokenize), so that chats
and texts can be scored; servers that repeat a text with its log-probabilities (`echo`) score texts.
"""

import math
from collections.abc import Callable, Sequence

from pluralign.errors import ModelError, UnsupportedError
from pluralign.models.batching import common_prefix_length
from pluralign.models.http.replies import ReadTokens, read_echo, read_ids, read_scored_ids, read_text
from pluralign.models.http.transport import Call, Transport
from pluralign.models.http.wire import Abilities, ask_all, text_body, written
from pluralign.models.protocol import Chat, Message, OptionScores, Text
from pluralign.models.remote_text import neutralised

Ids = tuple[int, ...]
_SCORED = {"max_tokens": 1, "temperature": 0}


class ExactScorer:
    """Scores options at one server.

    Args:
        transport: The server.
        abilities: What it can do; `scores` is not "none".
    """

    def __init__(self, transport: Transport, abilities: Abilities) -> None:
        self._transport = transport
        self._abilities = abilities
        # (last token of the prompt, option) -> the option's tokens behind it
        self._answers: dict[tuple[int, str], Ids] = {}

    def laid_out(self, chats: Sequence[Sequence[Message]]) -> list[Ids]:
        """Token ids of chats with the opening of the model's turn, by the server's own template."""
        return ask_all(
            self._transport,
            [
                self._tokenising({"messages": written(messages), "add_generation_prompt": True})
                for messages in chats
            ],
        )

    def texts(self, sequences: Sequence[Sequence[int]]) -> list[str]:
        """What token ids say, special tokens written out."""
        return ask_all(
            self._transport,
            [
                Call(
                    "/detokenize",
                    read_text,
                    body={"model": self._abilities.model, "tokens": list(ids)},
                    at_root=True,
                )
                for ids in sequences
            ],
        )

    def score_chats(
        self,
        chats: Sequence[Chat],
        options: Sequence[Sequence[str]],
        *,
        messages: Sequence[Sequence[Message]],
    ) -> list[OptionScores]:
        """Score the options of chats, each with the token that ends the turn.

        Args:
            chats: What is asked.
            options: `options[i]` belongs to `chats[i]`.
            messages: The turns of each chat as this model takes them.
        """
        end = self._abilities.end_id
        assert end is not None
        if any(chat.continue_from for chat in chats):
            raise UnsupportedError(
                "Behind the first words of an answer (continue_from) a server's options cannot be scored exactly, as "
                "it may tokenise them together. Put the words into the question, or use the elicitation 'sample'."
            )
        contexts = self.laid_out(messages)
        self._learn({(ids[-1], option) for ids, own in zip(contexts, options, strict=True) for option in own})
        joint = [
            [(*ids, *self._answers[ids[-1], option], end) for option in own]
            for ids, own in zip(contexts, options, strict=True)
        ]
        read = self._read_ids({each for own in joint for each in own})
        return [
            _scores([read[each] for each in own], start=len(ids))
            for ids, own in zip(contexts, joint, strict=True)
        ]

    def score_texts(self, prompts: Sequence[Text], options: Sequence[Sequence[str]]) -> list[OptionScores]:
        """Score the options of texts, each with the text's end; tokenised together with the text."""
        joint = [
            [_ended(prompt, option) for option in own] for prompt, own in zip(prompts, options, strict=True)
        ]
        wanted = {prompt.text for prompt in prompts} | {text for own in joint for text in own}
        read = self._read_texts(sorted(wanted))
        return [
            self._text_scores(read[prompt.text], [read[text] for text in own], prompt=prompt)
            for prompt, own in zip(prompts, joint, strict=True)
        ]

    def _text_scores(self, own: ReadTokens, joint: Sequence[ReadTokens], *, prompt: Text) -> OptionScores:
        start = common_prefix_length([list(each.ids) for each in (own, *joint)])
        if start == 0:
            raise ModelError(
                f"Nothing stands before the options of {prompt.text!r} that the model could read, so their first "
                "token has no probability. Put words before them."
            )
        return _scores(joint, start=start, merged=start < len(own.ids))

    def _read_texts(self, texts: Sequence[str]) -> dict[str, ReadTokens]:
        if self._abilities.scores == "ids":
            ids = ask_all(
                self._transport,
                [self._tokenising({"prompt": text, "add_special_tokens": True}) for text in texts],
            )
            read = self._read_ids(set(ids))
            return {text: read[own] for text, own in zip(texts, ids, strict=True)}
        calls = [
            Call(
                "/completions",
                _reading_echo(text),
                body={**text_body(self._abilities, text), **_SCORED, "echo": True, "logprobs": 1},
            )
            for text in texts
        ]
        return dict(zip(texts, ask_all(self._transport, calls), strict=True))

    def _read_ids(self, sequences: set[Ids]) -> dict[Ids, ReadTokens]:
        calls = [
            Call(
                "/completions",
                _reading_ids(ids),
                body={**text_body(self._abilities, ids), **_SCORED, "prompt_logprobs": 0},
            )
            for ids in sorted(sequences)
        ]
        return {read.ids: read for read in ask_all(self._transport, calls)}

    def _learn(self, wanted: set[tuple[int, str]]) -> None:
        """Find out the tokens of options behind a prompt's last token.

        They are those that the tokeniser makes of both together, or, where it merges them, of the option alone: the
        model has read the prompt's own tokens. Either way they must say the option and nothing else.

        Raises:
            ModelError: The tokeniser changes the option, or it holds what looks like a control token.
        """
        new = sorted(wanted - set(self._answers))
        lasts = sorted({last for last, _ in new})
        before = dict(zip(lasts, self.texts([(last,) for last in lasts]), strict=True))
        joint, alone = (
            ask_all(
                self._transport,
                [
                    self._tokenising({"prompt": first(last) + option, "add_special_tokens": False})
                    for last, option in new
                ],
            )
            for first in (before.__getitem__, lambda _: "")
        )
        found = [
            both[1:] if both[:1] == (last,) else own
            for (last, _), both, own in zip(new, joint, alone, strict=True)
        ]
        said = self.texts([(last, *ids) for (last, _), ids in zip(new, found, strict=True)])
        for (last, option), ids, text in zip(new, found, said, strict=True):
            if text != before[last] + option or neutralised(option) != option:
                raise ModelError(
                    f"The option {option!r} comes back from the server's tokeniser as {text!r} behind "
                    f"{before[last]!r}, so it cannot be scored exactly. Reword it, or use the elicitation 'sample'."
                )
            self._answers[last, option] = ids

    def _tokenising(self, what: dict[str, object]) -> Call[Ids]:
        return Call("/tokenize", read_ids, body={"model": self._abilities.model, **what}, at_root=True)


def _reading_ids(ids: Ids) -> Callable[[object], ReadTokens]:
    return lambda reply: read_scored_ids(reply, ids)


def _reading_echo(text: str) -> Callable[[object], ReadTokens]:
    return lambda reply: read_echo(reply, text)


def _ended(prompt: Text, option: str) -> str:
    if not prompt.end:
        raise ModelError(
            f"The text prompt {prompt.text[-80:]!r} has no end, so that '1' could not be told from '10'."
        )
    if prompt.end in option:
        raise ModelError(f"The option {option!r} holds {prompt.end!r}, which ends an answer. Reword it.")
    return prompt.text + option + prompt.end


def _scores(joint: Sequence[ReadTokens], *, start: int, merged: bool = False) -> OptionScores:
    """The scores of options from their tokens behind the first `start` ones."""
    ids = [each.ids[start:] for each in joint]
    log_probs = [math.fsum(each.log_probs[start:]) for each in joint]
    distinct = dict(zip(ids, log_probs, strict=True))
    return OptionScores(
        log_probs=tuple(log_probs),
        n_tokens=tuple(map(len, ids)),
        token_ids=tuple(ids),
        mass_prob=min(1.0, math.fsum(map(math.exp, distinct.values()))),
        boundary_merged=merged,
    )
