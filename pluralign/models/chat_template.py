"""The turn format of a chat template: which tokens open and close a turn, found by rendering probes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pluralign.errors import ModelError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# Words that no template holds and that every tokenizer leaves as they are; no leading or trailing space.
_USER, _ASSISTANT, _SYSTEM, _NEXT = "PROBEUSER", "PROBEASSISTANT", "PROBESYSTEM", "PROBENEXT"


@dataclass(frozen=True)
class TurnFormat:
    r"""How a chat template writes a turn: `bos (open role close content end separator)*`.

    Attributes:
        bos: Text before the first turn, "" where there is none.
        open: Opens a turn, before the role word: "<|im_start|>".
        close: Between role word and content: "\n".
        end: Special token that ends a turn: "<|im_end|>".
        separator: Between the end of a turn and the next one: "\n", or "".
        assistant: The role word of the model's own turns: "assistant", or "model" for Gemma.
    """

    bos: str
    open: str
    close: str
    end: str
    separator: str
    assistant: str

    def header(self, role: str) -> str:
        """The text that opens a turn of a role."""
        return f"{self.open}{role}{self.close}"


def turn_format(tokenizer: "PreTrainedTokenizerBase") -> TurnFormat:
    """Derive the turn format of a tokenizer from its chat template.

    Works for ChatML-, Llama-3- and Gemma-like templates: a special token opens a turn, the role is written
    as a word, a special token ends the turn.

    Raises:
        ModelError: There is no chat template, or its turns are not built like that.
    """
    require_template(tokenizer)
    rendered = render(
        tokenizer,
        [
            {"role": "user", "content": _USER},
            {"role": "assistant", "content": _ASSISTANT},
            {"role": "user", "content": _NEXT},
        ],
    )
    before_answer = _between(rendered, _USER, _ASSISTANT)
    before_next = _between(rendered, _ASSISTANT, _NEXT)
    specials = _special_tokens_in(tokenizer, before_next)
    head, found, close = before_next.rpartition("user")
    if len(specials) < 2 or not found:
        raise _not_derivable(tokenizer)
    end = specials[0]
    separator, found, rest = head.removeprefix(end).partition(specials[1])
    open_ = specials[1] + rest
    prefix = end + separator + open_
    if not head.startswith(end) or not found or not before_answer.startswith(prefix):
        raise _not_derivable(tokenizer)
    assistant = before_answer.removeprefix(prefix).removesuffix(close)
    if not assistant.isidentifier():
        raise _not_derivable(tokenizer)
    return TurnFormat(
        bos=rendered.partition(open_)[0],
        open=open_,
        close=close,
        end=end,
        separator=separator,
        assistant=assistant,
    )


def default_system_turn(tokenizer: "PreTrainedTokenizerBase", turns: TurnFormat) -> str:
    """The system turn that the template inserts where none is given, or ""."""
    rendered = render(tokenizer, [{"role": "user", "content": _USER}])
    return rendered.partition(_USER)[0].removesuffix(turns.header("user")).removeprefix(turns.bos)


def accepts_system_role(tokenizer: "PreTrainedTokenizerBase") -> bool:
    """Whether a system message reaches the rendered text as a turn of its own."""
    from jinja2 import TemplateError

    messages = [{"role": "system", "content": _SYSTEM}, {"role": "user", "content": _USER}]
    try:
        return _SYSTEM in render(tokenizer, messages)
    except TemplateError:
        return False


def require_template(tokenizer: "PreTrainedTokenizerBase") -> None:
    """Raise ModelError where the tokenizer has no chat template."""
    if not tokenizer.chat_template:
        raise ModelError(
            f"The tokenizer {tokenizer.name_or_path!r} has no chat template. Use an instruct model, save a "
            "template with the tokenizer, or ask the model with plain text prompts."
        )


def render(tokenizer: "PreTrainedTokenizerBase", messages: list[dict[str, str]], **options: Any) -> str:
    """The text of a conversation under the tokenizer's chat template."""
    return str(tokenizer.apply_chat_template(messages, tokenize=False, **options))


def _between(text: str, left: str, right: str) -> str:
    return text.partition(left)[2].partition(right)[0]


def _special_tokens_in(tokenizer: "PreTrainedTokenizerBase", text: str) -> list[str]:
    # Gemma's tokenizers count runs of line breaks among their added tokens.
    special = [str(token) for token in tokenizer.added_tokens_decoder.values() if str(token).strip()]
    found = sorted((text.find(token), -len(token), token) for token in special if token in text)
    starts: dict[int, str] = {}
    for start, _, token in found:
        starts.setdefault(start, token)
    return list(starts.values())


def _not_derivable(tokenizer: "PreTrainedTokenizerBase") -> ModelError:
    return ModelError(
        f"The chat template of {tokenizer.name_or_path!r} does not write turns as special token, role word, "
        "content, special token (as ChatML, Llama 3 and Gemma do), so no turn format can be derived from it."
    )
