"""What the adapters of single people share: a person in words, and the note on people who answered too little."""

from collections.abc import Sequence

from pluralign.records import Finding, Severity


def joined(clauses: Sequence[str]) -> str | None:
    """Clauses as one that completes "people who ...": "are women of 34 and come from India"; None without any."""
    if not clauses:
        return None
    *others, last = clauses
    return f"{', '.join(others)} and {last}" if others else last


def few_answers(n_people: int, *, fewest: int, where: str) -> list[Finding]:
    """A note on people who are left out because they gave fewer answers than the caller asked for, if any."""
    if not n_people:
        return []
    return [
        Finding(
            fault="few_answers",
            severity=Severity.NOTE,
            detail=f"{n_people} people gave fewer than {fewest} answers",
            where=where,
            n_items=n_people,
        )
    ]
