"""Whether control tokens that are written into a profile reach the model as control tokens."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pluralign.errors import ConfigurationError, ModelError, require
from pluralign.models import Message
from pluralign.models.chat_template import accepts_system_role, require_template
from pluralign.models.containment import Containment
from pluralign.models.embedded import embedded_folder
from pluralign.models.loading import naming_broken_files
from pluralign.profiles import Provenance, Value, ValueProfile, system_prompt

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

EMBEDDED = "embedded"
_PLAIN = "I keep bees."
_QUESTION = "What matters to you?"


def load_tokenizer(name: str) -> "PreTrainedTokenizerBase":
    """A tokenizer with its chat template.

    Args:
        name: "embedded", the embedded model's, or a folder.

    Raises:
        ConfigurationError: There is no such folder.
        ModelError: What is in it is broken, or has no chat template.
        MissingExtraError: transformers is not installed.
    """
    transformers = require("transformers", extra="hf")
    folder = embedded_folder() if name == EMBEDDED else Path(name)
    if not folder.is_dir():
        raise ConfigurationError(f"--tokenizer: there is no folder {name!r}; it may also be {EMBEDDED!r}.")
    with naming_broken_files(f"tokenizer of {folder}"):
        tokenizer: PreTrainedTokenizerBase = transformers.AutoTokenizer.from_pretrained(str(folder))
    require_template(tokenizer)
    return tokenizer


def leaks(tokenizer: "PreTrainedTokenizerBase", texts: Sequence[str]) -> list[bool | None]:
    """Whether the prompt of a profile with a text in it has other control ids than with plain words in its place.

    The prompt is made as if the guard had let the text pass, and turned into ids as models do it.

    Args:
        tokenizer: With its chat template.
        texts: What stands where the profile's only value should.

    Returns:
        One a text; None where no ids were made, because the text cannot be kept apart from control tokens.
    """
    containment = Containment(tokenizer)
    # Counted by two lists that do not know of one another, less the sign for what the vocabulary lacks.
    watched = (set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}) | containment.control_ids
    has_system = accepts_system_role(tokenizer)
    prompt = system_prompt(
        ValueProfile(
            id="bees",
            title="Bees",
            summary="Bees.",
            values=(Value(statement=_PLAIN, weight=1.0),),
            provenance=Provenance(kind="curated", sources=("none",), licence="CC0-1.0"),
        )
    )

    def controls(text: str) -> Counter[int]:
        system = prompt.replace(_PLAIN, text)
        messages = [Message("system", system), Message("user", _QUESTION)]
        if not has_system:
            messages = [Message("user", f"{system}\n\n{_QUESTION}")]
        (ids,) = containment.encode(containment.lay_out(messages))
        return Counter(index for index in ids if index in watched)

    expected = controls(_PLAIN)
    found: list[bool | None] = []
    for text in texts:
        try:
            found.append(controls(text) != expected)
        except ModelError:
            found.append(None)
    return found
