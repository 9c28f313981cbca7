"""Groups that are a single person: hundreds of them, of whom a page tells the sum and not each one."""

from dataclasses import replace

from pluralign.records import POPULATION, QuestionSet
from pluralign.reports.content import Section


def single_people(questions: QuestionSet) -> frozenset[str]:
    """Ids of the groups that are a single person.

    Those are the groups with `member_of`, and those of which one person answered each question.
    """
    members = {group.id for group in questions.groups if group.member_of}
    alone: set[str] = set()
    several = {POPULATION}
    for question in questions.questions:
        several.update(question.shares)
        for group, counts in question.counts.items():
            if n := sum(counts):
                (alone if n == 1 else several).add(group)
    return frozenset(members | (alone - several))


def without_people(section: Section) -> Section:
    """The section without the estimates and the comparisons of single people; its answers stay."""
    people = {f"group={person}" for person in single_people(section.questions)}
    if not people:
        return section
    return replace(
        section,
        series=tuple(
            replace(each, estimates=tuple(one for one in each.estimates if one.slice not in people))
            for each in section.series
        ),
        comparisons=tuple(each for each in section.comparisons if each.slice not in people),
    )
