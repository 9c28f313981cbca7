from hypothesis import given
from hypothesis import strategies as st

from pluralign.guard.statements import (
    Stretch,
    sentences_of,
    spans_of,
    stretches_across,
    stretches_in_passages,
    text_of,
)
from pluralign.guard.verdict import Passage, Span


def passages(*texts: str) -> list[Passage]:
    return [Passage(field=f"norms[{index}]", text=text) for index, text in enumerate(texts)]


def test_sentences_end_at_stops_and_lines_and_not_at_abbreviations():
    given_text = "I ask Dr. Smith. Then I rest; e.g. I read.\nNo bell rings"
    found = [sentence.text for sentence in sentences_of(passages(given_text))]
    assert found == ["I ask Dr. Smith.", "Then I rest;", "e.g. I read.", "No bell rings"]


def test_a_span_is_the_sentence_in_the_original_text_though_the_copy_is_undisguised():
    text = "First one. K\u0456ll n\u200bobody."
    second = sentences_of(passages(text))[1]
    assert second.text == "Kill nobody."
    assert text[second.span.start : second.span.end] == "K\u0456ll n\u200bobody."


def test_a_sentence_without_an_end_is_cut_into_pieces_that_overlap():
    words = [f"w{index}" for index in range(130)]
    found = sentences_of(passages(" ".join(words)))
    assert [sentence.text.split()[0] for sentence in found] == ["w0", "w30", "w60", "w90"]
    assert {word for sentence in found for word in sentence.text.split()} == set(words)
    assert max(sentence.n_words for sentence in found) == 60


def test_windows_stay_within_a_passage_or_cross_them():
    sentences = sentences_of(passages("Aa. Bb. Cc. Dd.", "Ee.", "Ff. Gg."))
    read = stretches_in_passages(sentences)
    assert [text_of(sentences, stretch) for stretch in read[7:]] == ["Aa. Bb. Cc.", "Bb. Cc. Dd.", "Ff. Gg."]
    assert stretches_across(5) == [Stretch(0, 3), Stretch(1, 4), Stretch(2, 5), Stretch(0, 5)]
    assert stretches_across(3) == [Stretch(0, 3)]
    assert stretches_across(2) == [Stretch(0, 2)]
    assert stretches_across(1) == []


def test_the_spans_of_a_stretch_are_one_a_passage():
    sentences = sentences_of(passages("Aa. Bb.", "Cc."))
    assert spans_of(sentences, Stretch(0, 3)) == (
        Span(field="norms[0]", start=0, end=7),
        Span(field="norms[1]", start=0, end=3),
    )


@given(st.lists(st.text(max_size=80), max_size=4))
def test_no_word_is_lost(texts: list[str]):
    given_passages = passages(*texts)
    covered = [set() for _ in texts]
    for sentence in sentences_of(given_passages):
        covered[sentence.passage] |= set(range(sentence.span.start, sentence.span.end))
    for text, places in zip(texts, covered, strict=True):
        assert all(
            index in places
            for index, character in enumerate(text)
            if character.isascii() and character.isalnum()
        )
