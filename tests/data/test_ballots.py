import numpy as np
import pytest

from pluralign.data.ballots import NO_GROUP, Ballots, is_conversation, open_conversation
from pluralign.errors import ConfigurationError, DataError

COMMENTS = 'comment-id,moderated,comment-body\n0,1,"Cats\n  rule."\n1,-1,Buy my book.\n2,0,\n3,0,Dogs rule.\n9,1,Unseen.\n'
VOTES = "participant,group-id,0,1,2,3\n7,1,1,1,1,-1\n8,0,0,,,1\n9,,,,,1\n"
SUMMARY = 'topic,Cats?\nurl,https://pol.is/abc\nconversation-description,"of\ntopic,no"\n'


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "comments.csv").write_text(COMMENTS)
    (tmp_path / "participants-votes.csv").write_text(VOTES)
    (tmp_path / "summary.csv").write_text(SUMMARY)
    return tmp_path


def test_a_conversation_holds_what_was_open_to_vote(folder):
    conversation = open_conversation(folder)
    ballots = conversation.ballots
    assert (conversation.topic, conversation.url) == ("Cats?", "https://pol.is/abc")
    assert conversation.name == folder.name
    assert ballots.people == ("7", "8", "9")
    assert ballots.statements == ("0", "3")
    np.testing.assert_array_equal(ballots.votes, [[1, -1], [0, 1], [np.nan, 1]])
    assert ballots.labels.tolist() == ["group=1", "group=0", NO_GROUP]
    assert ballots.groups == ["group=0", "group=1"]
    assert conversation.texts["0"] == "Cats rule."
    assert [(finding.fault, finding.question_id) for finding in conversation.findings] == [
        ("moderated_out", None),
        ("no_text", "2"),
        ("no_votes", "9"),
    ]
    assert "CC BY 4.0" in conversation.source


def test_without_some_statements():
    ballots = Ballots(("a", "b"), ("0", "3"), np.array([[1.0, -1.0], [0.0, 1.0]]), np.array(["x", "y"]))
    kept = ballots.without({"0", "77"})
    assert kept.statements == ("3",)
    assert kept.votes.tolist() == [[-1.0], [1.0]]
    assert kept.people == ballots.people
    assert kept.labels is ballots.labels


def test_an_export_without_a_summary_has_no_topic(folder):
    (folder / "summary.csv").unlink()
    conversation = open_conversation(folder)
    assert (conversation.topic, conversation.url) == ("", "")


def test_which_folder_is_a_conversation(folder):
    assert is_conversation(folder)
    (folder / "participants-votes.csv").rename(folder / "clean_votes.csv")
    assert is_conversation(folder)
    (folder / "clean_votes.csv").rename(folder / "v.csv")
    assert not is_conversation(folder)
    with pytest.raises(DataError, match="no Polis conversation"):
        open_conversation(folder)
    assert open_conversation(folder, votes="v.csv", comments="comments.csv").ballots.statements == ("0", "3")
    with pytest.raises(ConfigurationError, match="both file names"):
        open_conversation(folder, votes="v.csv")
