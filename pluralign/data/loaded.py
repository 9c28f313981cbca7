"""What an adapter brings home: questions, and what was wrong with the files they came from."""

from dataclasses import dataclass

from pluralign.records import Finding, QuestionSet, Severity


@dataclass(frozen=True)
class Loaded:
    """A question set and the faults of its source.

    Attributes:
        questions: Everything that can be read as a question.
        findings: Faults: those that the adapter met, and those that lint found in the questions.
    """

    questions: QuestionSet
    findings: tuple[Finding, ...] = ()

    @property
    def faulty(self) -> frozenset[tuple[str, str | None]]:
        """(question id, group or None for the whole question) of every faulty item in the set."""
        return frozenset(
            (finding.question_id, finding.group)
            for finding in self.findings
            if finding.severity is Severity.FAULTY and finding.question_id is not None
        )


def unusable(
    fault: str, detail: str, *, question_id: str | None, group: str | None = None, where: str
) -> Finding:
    """A finding on a question, or on a group's answers to it, that is left out."""
    return Finding(
        fault=fault,
        severity=Severity.UNUSABLE,
        question_id=question_id,
        group=group,
        detail=detail,
        where=where,
    )
