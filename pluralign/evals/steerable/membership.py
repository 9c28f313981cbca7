"""To which groups cells belong: the group that was asked, or those that the person who was asked is a member of."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pluralign.evals.steerable.metric import GROUP, Part
from pluralign.evals.steerable.table import Index, Mask, Table, grouping
from pluralign.records import QuestionSet

# Of more groups than this, single ones are not shown, and the spread over them is that of a handful of cells each.
MAX_GROUPS = 200

NO_GROUP = -1


@dataclass(frozen=True)
class Membership:
    """The groups of one grouping.

    Attributes:
        grouping: What they are groups of: "party", "gender"; may be empty.
        groups: Their ids, at least two, in order of first use.
        of_cell: Which of them each cell belongs to, (N,); `NO_GROUP` where that is not known.
    """

    grouping: str
    groups: tuple[str, ...]
    of_cell: Index


def memberships(table: Table, questions: QuestionSet) -> tuple[Membership, ...]:
    """Every grouping with 2 to `MAX_GROUPS` groups; a person counts in the groups that the person is a member of."""
    members = {group.id: group.member_of for group in questions.groups}
    has_people = any(members.values())
    belongs: dict[str, dict[int, str]] = {}
    for row, cell in enumerate(table.cells):
        for group in members[cell.group] if has_people else (cell.group,):
            belongs.setdefault(grouping(group), {})[row] = group
    found = []
    for name, rows in belongs.items():
        groups = tuple(dict.fromkeys(rows.values()))
        if 2 <= len(groups) <= MAX_GROUPS:
            of_cell = np.full(len(table.cells), NO_GROUP)
            of_cell[list(rows)] = [groups.index(group) for group in rows.values()]
            found.append(Membership(name, groups, of_cell))
    return tuple(found)


def group_parts(found: Sequence[Membership], *, kept: Mask) -> list[Part]:
    """One slice for each group."""
    return [
        Part(f"group={group}", (membership.of_cell == number) & kept, GROUP)
        for membership in found
        for number, group in enumerate(membership.groups)
    ]


def grouping_parts(found: Sequence[Membership], *, kept: Mask) -> list[Part]:
    """One slice for each grouping; "all" where there is one alone."""
    if len(found) == 1:
        return [Part("all", kept)]
    return [Part(f"groups={membership.grouping}", kept) for membership in found]
