"""What training starts from: a model as it is, or base weights that have learnt how its instruct sibling writes turns.

The turn tokens of a base checkpoint are in its vocabulary but were never trained. Sorensen et al. (Spectrum Tuning,
arXiv 2510.06084) start from the base weights and copy the embedding and unembedding rows of these tokens, and of no
others, from the instruct sibling.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pluralign.errors import ConfigurationError
from pluralign.models.chat_template import turn_format
from pluralign.models.loading import LoadedWeights, load_tokenizer, load_weights
from pluralign.spectrum.recipe import TrainingRecipe

if TYPE_CHECKING:
    from peft import LoraConfig
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


@dataclass(frozen=True)
class _TurnRows:
    """The rows of the turn tokens of one model; `head_bias` where its output head has one.

    `embedding` and `head` are (turn tokens, width), the same where the two are tied.
    """

    ids: tuple[int, ...]
    embedding: "Tensor"
    head: "Tensor"
    head_bias: "Tensor | None"


def initial_weights(recipe: TrainingRecipe) -> LoadedWeights:
    """Load what a recipe trains.

    Without `base` that is `model`. With `base` it is the base weights with the tokenizer and the chat template of
    `model`, and the embedding and unembedding rows of its turn tokens copied from `model`. Generation then stops at
    the end of a turn; nothing else of the base's configuration changes.

    Raises:
        ModelError: A model cannot be loaded.
        ConfigurationError: `model` has no chat template, or is no sibling of `base`: another width, other token
            ids, or rows that cannot be copied.
    """
    import torch

    # Adapters leave the weights under them as they are, so on a GPU these may be bfloat16; on a CPU float32 weights
    # under bfloat16 autocast are faster than bfloat16 weights.
    halve = recipe.method == "lora" and torch.cuda.is_available() and recipe.precision != "float32"
    dtype = "bfloat16" if halve else "float32"
    if recipe.base is None:
        weights = load_weights(recipe.model, revision=recipe.revision, dtype=dtype, device="cpu")
        _require_chat_template(weights.tokenizer, name=recipe.model)
        return weights
    sibling = load_tokenizer(recipe.model, revision=recipe.revision)
    _require_chat_template(sibling, name=recipe.model)
    _check_token_ids(recipe, sibling=sibling, base=load_tokenizer(recipe.base, revision=recipe.base_revision))
    # One model in memory at a time: what is kept of the sibling is a few rows.
    rows, source_id, digest = _read_sibling(recipe, tokenizer=sibling, dtype=dtype)
    base = load_weights(recipe.base, revision=recipe.base_revision, dtype=dtype, device="cpu")
    _require_whole(base.model, field="base", name=recipe.base)
    _copy_rows(base.model, rows=rows, recipe=recipe, n_tokens=len(sibling))
    _stop_at_turns(base.model, tokenizer=sibling)
    return replace(
        base,
        tokenizer=sibling,
        source_id=f"{base.source_id}+turns of {source_id}",
        hashes={**base.hashes, "turns": digest},
    )


def turn_token_ids(tokenizer: "PreTrainedTokenizerBase") -> tuple[int, ...]:
    """The ids of the control tokens that the chat template writes around a turn, in ascending order.

    What opens the text (<|begin_of_text|>) is not among them: base models know it.

    Raises:
        ModelError: There is no chat template, or no turn format can be derived from it.
    """
    turns = turn_format(tokenizer)
    written = tokenizer([turns.open, turns.close, turns.end], add_special_tokens=False)["input_ids"]
    added = {index for index, token in tokenizer.added_tokens_decoder.items() if str(token).strip()}
    return tuple(sorted({index for ids in written for index in ids if index in added}))


def lora_config(
    recipe: TrainingRecipe, model: "PreTrainedModel", *, tokenizer: "PreTrainedTokenizerBase"
) -> "LoraConfig":
    """The adapters of a recipe; with `train_turn_tokens` they hold the rows of the turn tokens too, and train them.

    Args:
        recipe: Names rank, scale, dropout and targets.
        model: What the adapters go on, not yet adapted.
        tokenizer: Its tokenizer, whose chat template says which tokens are turn tokens.

    Raises:
        ConfigurationError: The adapters would not carry the rows that were copied from the sibling, or peft cannot
            train rows of this model.
    """
    from peft import LoraConfig

    if recipe.base is not None and not recipe.train_turn_tokens and not recipe.merge:
        raise ConfigurationError(
            "train_turn_tokens: adapters alone are loaded again on the base as it is published, without the rows "
            f"copied from {recipe.model}. Set 'train_turn_tokens: true', which keeps the rows with the adapters, or "
            "'merge: true', which saves the whole model, or 'method: full'."
        )
    targets = recipe.lora.targets
    return LoraConfig(
        r=recipe.lora.rank,
        lora_alpha=recipe.lora.alpha,
        lora_dropout=recipe.lora.dropout,
        target_modules=targets if isinstance(targets, str) else list(targets),
        trainable_token_indices=_trained_rows(model, tokenizer) if recipe.train_turn_tokens else None,
        task_type="CAUSAL_LM",
    )


def _trained_rows(model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase") -> dict[str, list[int]]:
    """Name of a module -> which of its rows are trained. Of tied modules peft takes the embedding alone."""
    embedding, head = _embeddings(model)
    if head.bias is not None:
        raise ConfigurationError(
            "train_turn_tokens: the output head of this model has a bias, which peft leaves out where it trains rows "
            "of the head. Leave train_turn_tokens out, or use 'method: full'."
        )
    trained = [embedding] if head.weight is embedding.weight else [embedding, head]
    ids = list(turn_token_ids(tokenizer))
    return {name: ids for name, module in model.named_modules() if any(module is one for one in trained)}


def _require_chat_template(tokenizer: "PreTrainedTokenizerBase", *, name: str) -> None:
    if not tokenizer.chat_template:
        raise ConfigurationError(
            f"model: {name} has no chat template, so there are no turns to write the spectrum format with. If it is "
            "a base model, give it as 'base:' and its instruct sibling, which has a template, as 'model:'."
        )


def _require_whole(model: "PreTrainedModel", *, field: str, name: str) -> None:
    from peft import PeftModel

    if isinstance(model, PeftModel):
        raise ConfigurationError(
            f"{field}: {name} is an adapter on another model; rows are copied between whole models. Merge it first."
        )


def _check_token_ids(
    recipe: TrainingRecipe, *, sibling: "PreTrainedTokenizerBase", base: "PreTrainedTokenizerBase"
) -> None:
    """Refuse a base that numbers ordinary tokens otherwise; what its control tokens are called does not matter."""
    control = set(sibling.added_tokens_decoder) | set(base.added_tokens_decoder)
    known = base.get_vocab()
    of_base = {index: token for token, index in known.items()}
    for token, index in sorted(sibling.get_vocab().items(), key=lambda item: item[1]):
        if index not in control and (of_base.get(index) != token):
            there = f"id {known[token]}" if token in known else "no id"
            raise ConfigurationError(
                f"base: {recipe.base} is no sibling of {recipe.model}: the token {token!r} has id {index} in the "
                f"model's vocabulary and {there} in the base's. Give two models with the same tokenizer."
            )


def _read_sibling(
    recipe: TrainingRecipe, *, tokenizer: "PreTrainedTokenizerBase", dtype: str
) -> tuple[_TurnRows, str, str]:
    """The sibling's rows, its source id, and what identifies its weights."""
    weights = load_weights(recipe.model, revision=recipe.revision, dtype=dtype, device="cpu")
    _require_whole(weights.model, field="model", name=recipe.model)
    embedding, head = _embeddings(weights.model)
    ids = turn_token_ids(tokenizer)
    chosen = list(ids)
    rows = _TurnRows(
        ids=ids,
        embedding=embedding.weight.detach()[chosen].clone(),
        head=head.weight.detach()[chosen].clone(),
        head_bias=None if head.bias is None else head.bias.detach()[chosen].clone(),
    )
    return rows, weights.source_id, weights.hashes["weights"]


def _embeddings(model: "PreTrainedModel") -> tuple[Any, Any]:
    """The modules that hold the embedding and the output head."""
    head = model.get_output_embeddings()
    if head is None:
        raise ConfigurationError(f"{type(model).__name__} has no output head whose rows could be taken.")
    return model.get_input_embeddings(), head


def _copy_rows(model: "PreTrainedModel", *, rows: _TurnRows, recipe: TrainingRecipe, n_tokens: int) -> None:
    import torch

    embedding, head = _embeddings(model)
    pair = f"base: {recipe.base} is no sibling of {recipe.model}"
    if embedding.weight.shape[1] != rows.embedding.shape[1]:
        raise ConfigurationError(
            f"{pair}: its embedding is {embedding.weight.shape[1]} wide, the model's {rows.embedding.shape[1]}."
        )
    # Rows beyond the vocabulary are padding, of which two siblings may have different numbers.
    n_rows = min(embedding.weight.shape[0], head.weight.shape[0])
    if n_rows < n_tokens:
        raise ConfigurationError(
            f"{pair}: it has {n_rows} embedding rows for the model's {n_tokens} tokens. Give the base that the model "
            "was trained from, enlarged to its vocabulary."
        )
    if head.weight is embedding.weight and not torch.equal(rows.embedding, rows.head):
        raise ConfigurationError(
            f"{pair}: its output head is its embedding, and those of the model have rows of their own."
        )
    if (head.bias is None) != (rows.head_bias is None):
        raise ConfigurationError(f"{pair}: only one of their output heads has a bias.")
    ids = torch.tensor(rows.ids)
    with torch.no_grad():
        embedding.weight[ids] = rows.embedding.to(embedding.weight)
        head.weight[ids] = rows.head.to(head.weight)
        if rows.head_bias is not None:
            head.bias[ids] = rows.head_bias.to(head.bias)


def _stop_at_turns(model: "PreTrainedModel", *, tokenizer: "PreTrainedTokenizerBase") -> None:
    """Let generation end where a turn ends, beside where the base ends anyway."""
    generation: Any = model.generation_config
    known = generation.eos_token_id
    known = [] if known is None else known if isinstance(known, list) else [known]
    end = tokenizer.convert_tokens_to_ids(turn_format(tokenizer).end)
    generation.eos_token_id = [end, *(index for index in known if index != end)]
    if tokenizer.pad_token_id is not None:
        generation.pad_token_id = tokenizer.pad_token_id
