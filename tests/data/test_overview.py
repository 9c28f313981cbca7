from pluralign.data.overview import by_fault, overview
from pluralign.records import Finding, Group, Option, Question, QuestionSet, Severity


def question(name, texts, **fields):
    return Question(id=name, text="Why?", options=tuple(Option(text=text) for text in texts), **fields)


def test_what_a_set_holds():
    held = overview(
        QuestionSet(
            id="mine",
            source="A poll.",
            questions=(
                question("a", "xy", counts={"all": (1, 3), "old": (0, 0)}, shares={"far": (0.5, 0.5)}),
                question("b", "xyz", counts={"all": (2, 2, 4)}, effective_n={"all": 6}),
                question("c", "x", truth=(1,)),
                question("d", "xx"),
            ),
            groups=(Group(id="all"), Group(id="old", text="are old"), Group(id="far", text="live far away")),
        )
    )
    assert (held.id, held.source) == ("mine", "A poll.")
    assert (held.n_questions, held.n_unaskable, held.n_unanswered, held.n_cells) == (4, 2, 1, 3)
    assert (held.fewest_options, held.most_options) == (1, 3)
    assert [(group.id, group.n_questions, group.n_people) for group in held.groups] == [
        ("all", 2, 5),
        ("old", 0, None),
        ("far", 1, None),
    ]


def test_findings_are_counted_by_fault_the_worst_first():
    def finding(fault, severity, **fields):
        return Finding(fault=fault, severity=severity, detail="d", **fields)

    rows = by_fault([
        finding("rounded", Severity.NOTE, n_items=9),
        finding("few", Severity.FAULTY, question_id="a", group="g"),
        finding("many", Severity.FAULTY, question_id="a", group="g"),
        finding("many", Severity.FAULTY, question_id="a", group="h"),
        finding("lost", Severity.UNUSABLE),
    ])
    assert [(row.fault, row.n_items, row.n_questions) for row in rows] == [
        ("lost", 1, 0),
        ("many", 2, 1),
        ("few", 1, 1),
        ("rounded", 9, 0),
    ]
    assert [finding.group for finding in rows[1].examples] == ["g", "h"]
