"""The records everything is built on: questions with people's counts, a model's answers, and estimates."""

from pluralign.records.answer import POPULATION, Answer, Condition, Outcome, PersonaForm
from pluralign.records.estimate import CellScore, Comparison, Estimate, Interval
from pluralign.records.finding import Finding, Severity
from pluralign.records.jsonl import canonical_json, content_hash, read_jsonl, write_jsonl
from pluralign.records.question import Group, Option, Question, QuestionSet

__all__ = [
    "POPULATION",
    "Answer",
    "CellScore",
    "Comparison",
    "Condition",
    "Estimate",
    "Finding",
    "Group",
    "Interval",
    "Option",
    "Outcome",
    "PersonaForm",
    "Question",
    "QuestionSet",
    "Severity",
    "canonical_json",
    "content_hash",
    "read_jsonl",
    "write_jsonl",
]
