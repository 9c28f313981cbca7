import time

import pytest

from pluralign.data import load_data
from pluralign.data.lint import CHECKS, ENOUGH_PEOPLE, FAULTS, MIN_GOLDS, TINY_GROUP, lint
from pluralign.data.overview import by_fault
from pluralign.data.processes import load_processes
from pluralign.records import Group, Option, Question, QuestionSet, Severity

FAULTY, NOTE = Severity.FAULTY, Severity.NOTE
MP = "modular_pluralism/"
OPINIONQA = ("modular_pluralism", MP + "steerable_test_opinionqa_small.json")
GLOBALOPINIONQA = ("modular_pluralism", MP + "distributional_test_globalopinionqa_small.json")
MORALCHOICE = ("modular_pluralism", MP + "distributional_test_moralchoice.json")
GLOBAL_VALUES = ("global_values", "global_values/data.json")
STEER_BENCH = ("steer_bench", "steer_bench/steer-bench.json")
PEW = ("pew", "opinionqa_pew/contentious_500")


def question(name="q", options=("Yes", "No"), *, text=None, values=None, refusals=(), **answers):
    values = values or [None] * len(options)
    return Question(
        id=name,
        text=text or f"Is it {name}?",
        options=tuple(
            Option(text=option, value=value, refusal=option in refusals)
            for option, value in zip(options, values, strict=True)
        ),
        **answers,
    )


def findings(*questions):
    groups = dict.fromkeys(group for each in questions for group in (*each.counts, *each.shares))
    return lint(
        QuestionSet(
            id="set", questions=questions, groups=tuple(Group(id=group, text="x") for group in groups)
        )
    )


def found(fault, *questions):
    return [each for each in findings(*questions) if each.fault == fault]


def severities(fault, *questions):
    return [each.severity for each in found(fault, *questions)]


SOUND = question(
    "sound",
    options=("Yes", "Perhaps", "No"),
    values=(1, 2, 3),
    counts={"a": (40, 90, 100), "b": (80, 70, 90)},
)


def test_a_sound_question_has_no_fault():
    assert findings(SOUND) == ()


def test_every_fault_is_described_in_one_line():
    assert list(CHECKS) == [fault for fault in FAULTS if fault in CHECKS]
    assert {"ambiguous_key", "options_mismatch"} <= FAULTS.keys() - CHECKS.keys()
    assert all(what and "\n" not in what for what in FAULTS.values())


@pytest.mark.parametrize(
    "options",
    [
        ("Ye", "requently", "No"),
        ("Essential", "Importan", "ut not essential", "Not important"),
        ("Yes", "was a reason", "No", "was not a reason"),
        ("A B", "C D E", "ven without D"),
    ],
)
def test_options_cut_at_a_comma(options):
    [finding] = found("broken_options", question(options=options))
    assert finding.severity is FAULTY
    assert (finding.question_id, finding.group) == ("q", None)


def test_a_cut_option_is_named_with_what_stands_before_it():
    [finding] = found("broken_options", question(options=("Important", "Importan", "ut not essential")))
    assert finding.detail == "options cut apart at a comma: 'Importan' + 'ut not essential'"


@pytest.mark.parametrize(
    "options",
    [
        ("better than today", "less well than today"),
        ("'more openness in government", "less openness in government", "The same"),
        ("Usually better at it", "Usually worse at it", "neither better nor worse at it"),
        ("Rather high prices", "quite low prices"),
        ("Agree", "neither", "Disagree"),
        ("Samsung", "iPhone"),
    ],
)
def test_options_that_begin_in_lower_case_by_nature(options):
    assert severities("broken_options", question(options=options)) == [NOTE]


@pytest.mark.parametrize("options", [("heads", "tails"), ("Yes", "No"), ("4 or more", "None")])
def test_options_above_suspicion(options):
    assert not found("broken_options", question(options=options))


def test_where_a_comma_is_left_nothing_was_split_at_commas():
    suspect = question(options=("Diskpart", "fdisk"))
    assert severities("broken_options", suspect) == [FAULTY]
    assert severities("broken_options", suspect, question("other", ("Yes, often", "No"))) == [NOTE]


def test_a_fault_of_a_question_stands_for_all_its_groups():
    shares = {"a": (0.5, 0.5), "b": (0.4, 0.6), "c": (0.3, 0.7)}
    [finding] = found("broken_options", question(options=("Ye", "requently"), shares=shares))
    assert finding.n_items == 3


def test_one_option():
    [finding] = found("one_option", question(options=("Not selected",), shares={"a": (1,)}), SOUND)
    assert (finding.severity, finding.detail) == (FAULTY, "the only option is 'Not selected'")


def test_repeated_options():
    [finding] = found(
        "repeated_options", question("r", ("Yes", "No", "Yes"), shares={"a": (0.2, 0.3, 0.5)}), SOUND
    )
    assert (finding.severity, finding.detail) == (FAULTY, "more than once: 'Yes'")


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ((0.5, 0.5, 0, 0), [FAULTY]),
        ((0.5, 0.4, 0.1, 0), []),
        ((0.6, 0.3, 0.1, 0, 0), [NOTE]),
        ((0.6, 0.4, 0, 0, 0), [FAULTY]),
        ((1, 0, 0, 0), [NOTE]),
        ((0.5, 0.5), []),
    ],
)
def test_structural_zeros(shares, expected):
    sound = tuple(1 / len(shares) for _ in shares)
    subject = question(options="ABCDE"[: len(shares)], shares={"a": shares, "b": sound})
    assert severities("structural_zeros", subject) == expected
    assert all(each.group == "a" for each in found("structural_zeros", subject))


def test_zeros_of_few_people_are_chance():
    for n, expected in ((ENOUGH_PEOPLE - 2, []), (ENOUGH_PEOPLE, [FAULTY])):
        subject = question(options="ABCD", counts={"a": (n / 2, n / 2, 0, 0)})
        assert severities("structural_zeros", subject) == expected


def test_a_known_truth_may_hold_zeros():
    assert findings(question(options="ABCD", truth=(1, 0, 0, 0))) == ()


def test_an_answer_key_is_no_share_of_people():
    key = question(options="ABCD", shares={"a": (1, 0, 0, 0), "b": (0, 0, 0, 1)})
    assert findings(key) == ()
    people = question("people", options="ABCD", shares={"a": (0.1, 0.2, 0.3, 0.4)})
    assert {each.fault for each in findings(key, people)} == {
        "structural_zeros",
        "disjoint_support",
        "one_hot",
    }


def test_disjoint_support():
    shares = {"a": (0.91, 0.09, 0), "b": (0, 0.09, 0.91), "c": (0.4, 0.2, 0.4)}
    [finding] = found("disjoint_support", question(options="ABC", shares=shares))
    assert (finding.severity, finding.group, finding.n_items) == (FAULTY, None, 3)
    assert finding.detail == "groups whose answers hardly overlap: a and b (0.09)"
    assert not found(
        "disjoint_support",
        question(options="ABC", shares={**shares, "a": (0.89, 0.11, 0), "b": (0, 0.11, 0.89)}),
    )
    few = question(options="ABC", counts={"a": (20, 0, 0), "b": (0, 0, 20)})
    assert not found("disjoint_support", few)


def test_duplicates_are_those_of_a_group():
    first = question("one", text="Why?", shares={"a": (0.5, 0.5), "b": (0.4, 0.6)})
    again = question("two", text="Why? ", shares={"b": (0.3, 0.7), "c": (0.2, 0.8)})
    [finding] = found("duplicates", first, again)
    assert (finding.severity, finding.question_id, finding.group) == (FAULTY, "two", "b")
    assert finding.detail == "same text and options as question 'one'"
    assert not found(
        "duplicates", first, question("two", ("No", "Yes"), text="Why?", shares={"b": (0.3, 0.7)})
    )


def test_duplicates_without_people():
    [finding] = found(
        "duplicates", *(question(name, text="Why?", truth=(0.5, 0.5)) for name in ("one", "two"))
    )
    assert (finding.question_id, finding.group) == ("two", None)


def test_one_hot():
    [finding] = found("one_hot", question(counts={"a": (0, 7), "b": (1, 6)}))
    assert (finding.severity, finding.group, finding.detail) == (NOTE, "a", "everybody answers 'No'")


def test_tiny_group():
    counts = {"a": (TINY_GROUP - 1, 0.5), "b": (TINY_GROUP, 0), "c": (300, 300)}
    [finding] = found(
        "tiny_group", question(counts=counts, effective_n={"c": 4}), question("s", shares={"d": (0, 1)})
    )[:1]
    assert (finding.group, finding.detail) == ("a", "9.5 people")
    assert [each.group for each in found("tiny_group", question(counts=counts, effective_n={"c": 4}))] == [
        "a",
        "c",
    ]


def test_a_person_is_neither_tiny_nor_one_hot():
    people = {f"person={number}": (1, 0) for number in range(5)} | {"person=5": (0, 1)}
    assert findings(question(counts=people), question("r", counts=people)) == ()


def test_a_group_of_several_is_tiny_wherever_one_of_them_answered():
    few = question(counts={"few": (1, 0)})
    more = question("r", counts={"few": (3, 1)})
    assert [each.question_id for each in found("tiny_group", few, more)] == ["q", "r"]
    assert [each.question_id for each in found("one_hot", few, more)] == ["q"]


def test_who_belongs_to_groups_is_a_person():
    asked_twice = question(counts={"ann": (2, 0)})
    ann = Group(id="ann", text="x", member_of=("gender=Female",))
    assert lint(QuestionSet(id="set", questions=(asked_twice,), groups=(ann,))) == ()
    assert found("tiny_group", asked_twice)


def test_people_beside_published_shares_leave_those_checked():
    both = question(counts={"person=1": (1, 0)}, shares={"Belgium": (1, 0), "Japan": (0.5, 0.5)})
    assert [each.group for each in found("one_hot", both)] == ["Belgium"]


def test_people_are_checked_for_what_matters():
    people = {"person=1": (1, 0), "person=2": (0, 1)}
    again = found(
        "duplicates", question(text="Why?", counts=people), question("r", text="Why?", counts=people)
    )
    assert [each.group for each in again] == ["person=1", "person=2"]
    always_first = [question(f"q{number}", counts={"person=1": (1, 0)}) for number in range(MIN_GOLDS)]
    assert [each.fault for each in findings(*always_first)] == ["gold_position"]


def test_empty_group():
    [finding] = found("empty_group", question(counts={"a": (0, 0), "b": (10, 12)}))
    assert (finding.severity, finding.group) == (NOTE, "a")


def test_no_groups():
    [finding] = found("no_groups", question("bare"), SOUND, question("known", truth=(0.5, 0.5)))
    assert (finding.severity, finding.question_id) == (NOTE, "bare")
    assert found("no_groups", question(counts={"a": (0, 0)}))


@pytest.mark.parametrize(
    ("values", "faults"),
    [
        ((1, 1, 1), ["no_range"]),
        ((1, 2, 1.5), ["unordered_scale"]),
        ((1, 2, 3), []),
        ((3, 2, 1), []),
        ((1, None, 2), []),
        ((1, None, None), []),
        ((None, None, None), []),
    ],
)
def test_scales(values, faults):
    subject = question(options="ABC", values=values, counts={"a": (99, 99, 99)})
    assert [each.fault for each in findings(subject)] == faults


def test_a_refusal_is_no_point_of_the_scale():
    subject = question(options="ABC", values=(1, 2, -1), refusals="C", counts={"a": (99, 99, 99)})
    assert not found("unordered_scale", subject)


def golds(*positions, n_options=2):
    return [
        question(
            f"q{number}", "ABCDE"[:n_options], truth=tuple(float(k == position) for k in range(n_options))
        )
        for number, position in enumerate(positions)
    ]


def test_a_gold_that_always_stands_first():
    even = question("even", truth=(0.5, 0.5))  # has no most frequent answer
    [finding] = found("gold_position", *golds(*[0] * MIN_GOLDS), even)
    assert (finding.severity, finding.question_id, finding.n_items) == (NOTE, None, MIN_GOLDS)
    assert finding.detail.startswith("the most frequent answer is option 1 in 10 of 10 items that have one: ")
    assert not found("gold_position", *golds(*[0] * (MIN_GOLDS - 1)))


def test_golds_that_stand_at_one_position_too_often():
    [finding] = found("gold_position", *golds(*[1] * 50, *[0, 2, 3] * 10, n_options=4))
    assert (
        finding.detail
        == "the most frequent answer is option 2 in 50 of 80 items that have one (62.5%; by chance 25.0%)"
    )
    assert not found("gold_position", *golds(*[0, 1, 2, 3] * 20, 0, n_options=4))
    # .33 of 1000 is six standard errors above chance, but by just .08.
    assert not found("gold_position", *golds(*[0] * 330, *[1, 2, 3] * 223, 1, n_options=4))
    # 9 of 20 is .2 above chance, but just two standard errors.
    assert not found("gold_position", *golds(*[0] * 9, *[1, 2, 3] * 3, 1, 2, n_options=4))


def test_share_of_refusals():
    asked = question(options=("Yes", "No", "Refused"), refusals=("Refused",), counts={"a": (99, 99, 9)})
    [finding] = found(
        "dk_share", asked, question("other", counts={"a": (99, 99), "b": (99, 99), "c": (99, 99)})
    )
    assert (finding.severity, finding.question_id, finding.n_items) == (NOTE, None, 1)
    assert finding.detail == "1 of 4 items (25.0%); the first such option: 'Refused' 1"


def test_processes_are_sound():
    assert lint(load_processes()) == ()


@pytest.fixture(scope="module")
def published(shared_data):
    loaded = {}

    def load(adapter, file):
        if file not in loaded:
            loaded[file] = load_data(adapter, {"path": shared_data / file})
        return loaded[file]

    return load


# Faults of the published files: items (question for a group) and questions; 0 questions for a fault of the set.
# 256 items have options in lower case: 233 cut at a comma, 23 by nature; of 450 with half of the options at 0,
# 212 are faulty.
@pytest.mark.parametrize(
    ("source", "fault", "severity", "n_items", "n_questions"),
    [
        (OPINIONQA, "broken_options", FAULTY, 233, 57),
        (OPINIONQA, "broken_options", NOTE, 23, 6),
        (OPINIONQA, "one_option", FAULTY, 16, 7),
        (OPINIONQA, "one_hot", NOTE, 141, 51),
        (OPINIONQA, "repeated_options", FAULTY, 14, 3),
        (OPINIONQA, "duplicates", FAULTY, 2, 2),
        (GLOBALOPINIONQA, "structural_zeros", FAULTY, 212, 46),
        (GLOBALOPINIONQA, "structural_zeros", NOTE, 238, 85),
        (GLOBALOPINIONQA, "dk_share", NOTE, 2640, 0),
        (MORALCHOICE, "gold_position", NOTE, 687, 0),
        (MORALCHOICE, "repeated_options", FAULTY, 1, 1),
        (GLOBAL_VALUES, "disjoint_support", FAULTY, 43, 14),
        (STEER_BENCH, "ambiguous_key", Severity.UNUSABLE, 485, 272),
        (STEER_BENCH, "gold_position", NOTE, 1953, 0),
        (PEW, "no_range", NOTE, 112, 8),
        (PEW, "unordered_scale", NOTE, 1428, 104),
    ],
)
def test_faults_of_the_published_files(published, source, fault, severity, n_items, n_questions):
    rows = {(row.fault, row.severity): row for row in by_fault(published(*source).findings)}
    row = rows[fault, severity]
    assert (row.n_items, row.n_questions) == (n_items, n_questions)


@pytest.mark.parametrize("source", [MORALCHOICE, STEER_BENCH, PEW])
def test_no_zeros_are_blamed_on_keys_truths_and_few_people(published, source):
    assert not {"structural_zeros", "disjoint_support"} & {
        each.fault for each in published(*source).findings if each.severity is FAULTY
    }


def test_53_of_the_items_with_options_in_lower_case_are_one_hot(published):
    cells = {
        fault: {each.question_id for each in published(*OPINIONQA).findings if each.fault == fault}
        for fault in ("broken_options", "one_hot")
    }
    one_hot = [each for each in published(*OPINIONQA).findings if each.fault == "one_hot"]
    assert sum(each.question_id in cells["broken_options"] for each in one_hot) == 53


def test_the_share_of_refusals_in_globalopinionqa(published):
    [finding] = [each for each in published(*GLOBALOPINIONQA).findings if each.fault == "dk_share"]
    # The 45.8 % that are reported count "Don't know" and "DK/Refused" only: 2637 of 5752.
    assert finding.detail == (
        "2640 of 5752 items (45.9%); the first such option: 'DK/Refused' 2100, \"Don't know\" 506, "
        "\"Don't know/Refused\" 31, 'No answer' 3"
    )


def test_lint_is_fast(published):
    questions = published(*GLOBALOPINIONQA).questions
    began = time.perf_counter()
    lint(questions)
    assert time.perf_counter() - began < 2
