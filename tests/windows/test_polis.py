import numpy as np
import pytest

from pluralign.data.ballots import open_conversation
from pluralign.errors import ConfigurationError, DataError
from pluralign.windows.polis import ABOUT_VOTERS, QUESTIONS, load_polis_windows, opinion_ballots


def write(folder, *, topic="Cats", url="https://pol.is/cats", groups=True, n=(30, 15), silent=2):
    """A conversation of two camps: even statements are the first's, odd ones the second's; 8 says who one is."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    rows = ["participant,group-id," + ",".join(str(number) for number in range(9))]
    for person in range(sum(n) + silent):
        camp = 0 if person < n[0] else 1
        votes = [(1 if number % 2 == camp else -1) * (-1 if rng.random() < 0.1 else 1) for number in range(8)]
        cells = [*map(str, votes), str(rng.choice([1, -1]))] if person < sum(n) else ["1"] + [""] * 8
        label = str(1 - camp) if groups and person < sum(n) else ""
        rows.append(",".join([str(person), label, *cells]))
    (folder / "participants-votes.csv").write_text("\n".join(rows))
    words = ["Cats rule.", "Dogs rule."] * 4
    comments = [f"{number},0,{word[:-1]} {number}." for number, word in enumerate(words)]
    comments.append("8,0,I live in a town.")
    (folder / "comments.csv").write_text("\n".join(["comment-id,moderated,comment-body", *comments]))
    if topic is not None:
        (folder / "summary.csv").write_text(f"topic,{topic}\nurl,{url}\n")
    return folder


def test_a_window_of_a_conversation(tmp_path):
    loaded = load_polis_windows(path=write(tmp_path / "cats"))
    (window,) = loaded.windows
    assert (window.id, window.n_people) == ("cats", 47)
    assert window.prompt == 'What do people think about "Cats"?'
    first, second = window.viewpoints
    assert (first.id, first.n_people, first.share) == ("cluster=0", 30, pytest.approx(30 / 45))
    assert (second.id, second.n_people, second.share) == ("cluster=1", 15, pytest.approx(15 / 45))
    assert all(text.startswith("Cats rule") for text in first.statements)
    assert all(text.startswith("Dogs rule") for text in second.statements)
    assert len(first.statements) == 3
    assert "CC BY 4.0" in loaded.source
    assert "cats 45 of 47 people, k = 2, mean silhouette 0." in loaded.made
    assert "fewer than 7 votes in no cluster" in loaded.made


def test_the_groups_that_ship(tmp_path):
    loaded = load_polis_windows(path=write(tmp_path / "cats"), groups="published", n_statements=1)
    assert [(view.id, view.n_people) for view in loaded.windows[0].viewpoints] == [
        ("group=0", 15),
        ("group=1", 30),
    ]
    assert [len(view.statements) for view in loaded.windows[0].viewpoints] == [1, 1]
    assert loaded.id == "polis-published"
    assert loaded.made.startswith("The groups that Polis formed and ships")


def test_conversations_of_a_folder(tmp_path):
    write(tmp_path / "b", topic="Dogs or cats?")
    write(tmp_path / "a", topic=None)
    (tmp_path / "README.md").write_text("no conversation")
    loaded = load_polis_windows(path=tmp_path, prompts={"a": "Why cats?"})
    assert [(window.id, window.prompt) for window in loaded.windows] == [
        ("a", "Why cats?"),
        ("b", 'People were asked: "Dogs or cats?" What do they think?'),
    ]
    assert [window.id for window in load_polis_windows(path=tmp_path, conversations=["b"]).windows] == ["b"]
    with pytest.raises(ConfigurationError, match=r"'a' has no summary.csv with a topic.*prompts: \{a:"):
        load_polis_windows(path=tmp_path)
    with pytest.raises(ConfigurationError, match="Unknown Polis conversation 'c'"):
        load_polis_windows(path=tmp_path, conversations=["c"])
    with pytest.raises(ConfigurationError, match=r"prompts: unknown conversation 'aa'\. Did you mean 'a'\?"):
        load_polis_windows(path=tmp_path, prompts={"aa": "?"})
    with pytest.raises(ConfigurationError, match="about_voters: unknown conversation 'x'"):
        load_polis_windows(path=tmp_path, about_voters={"x": [8]}, prompts={"a": "?"})
    with pytest.raises(ConfigurationError, match="is a conversation itself"):
        load_polis_windows(path=tmp_path / "b", conversations=["b"])


def test_statements_about_the_voter_are_left_out(tmp_path):
    folder = write(tmp_path / "cats")
    loaded = load_polis_windows(path=folder, about_voters={"cats": [8, 0]})
    assert "without 2 statements about who the voter is" in loaded.made
    assert not any("0." in text for view in loaded.windows[0].viewpoints for text in view.statements)
    with pytest.raises(ConfigurationError, match="cats has no statement 9"):
        load_polis_windows(path=folder, about_voters={"cats": [9]})


def test_those_known_of_a_published_conversation_are_left_out_unless_others_are_named(tmp_path):
    folder = write(tmp_path / "ubi", url="https://pol.is/7wmvbjcjhp")  # of it 0, 1, 10, 11 and 15 are known
    conversation = open_conversation(folder)
    assert opinion_ballots(conversation).statements == ("2", "3", "4", "5", "6", "7", "8")
    assert opinion_ballots(conversation, about_voters=()).statements == conversation.ballots.statements
    assert opinion_ballots(conversation, about_voters=[8]).votes.shape == (47, 8)


def test_what_cannot_make_a_window(tmp_path):
    with pytest.raises(DataError, match="no Polis conversation"):
        load_polis_windows(path=tmp_path)
    folder = write(tmp_path / "cats", groups=False)
    with pytest.raises(DataError, match=r"participants-votes.csv: statements .* describe 0 groups"):
        load_polis_windows(path=folder, groups="published")
    with pytest.raises(DataError, match=r"describe 0 groups.*A lower min_votes"):
        load_polis_windows(path=folder, min_votes=16)
    with pytest.raises(DataError, match=r"participants-votes.csv: votes: 0 people with 9 votes"):
        load_polis_windows(path=write(tmp_path / "few", n=(0, 0), silent=3), min_own_votes=9)
    with pytest.raises(ConfigurationError, match="n_statements must be at least 1"):
        load_polis_windows(path=folder, n_statements=0)


def test_every_statement_about_voters_stands_in_its_conversation_in_the_first_person(shared_data):
    folders = [folder for folder in (shared_data / "polis").iterdir() if folder.is_dir()]
    found = {conversation.url: conversation for conversation in map(open_conversation, folders)}
    for url, statements in ABOUT_VOTERS.items():
        texts = [found[url].texts[str(number)] for number in statements]
        assert all(text.startswith(("I ", "I've ", "My ", "我有")) for text in texts)


def test_the_window_of_brexit_consensus(shared_data):
    loaded = load_polis_windows(path=shared_data / "polis/brexit-consensus")
    against, in_favour = loaded.windows[0].viewpoints
    assert against.statements[0] == "Labour should oppose the Brexit process."
    assert in_favour.statements[0] == "Labour was right to support the article 50 vote."
    assert against.share + in_favour.share == pytest.approx(1)
    assert loaded.windows[0].n_people == 204


def test_the_published_groups_of_brexit_consensus(shared_data):
    loaded = load_polis_windows(path=shared_data / "polis/brexit-consensus", groups="published")
    assert [(view.id, view.n_people, view.statements[0]) for view in loaded.windows[0].viewpoints] == [
        ("group=0", 106, "Labour should oppose the Brexit process."),
        ("group=1", 91, "Labour was right to support the article 50 vote."),
    ]


def test_a_conversation_that_is_known_is_asked_about_in_a_question_that_outsiders_understand(tmp_path):
    known = "https://pol.is/2demo"
    (window,) = load_polis_windows(path=write(tmp_path / "a", url=known)).windows
    assert window.prompt == QUESTIONS[known]
    (window,) = load_polis_windows(path=tmp_path, prompts={"a": "Why cats?"}).windows
    assert window.prompt == "Why cats?"
