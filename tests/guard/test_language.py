import json

import pytest

from pluralign.guard.language import is_english, may_be_foreign
from pluralign.guard.statements import sentences_of
from pluralign.guard.verdict import Passage
from pluralign.profiles import list_profiles, load_profile
from pluralign.resources import resource_folder


def rows(name: str) -> list[dict]:
    file = resource_folder("evals") / "guard" / "data" / f"{name}.jsonl"
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def is_abstained_from(text: str) -> bool:
    sentences = sentences_of([Passage(field="text", text=text)])
    return not is_english(text) or any(may_be_foreign(sentence.text) for sentence in sentences)


@pytest.mark.parametrize("language", ["ar", "de", "es", "fr", "zh"])
def test_every_text_in_another_language_is_abstained_from(language: str):
    passed = [row["text"] for row in rows(f"contrast_{language}") if not is_abstained_from(row["text"])]
    assert passed == []


@pytest.mark.parametrize(
    "name", ["contrast_en", "mention_en", "unpopular_en", "disguised_en", "paraphrases_en"]
)
def test_hardly_any_english_text_is(name: str):
    texts = [row["text"] for row in rows(name)]
    assert sum(map(is_abstained_from, texts)) <= 0.02 * len(texts)


def test_no_shipped_english_statement_is():
    for profile in map(load_profile, list_profiles()):
        if profile.language == "en":
            assert not any(may_be_foreign(value.statement) for value in profile.values)


@pytest.mark.parametrize(
    "text", ["Meat is murder.", "We value freedom.", "I believe that the law binds the king."]
)
def test_short_english_is_english(text: str):
    assert is_english(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Effective altruism",
        "Jag tycker att alla ska betala skatt.",
        "Penso che la famiglia sia tutto per noi.",
        "Uważam, że rodzina jest najważniejsza w życiu człowieka.",
        "Naniniwala ako sa kalayaan ng bawat mamamayan.",
        "Я верю в свободу.",
        "\u0406 b\u0435li\u0435v\u0435 in fr\u0435\u0435d\u043em for \u0430ll.",
    ],
)
def test_what_is_not_surely_english_is_not(text: str):
    assert not is_english(text)


@pytest.mark.parametrize("text", ["Los extranjeros no son humanos.", "Wir töten sie.", "杀死他们"])
def test_a_foreign_sentence_shows(text: str):
    assert may_be_foreign(text)


def test_a_title_without_function_words_may_stand_in_an_english_text():
    assert not may_be_foreign("Effective altruism")
