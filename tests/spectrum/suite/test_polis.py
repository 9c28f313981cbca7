import pytest

from pluralign.errors import DataError
from pluralign.spectrum.suite import SUITE, DataPlace
from pluralign.spectrum.suite.polis import HELD_OUT, conversations

COMMENTS = "comment-id,moderated,comment-body\n0,0,First of {name}\n1,1,Second of {name}\n2,-1,Spam\n"
VOTES = "participant,group-id,0,1,2\n7,0,1,-1,1\n8,1,0,,1\n9,1,-1,0,1\n"


@pytest.fixture
def folder(tmp_path):
    for name in ("town-hall", HELD_OUT[0]):
        conversation = tmp_path / "polis" / name
        conversation.mkdir(parents=True)
        (conversation / "comments.csv").write_text(COMMENTS.format(name=name), encoding="utf-8")
        (conversation / "participants-votes.csv").write_text(VOTES, encoding="utf-8")
        (conversation / "summary.csv").write_text("topic,Parks\n", encoding="utf-8")
    return tmp_path


def test_a_row_is_one_persons_votes(folder, rows_of):
    rows = rows_of("polis_vote", folder, description_keep_prob=1.0)

    # Person 8 gave a single vote, as the statement that moderators took out does not count.
    assert rows.opened.n_rows == 2
    votes = [{example.input: example.output for example in rows.row(i).examples} for i in range(2)]
    assert sorted(votes, key=str) == sorted(
        [
            {"First of town-hall": "Agree", "Second of town-hall": "Disagree"},
            {"First of town-hall": "Disagree", "Second of town-hall": "Pass"},
        ],
        key=str,
    )
    texts = {
        rows_of("polis_vote", folder, seed=seed, description_keep_prob=1.0).row(0).description
        for seed in range(40)
    }
    assert (
        'One participant\'s votes (Agree, Disagree or Pass) on statements in a conversation about "Parks".'
        in texts
    )


def test_conversations_kept_for_evaluation_are_never_trained_on(folder, rows_of):
    for name in ("polis_vote", "polis_comment"):
        text = " ".join(str(rows_of(name, folder).row(index)) for index in range(2))
        assert HELD_OUT[0] not in text
        assert "town-hall" in text
    held_out = rows_of("polis_vote_held_out", folder)
    texts = " ".join(str(held_out.row(index)) for index in range(held_out.opened.n_rows))
    assert "town-hall" not in texts
    assert "Spam" not in texts


def test_a_folder_without_conversations_is_named(tmp_path):
    (tmp_path / "polis").mkdir()

    with pytest.raises(DataError, match="holds no Polis conversation that is held out"):
        conversations(DataPlace(folder=tmp_path), "held_out")


def test_the_published_conversations(shared_data, rows_of):
    place = DataPlace(folder=shared_data)
    names = {split: {c.name for c in conversations(place, split)} for split in ("train", "held_out")}

    assert names["held_out"] == set(HELD_OUT)
    assert len(names["train"]) == 6
    rows = rows_of("polis_vote", shared_data)
    # At most 500 of each conversation; those of a single vote are left out.
    assert 1500 < rows.opened.n_rows < SUITE["polis_vote"].n_rows
    row = rows.row(0)
    assert {example.output for example in row.examples} <= {"Agree", "Disagree", "Pass"}
