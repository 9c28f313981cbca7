"""Text that a tokenizer, a chat template or a server may read as structure instead of as words.

A mark is such a text: "<|im_start|>", "[INST]", "### Response:". Those of a model at hand are read from its tokenizer
and its template; those of models elsewhere are known by their usual forms.
"""

import re
from typing import TYPE_CHECKING

from pluralign.models import chat_template as templates

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# How the marks of today's chat models are built, where no character of `between` stands inside: ChatML, Llama 3, Gemma,
# Phi, DeepSeek, Qwen, Harmony, Granite and T5; Llama 2; Mistral and BERT; GLM; MiniMax.
_BRACKETED = (
    r"<[^{between}]{{1,64}}>|<<[^{between}]{{1,64}}>>"
    r"|\[/?(?:INST|SYS|SYSTEM|USER|ASSISTANT|HUMAN|THINK|ARGS|IMG|AUDIO|PAD|CLS|SEP|MASK|UNK|BOS|EOS|PREFIX|MIDDLE"
    r"|SUFFIX|[A-Z]+_[A-Z0-9_]+)\]|\[[gs]MASK\]|\[\|[^{between}]{{1,64}}\|\]|\][~!][a-z]\[|\][~!][a-z]\]|\[e~\["
)
# The headers of templates that write words only, such as those of Alpaca and Vicuna.
_HEADERS = (
    r"\#{2,3}[ \t]*(?:instruction|response|input|system|user|assistant|human)s?:"
    r"|^[ \t]*(?:system|user|assistant|human|developer|tool):"
)
_SHOUTED = r"\b(?:SYSTEM|USER|ASSISTANT|HUMAN):"
# Every mark ends with one of ">", "]", "[" and ":", and no white space stands before that.
GENERIC_MARKS = re.compile(_BRACKETED.format(between=r"\s<>") + f"|(?im:{_HEADERS})|{_SHOUTED}")
_IN_TEMPLATES = re.compile(_BRACKETED.format(between=r"""\s<>'"{}"""))
_PROBES = (
    (("system", "PROBESYSTEM"), ("user", "PROBEUSER"), ("assistant", "PROBEANSWER"), ("user", "PROBENEXT")),
    (("user", "PROBEUSER"), ("assistant", "PROBEANSWER"), ("user", "PROBENEXT")),
    (("system", "PROBESYSTEM"), ("user", "PROBEUSER")),
    (("user", "PROBEUSER"),),
)


def control_tokens(tokenizer: "PreTrainedTokenizerBase") -> dict[str, int]:
    """The tokens that are no words: special tokens, and all others that were added to the vocabulary.

    Left out are added runs of white space, and added words of letters and digits that are not special: they are
    vocabulary. Every other added token counts, as a model may have been taught to read it as a sign.
    """
    return {
        str(token.content): index
        for index, token in tokenizer.added_tokens_decoder.items()
        if token.content.strip() and (token.special or not token.content.isalnum())
    }


def template_marks(tokenizer: "PreTrainedTokenizerBase") -> frozenset[str]:
    """Marks that the chat template writes without having tokens of their own: "[INST]", "ASSISTANT:".

    They are the bracketed words of the template's source, and what stands between two messages, where it is more
    than a plain word: in "<|im_start|>user" the token makes the header, so "user" is none.
    """
    tokens = control_tokens(tokenizer)
    source = str(tokenizer.get_chat_template())
    found = set(_IN_TEMPLATES.findall(source))
    split = re.compile("|".join(map(re.escape, sorted(tokens, key=len, reverse=True))) or "(?!)")
    for literal in _between_messages(tokenizer):
        found |= set(_IN_TEMPLATES.findall(literal))
        for piece in split.split(_IN_TEMPLATES.sub("\n", literal)):
            found |= {line.strip() for line in piece.splitlines() if _is_header(line.strip())}
    return frozenset(found - set(tokens))


def _is_header(line: str) -> bool:
    """Whether a line is more than a word, or a rule of dashes."""
    return any(map(str.isalpha, line)) and not all(map(str.isalnum, line))


def _between_messages(tokenizer: "PreTrainedTokenizerBase") -> set[str]:
    """What the template writes between messages and after the last, and the last line before the first."""
    from jinja2 import TemplateError

    found: set[str] = set()
    for probe in _PROBES:
        messages = [{"role": role, "content": content} for role, content in probe]
        try:
            text = templates.render(tokenizer, messages, add_generation_prompt=True)
        except TemplateError:
            continue
        first, *others = re.split("|".join(content for _, content in probe), text)
        found |= {first.rpartition("\n")[2] or first.rstrip().rpartition("\n")[2], *others}
    return found
