import pytest

from pluralign.data.people import few_answers, joined


@pytest.mark.parametrize(
    ("clauses", "text"),
    [
        ([], None),
        (["are tall"], "are tall"),
        (["are tall", "sing"], "are tall and sing"),
        (["are tall", "sing", "read"], "are tall, sing and read"),
    ],
)
def test_clauses_of_a_description(clauses, text):
    assert joined(clauses) == text


def test_a_note_on_those_left_out():
    [finding] = few_answers(3, fewest=10, where="votes.csv")
    assert (finding.fault, finding.n_items, finding.where) == ("few_answers", 3, "votes.csv")
    assert finding.detail == "3 people gave fewer than 10 answers"
    assert few_answers(0, fewest=10, where="votes.csv") == []
