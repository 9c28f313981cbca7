import pytest

from pluralign.judges.polarity import lexicon, n_opposites, parse, stem


@pytest.mark.parametrize(
    "words",
    [
        ["ban", "bans", "banned", "banning"],
        ["harm", "harms", "harmed", "harming"],
        ["deny", "denied", "denies"],
        ["wage", "wages"],
        ["increase", "increases", "increased", "increasing"],
        ["kill", "kills", "killed", "killing"],
    ],
)
def test_forms_of_a_word_have_one_stem(words: list[str]):
    assert len({stem(word) for word in words}) == 1


@pytest.mark.parametrize("word", ["is", "bus", "class", "analysis", "we"])
def test_what_is_no_ending_stays(word: str):
    assert stem(word) == word


def test_clauses_are_cut_and_counted():
    parsed = parse("Some say that taxes aren't fair, but this is a myth.")
    first, second = (clause for clause in parsed.clauses)
    assert (first.n_negators, first.denials) == (1, frozenset())
    assert (second.n_negators, second.denials) == (0, {"myth"})
    assert [word.clause for word in parsed.words if word.text in {"taxes", "myth"}] == [0, 1]


def test_words_know_their_places():
    text = "Don't ban well-known books!"
    parsed = parse(text)
    assert [text[word.start : word.end].lower() for word in parsed.words] == [
        word.text for word in parsed.words
    ]
    assert [parsed.words[place].text for place in parsed.content] == ["ban", "well-known", "books"]
    assert parsed.clauses[0].n_negators == 1


@pytest.mark.parametrize("text", ["Contrary to what they say, it works.", "Unlike her, I agree."])
def test_what_is_set_aside(text: str):
    assert [clause.set_aside for clause in parse(text).clauses] == [True, False]


def test_what_others_hold():
    assert [clause.of_others for clause in parse("It helps, while many critics doubt it.").clauses] == [
        False,
        True,
    ]


@pytest.mark.parametrize(("text", "asks"), [("Is it so?", True), ('"Is it so?"', True), ("It is so.", False)])
def test_questions(text: str, asks: bool):
    assert parse(text).is_question is asks


def test_opposites_count_only_where_the_word_itself_is_not_held():
    voluntary, compulsory = stem("voluntary"), stem("compulsory")
    assert n_opposites({voluntary}, {compulsory, "vote"}) == 1
    assert n_opposites({voluntary, compulsory}, {compulsory}) == 0


def test_no_opposite_is_a_negative_word_too():
    """A pair of which one turns the sentence already would turn it twice."""
    known = lexicon()
    assert not {word for word in known.opposites if word in known.negative}


@pytest.mark.parametrize("text", ["", "...", "—"])
def test_texts_without_words(text: str):
    parsed = parse(text)
    assert (parsed.words, parsed.content, len(parsed.clauses)) == ((), (), 1)
