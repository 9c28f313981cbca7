import math

import numpy as np
import pytest

from pluralign.data.lint import lint
from pluralign.data.polis import load_polis, load_polis_people, representative_statements
from pluralign.errors import ConfigurationError, DataError
from pluralign.records import Option

COMMENTS = """comment-id,author-id,moderated,comment-body
0,5,1,Cats are better.
1,5,0,"Dogs,
   are ""better""."
2,6,-1,Buy my book.
3,6,1,Both are fine!
"""
# Four people a group, and one in none.
VOTES = """participant,group-id,n-votes,0,1,2,3
10,0,4,1,-1,1,1
11,0,3,1,-1,,1
12,0,3,1,0,,1
13,0,2,-1,-1,,
20,1,3,-1,1,,1
21,1,3,-1,1,,1
22,1,3,-1,1,,0
23,1,1,0,,,
30,,1,1,,,
"""


@pytest.fixture
def write(tmp_path):
    """Writes a conversation and returns its folder."""

    def _write(*, comments=COMMENTS, votes=VOTES, names=("comments.csv", "participants-votes.csv")):
        folder = tmp_path / "pets"
        folder.mkdir()
        for name, content in zip(names, (comments, votes), strict=True):
            (folder / name).write_text(content, encoding="utf-8")
        return folder

    return _write


def faults(loaded):
    return [
        (found.fault, found.severity.value, found.question_id, found.group, found.n_items)
        for found in loaded.findings
    ]


def test_statements_as_questions(write):
    loaded = load_polis(path=write(), min_votes=3, n_describing=1)
    cats, dogs, both = loaded.questions.questions
    assert (cats.id, cats.text) == ("0", 'Do you agree with this statement?\n"Cats are better."')
    assert dogs.text == 'Do you agree with this statement?\n"Dogs, are "better"."'
    assert cats.options == (
        Option(text="Agree", value=1),
        Option(text="Disagree", value=-1),
        Option(text="Pass"),
    )
    # Who is in no group counts in "all"; what describes a group has no counts for it.
    assert cats.counts == {"all": (4, 4, 1), "group=1": (0, 3, 1)}
    assert dogs.counts == {"all": (3, 3, 1), "group=0": (0, 3, 1)}
    assert both.counts == {"all": (5, 0, 1), "group=0": (3, 0, 0), "group=1": (2, 0, 1)}
    assert [(group.id, group.text) for group in loaded.questions.groups] == [
        ("all", None),
        ("group=0", 'agree that "Cats are better"'),
        ("group=1", 'agree that "Dogs, are "better""'),
    ]
    assert loaded.questions.id == "polis-pets"
    assert "CC BY 4.0" in loaded.questions.source
    assert faults(loaded) == [
        ("moderated_out", "unusable", None, None, 1),
        ("held_out", "note", None, "group=0", 1),
        ("held_out", "note", None, "group=1", 1),
    ]
    assert loaded.findings[0].detail == "statements that moderators took out: 2"


def test_several_statements_describe_a_group(write):
    group = load_polis(path=write(), min_votes=3, groups=["group=0"]).questions.groups[0]
    assert group.text == 'agree that "Cats are better" and that "Both are fine!"'


def test_a_choice_of_groups(write):
    folder = write()
    chosen = load_polis(path=folder, min_votes=3, n_describing=1, groups=["group=1"]).questions
    assert [question.id for question in chosen.questions] == ["0", "3"]
    assert [group.id for group in chosen.groups] == ["group=1"]
    everybody = load_polis(path=folder, groups=["all"])
    assert [question.id for question in everybody.questions.questions] == ["0", "1", "3"]
    assert faults(everybody) == [("moderated_out", "unusable", None, None, 1)]
    with pytest.raises(ConfigurationError, match=r"Unknown Polis group 'group=2'"):
        load_polis(path=folder, groups=["group=2"])


def test_the_topic_is_told(write):
    folder = write()
    (folder / "summary.csv").write_text(
        'views,3\ntopic,"Cats, dogs"\nconversation-description,"a\nb"\n', encoding="utf-8"
    )
    assert load_polis(path=folder, groups=["all"]).questions.questions[0].text == (
        'Topic: Cats, dogs\n\nDo you agree with this statement?\n"Cats are better."'
    )


def test_a_group_that_nothing_describes_is_left_out(write):
    folder = write()
    loaded = load_polis(path=folder, min_votes=5)
    assert [group.id for group in loaded.questions.groups] == ["all"]
    assert faults(loaded)[1:] == [
        ("undescribed_group", "unusable", None, "group=0", 1),
        ("undescribed_group", "unusable", None, "group=1", 1),
    ]
    assert "no statement with 5 votes in the group and outside" in loaded.findings[1].detail
    with pytest.raises(DataError, match="no statement has votes of group=0 that can be used"):
        load_polis(path=folder, min_votes=5, groups=["group=0"])


def test_statements_without_words_or_votes_are_named_and_the_rest_kept(write):
    comments = COMMENTS.replace("Both are fine!", " ") + "7,6,1,Fish.\n"
    header, *people = VOTES.splitlines()
    votes = "\n".join([f"{header},9", *(f"{row},1" for row in people)]) + "\n"
    loaded = load_polis(path=write(comments=comments, votes=votes), groups=["all"])
    assert [question.id for question in loaded.questions.questions] == ["0", "1"]
    assert faults(loaded)[1:] == [
        ("no_text", "unusable", "3", None, 1),
        ("no_text", "unusable", "9", None, 1),
        ("no_votes", "unusable", "7", None, 1),
    ]


def test_a_statement_that_nobody_voted_on(write):
    votes = VOTES.replace("1,-1,1,1\n", "1,-1,1,\n").replace(",1\n", ",\n").replace("1,,0\n", "1,,\n")
    loaded = load_polis(path=write(votes=votes), groups=["all"])
    assert [question.id for question in loaded.questions.questions] == ["0", "1"]
    assert faults(loaded)[1:] == [("no_votes", "unusable", "3", None, 1)]


def test_names_of_the_files(write):
    folder = write(names=("said.csv", "voted.csv"), votes=VOTES.replace("1,-1,1,1\n", "1.0,-1.0,,1.0\n"))
    with pytest.raises(DataError, match=r"no Polis conversation; it needs participants-votes\.csv"):
        load_polis(path=folder)
    with pytest.raises(ConfigurationError, match="Give both file names, votes and comments, or neither"):
        load_polis(path=folder, votes="voted.csv")
    loaded = load_polis(path=str(folder), votes="voted.csv", comments="said.csv")
    assert loaded.questions.questions[0].counts["all"] == (4, 4, 1)
    assert "licence: as its source states" in loaded.questions.source


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("comments.csv", "moderated", "state", "comments.csv, line 1: the column 'moderated' is missing"),
        ("comments.csv", "author-id", "moderated", "line 1: the column 'moderated' stands there twice"),
        ("comments.csv", "\n3,6", "\nx,6", "line 6, column comment-id: a number is needed, not 'x'"),
        ("comments.csv", "\n3,6", "\n0,6", "line 6, column comment-id: 0 stands there twice"),
        (
            "comments.csv",
            "6,1,Both",
            "6,2,Both",
            "line 6, column moderated: -1 (taken out), 0 or 1 is needed",
        ),
        ("comments.csv", "Both are", "Both, are", "line 6: 5 cells for 4 columns"),
        ("comments.csv", "Both", '"Both"x', "line 6: not readable as CSV"),
        ("participants-votes.csv", "group-id", "grp", "line 1: the column 'group-id' is missing"),
        ("participants-votes.csv", "n-votes", "age", "line 1: the column 'age' is neither the number"),
        ("participants-votes.csv", "1,-1,1,1\n", "1,-1,1,nan\n", "line 2, column 3: a vote is 1, 0, -1 or"),
        ("participants-votes.csv", "\n11,", "\n10,", "line 3, column participant: '10' stands there twice"),
        ("participants-votes.csv", VOTES[VOTES.index("\n") :], "\n", "holds nobody's votes"),
    ],
)
def test_a_file_of_another_form(write, file, old, new, message):
    folder = write()
    path = folder / file
    content = path.read_text(encoding="utf-8")
    assert old in content
    path.write_text(content.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DataError) as error:
        load_polis(path=folder)
    assert str(error.value).startswith(str(path))
    assert message in str(error.value)


def test_a_missing_file(write):
    folder = write()
    (folder / "comments.csv").unlink()
    with pytest.raises(DataError, match=r"comments\.csv: cannot be read"):
        load_polis(path=folder)


@pytest.mark.parametrize("argument", ["min_votes", "n_describing"])
def test_numbers_out_of_range(tmp_path, argument):
    with pytest.raises(ConfigurationError, match=f"{argument} must be at least 1, not 0"):
        load_polis(path=tmp_path, **{argument: 0})


AGREE, DISAGREE, PASS = (1, 0, 0), (0, 1, 0), (0, 0, 1)


def test_people_one_by_one(write):
    loaded = load_polis_people(path=write(), min_votes=3)
    cats, dogs, both = loaded.questions.questions
    assert cats.text == 'Do you agree with this statement?\n"Cats are better."'
    # Statement 2 was taken out: the vote on it counts neither as an answer nor among the three.
    assert cats.counts == {
        "participant=10": AGREE,
        "participant=11": AGREE,
        "participant=12": AGREE,
        "participant=20": DISAGREE,
        "participant=21": DISAGREE,
        "participant=22": DISAGREE,
    }
    assert dogs.counts["participant=12"] == PASS
    assert both.counts["participant=22"] == PASS
    assert [(group.id, group.text, group.member_of) for group in loaded.questions.groups][::5] == [
        ("participant=10", None, ("group=0",)),
        ("participant=22", None, ("group=1",)),
    ]
    assert loaded.questions.id == "polis_people-pets"
    assert "CC BY 4.0" in loaded.questions.source
    assert faults(loaded) == [
        ("moderated_out", "unusable", None, None, 1),
        ("few_answers", "note", None, None, 3),
    ]
    assert lint(loaded.questions) == ()


def test_a_person_in_no_group(write):
    groups = load_polis_people(path=write(), min_votes=1).questions.groups
    assert (groups[-1].id, groups[-1].member_of) == ("participant=30", ())


def test_some_of_the_people(write):
    folder = write()
    one = load_polis_people(path=folder, min_votes=1, people=1, seed=1)
    [group] = one.questions.groups
    assert {voter for question in one.questions.questions for voter in question.counts} == {group.id}
    two = load_polis_people(path=folder, min_votes=1, people=2, seed=1).questions.groups
    assert group in two
    silent = [found for found in faults(one) if found[0] == "no_votes"]
    assert len(silent) == 3 - len(one.questions.questions)


def test_people_that_cannot_be_had(write):
    folder = write()
    with pytest.raises(DataError, match="nobody voted on 4 statements, the most is 3"):
        load_polis_people(path=folder, min_votes=4)
    with pytest.raises(ConfigurationError, match="min_votes must be at least 1, not 0"):
        load_polis_people(path=folder, min_votes=0)
    with pytest.raises(ConfigurationError, match="people must be at least 1, not 0"):
        load_polis_people(path=folder, min_votes=1, people=0)


@pytest.mark.parametrize(
    ("name", "n_people", "n_votes"),
    [("brexit-consensus", 181, 5204), ("vtaiwan.uberx", 1107, 46880)],
)
def test_people_of_published_conversations(shared_data, name, n_people, n_votes):
    folder = shared_data / "polis" / name
    loaded = load_polis_people(path=folder)
    people = {group.id: group for group in loaded.questions.groups}
    assert len(people) == n_people
    assert sum(len(question.groups) for question in loaded.questions.questions) == n_votes
    # Of all people, however few their votes, the answers add up to those of their opinion group.
    everybody = load_polis_people(path=folder, min_votes=1).questions
    members = {group.id: group.member_of for group in everybody.groups}
    groups = load_polis(path=folder, groups=["group=0"]).questions.questions
    tallied = {question.id: question.counts["group=0"] for question in groups}
    for question in everybody.questions:
        own = [counts for person, counts in question.counts.items() if members[person] == ("group=0",)]
        if question.id in tallied:
            assert tuple(map(sum, zip(*own, strict=True))) == tallied[question.id]


def test_representativeness_by_hand():
    nan = np.nan
    votes = [[1, -1, 1], [1, 1, 1], [0, 1, nan], [-1, -1, 1], [1, -1, nan], [1, 1, 1]]
    labels = ["a", "a", "a", "b", "b", ""]
    # Statement 0: pa = 3/5, po = 2/4. Statement 1: pa = 3/5, po = 1/4. Statement 2: pa = 3/4, po = 2/3.
    expected = {
        0: (0.6, 0.5, (0.6 - 0.5) / math.sqrt(0.24 / 6 + 0.25 / 5)),
        1: (0.6, 0.25, (0.6 - 0.25) / math.sqrt(0.24 / 6 + 0.1875 / 5)),
        2: (0.75, 2 / 3, (0.75 - 2 / 3) / math.sqrt(0.1875 / 5 + (2 / 9) / 4)),
    }
    found = representative_statements(votes, labels, group="a", min_votes=1)
    assert [representative.statement for representative in found] == [1, 0, 2]
    for statement, pa, po, repness, z in found:
        assert (pa, po, z) == pytest.approx(expected[statement])
        assert repness == pytest.approx(pa / po)
    enough = representative_statements(votes, labels, group="a", min_votes=2)
    assert [representative.statement for representative in enough] == [1, 0]
    # Group b agrees by more than half with statement 2 alone, and less than group a does.
    assert representative_statements(votes, labels, group="b", min_votes=1) == ()


def test_representativeness_of_misshapen_votes():
    with pytest.raises(
        DataError, match=r"votes must have shape \(people, statements\) and labels \(people,\), not \(2, 1\)"
    ):
        representative_statements([[1], [0]], ["a"], group="a")


@pytest.mark.parametrize(
    ("name", "sizes", "n_statements", "top"),
    [
        (
            "brexit-consensus",
            {"group=0": 106, "group=1": 91},
            50,
            {"group=0": ("8", 0.84, 0.11), "group=1": ("7", 0.70, 0.07)},
        ),
        (
            "scoop-hivemind.ubi",
            {"group=0": 70, "group=1": 113, "group=2": 42},
            70,
            {"group=0": ("7", 0.96, 0.69), "group=2": ("62", 0.76, 0.29)},
        ),
    ],
)
def test_published_conversations(shared_data, name, sizes, n_statements, top):
    folder = shared_data / "polis" / name
    loaded = load_polis(path=folder, n_describing=1)
    assert len(loaded.questions.questions) == n_statements
    assert {group.id for group in loaded.questions.groups} == {"all", *sizes}
    rows = np.genfromtxt(folder / "participants-votes.csv", delimiter=",", skip_header=1)
    labels = np.array([f"group={row:g}" if row == row else "" for row in rows[:, 1]])
    assert {group: int((labels == group).sum()) for group in sizes} == sizes
    for group, (statement, pa, po) in top.items():
        first = representative_statements(rows[:, 6:], labels, group=group)[0]
        header = (folder / "participants-votes.csv").read_text(encoding="utf-8").splitlines()[0]
        assert header.split(",")[6 + first.statement] == statement
        assert (round(first.agree_prob, 2), round(first.others_agree_prob, 2)) == (pa, po)
        held_out = next(question for question in loaded.questions.questions if question.id == statement)
        assert group not in held_out.counts
        assert "all" in held_out.counts


def test_brexit_consensus(shared_data):
    loaded = load_polis(path=shared_data / "polis" / "brexit-consensus", n_describing=1)
    assert [group.text for group in loaded.questions.groups] == [
        None,
        'agree that "Labour should oppose the Brexit process"',
        'agree that "Labour was right to support the article 50 vote"',
    ]
    assert max(question.n_people("all") for question in loaded.questions.questions) <= 204
    assert loaded.questions.questions[0].text.startswith("Topic: Can there be consensus on Brexit?\n\n")


def test_a_group_too_small_to_be_described(shared_data):
    folder = shared_data / "polis" / "scoop-hivemind.ubi"
    found = {fault[0]: fault for fault in faults(load_polis(path=folder))}
    assert found["undescribed_group"] == ("undescribed_group", "unusable", None, "group=3", 1)
    assert found["moderated_out"] == ("moderated_out", "unusable", None, None, 1)


def test_collective_constitutional_ai(shared_data):
    loaded = load_polis(path=shared_data / "ccai")
    assert len(loaded.questions.questions) == 275
    assert [group.id for group in loaded.questions.groups] == ["all", "group=0", "group=1"]
    assert loaded.questions.questions[0].counts["all"] == (188, 12, 7)
    assert "none stated" in loaded.questions.source


@pytest.mark.parametrize(
    ("name", "n_open", "n_moderated_out"),
    [
        ("15-per-hour-seattle", 31, 23),
        ("canadian-electoral-reform", 152, 22),
        ("football-concussions", 161, 137),
        ("scoop-hivemind.affordable-housing", 119, 46),
        ("scoop-hivemind.taxes", 91, 57),
        ("vtaiwan.uberx", 119, 78),
    ],
)
def test_the_other_published_conversations(shared_data, name, n_open, n_moderated_out):
    loaded = load_polis(path=shared_data / "polis" / name)
    assert len(loaded.questions.questions) == n_open
    assert faults(loaded)[0] == ("moderated_out", "unusable", None, None, n_moderated_out)
    assert [group.id for group in loaded.questions.groups] == ["all", "group=0", "group=1"]
