"""Groups that are a single person: hundreds of them, of whom a page tells the sum and not each one."""

from dataclasses import replace

from pluralign.records import POPULATION, QuestionSet
from pluralign.reports.content import Section


def single_people(questions: QuestionSet) -> frozenset[str]:
    """Ids of the groups that are a single person; everybody is none, even where one person answered."""
    return questions.people - {POPULATION}


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
