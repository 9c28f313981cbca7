"""The records everything is built on: questions with people's counts, a model's answers, and estimates."""

from pluralign.records.answer import POPULATION, Answer, Condition, Outcome, PersonaForm, Shown
from pluralign.records.contrast import Contrast
from pluralign.records.estimate import CellScore, Comparison, Estimate, Interval
from pluralign.records.finding import Finding, Severity
from pluralign.records.jsonl import canonical_json, content_hash, read_jsonl, write_jsonl
from pluralign.records.question import Group, Option, Question, QuestionSet
from pluralign.records.response import Response
from pluralign.records.sequence_score import OutputScore, SequenceScore
from pluralign.records.window import Viewpoint, Window, WindowSet

__all__ = [
    "POPULATION",
    "Answer",
    "CellScore",
    "Comparison",
    "Condition",
    "Contrast",
    "Estimate",
    "Finding",
    "Group",
    "Interval",
    "Option",
    "Outcome",
    "OutputScore",
    "PersonaForm",
    "Question",
    "QuestionSet",
    "Response",
    "SequenceScore",
    "Severity",
    "Shown",
    "Viewpoint",
    "Window",
    "WindowSet",
    "canonical_json",
    "content_hash",
    "read_jsonl",
    "write_jsonl",
]
