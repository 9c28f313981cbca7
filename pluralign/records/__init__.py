"""The records everything is built on: questions with people's counts, a model's answers, and estimates."""

from pluralign.records.answer import POPULATION, Answer, Condition, Outcome
from pluralign.records.estimate import Comparison, Estimate, Interval
from pluralign.records.jsonl import canonical_json, content_hash, read_jsonl, write_jsonl
from pluralign.records.question import Group, Option, Question, QuestionSet

__all__ = [
    "POPULATION",
    "Answer",
    "Comparison",
    "Condition",
    "Estimate",
    "Group",
    "Interval",
    "Option",
    "Outcome",
    "Question",
    "QuestionSet",
    "canonical_json",
    "content_hash",
    "read_jsonl",
    "write_jsonl",
]
