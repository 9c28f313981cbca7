import copy

import pytest

from pluralign.errors import ModelError
from pluralign.models.chat_template import accepts_system_role, default_system_turn, turn_format

CHATML_TURNS = ("", "<|im_start|>", "\n", "<|im_end|>", "\n", "assistant")
LLAMA_TURNS = (
    "<|begin_of_text|>",
    "<|start_header_id|>",
    "<|end_header_id|>\n\n",
    "<|eot_id|>",
    "",
    "assistant",
)
GEMMA_TURNS = ("<bos>", "<start_of_turn>", "\n", "<end_of_turn>", "\n", "model")
MISTRAL = (
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'user' %}{{ '[INST] ' + m['content'] + ' [/INST]' }}"
    "{% else %}{{ ' ' + m['content'] + eos_token }}{% endif %}{% endfor %}"
)


@pytest.mark.parametrize(
    ("name", "turns", "system", "accepts"),
    [
        ("chatml", CHATML_TURNS, "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n", True),
        ("llama3", LLAMA_TURNS, "", True),
        ("gemma", GEMMA_TURNS, "", False),
    ],
)
def test_turns_of_three_families(name, turns, system, accepts, request):
    tokenizer = request.getfixturevalue(f"{name}_tokenizer")
    found = turn_format(tokenizer)

    assert (found.bos, found.open, found.close, found.end, found.separator, found.assistant) == turns
    assert found.header("output") == f"{turns[1]}output{turns[2]}"
    assert default_system_turn(tokenizer, found) == system
    assert accepts_system_role(tokenizer) is accepts


@pytest.mark.parametrize(("name", "turns"), [("chatml", CHATML_TURNS), ("gemma", GEMMA_TURNS)])
def test_line_breaks_among_the_added_tokens_are_no_turn_tokens(name, turns, request):
    tokenizer = copy.deepcopy(request.getfixturevalue(f"{name}_tokenizer"))
    tokenizer.add_tokens(["\n", "\n\n"])  # as the tokenizers of Gemma 2 and 3 have them

    assert tuple(vars(turn_format(tokenizer)).values()) == turns


def test_turns_that_are_not_written_with_role_words_are_refused(llama3_tokenizer):
    tokenizer = copy.copy(llama3_tokenizer)
    tokenizer.chat_template = MISTRAL

    with pytest.raises(
        ModelError, match=r"does not write turns as special token, role word, content, special"
    ):
        turn_format(tokenizer)


def test_no_template(llama3_tokenizer):
    tokenizer = copy.copy(llama3_tokenizer)
    tokenizer.chat_template = None

    with pytest.raises(ModelError, match=r"has no chat template. Use an instruct model, save a template"):
        turn_format(tokenizer)
