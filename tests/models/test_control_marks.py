import copy

import pytest

from pluralign.models.control_marks import GENERIC_MARKS, control_tokens, template_marks
from pluralign.profiles.characters import TURN_MARKS

CASES = {
    "{{ '<|im_start|>' + messages[0].content }}": set(),
    "{% for m in messages %}[INST] {{ m.content }} [/INST]{% endfor %}": {"[INST]", "[/INST]"},
    "{% for m in messages %}{{ m.role | upper }}: {{ m.content }}\n{% endfor %}ASSISTANT:": {
        "USER:",
        "ASSISTANT:",
        "SYSTEM:",
    },
    "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}\n{% endfor %}<|assistant|>\n": {
        "<|user|>",
        "<|assistant|>",
        "<|system|>",
    },
    "{% for m in messages %}{{ m.content.split('</think>')[-1] }}\n{% endfor %}": {"</think>"},
    "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no') }}{% endif %}### {{ m.role }}:\n"
    "{{ m.content }}\n---\n{% endfor %}": {"### user:", "### assistant:"},
}


@pytest.mark.parametrize("template", CASES)
def test_marks_are_read_from_the_template_s_source_and_from_what_it_writes(chatml_tokenizer, template):
    tokenizer = copy.copy(chatml_tokenizer)
    tokenizer.chat_template = template

    assert template_marks(tokenizer) == CASES[template]


@pytest.mark.parametrize("name", ["chatml", "llama3", "gemma"])
def test_families_whose_marks_are_all_tokens(name, request):
    tokenizer = request.getfixturevalue(f"{name}_tokenizer")

    assert template_marks(tokenizer) == set()
    assert set(control_tokens(tokenizer)) == {
        token.content for token in tokenizer.added_tokens_decoder.values()
    }


@pytest.mark.parametrize(
    "mark",
    [
        *TURN_MARKS,
        *(
            "<|im_start|>",
            "<|start_header_id|>",
            "<|START_OF_TURN_TOKEN|>",
            "<|channel|>",
            "<|User|>",
            "<|x>",
            "<x|>",
        ),
        *(
            "<think>",
            "</think>",
            "<unused12>",
            "<extra_id_1>",
            "<reserved_106>",
            "[UNUSED_TOKEN_146]",
            "[|user|]",
        ),
        *(
            "### Instruction:",
            "### response:",
            "\nHuman:",
            "system:",
            " USER:",
            "ASSISTANT:",
            "]~b]",
            "]<]x[>[",
        ),
    ],
)
def test_marks_of_other_models(mark):
    assert GENERIC_MARKS.search(mark)


@pytest.mark.parametrize(
    "text",
    [
        "a < b > c",
        "[1] and [sic] and [EU]",
        "The system: it works.",
        "x <- y",
        "I like #tags: many",
        "5 < 6, 7 > 2",
    ],
)
def test_honest_signs_are_no_marks(text):
    assert not GENERIC_MARKS.search(text)
