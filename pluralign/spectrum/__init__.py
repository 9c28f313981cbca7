"""Spectrum tuning: tasks, the training format, checks and training. Importing this imports no torch."""

from pluralign.spectrum.ablations import single_examples
from pluralign.spectrum.checks import Preflight, TaskCounts, check_recipe, check_rows, preview
from pluralign.spectrum.format import EncodedRow, Example, SpectrumFormat, SpectrumSequence, format_fields
from pluralign.spectrum.process import Process, finite, without_replacement
from pluralign.spectrum.recipe import (
    EarlyStop,
    Lora,
    SurveySource,
    TrainingRecipe,
    build_held_out,
    build_sequences,
    load_recipe,
)
from pluralign.spectrum.survey import describe_question, survey_task
from pluralign.spectrum.tasks import FAMILIES, Task, TaskSettings, build_rows, builtin_task
from pluralign.spectrum.training import TrainingResult, train

__all__ = [
    "FAMILIES",
    "EarlyStop",
    "EncodedRow",
    "Example",
    "Lora",
    "Preflight",
    "Process",
    "SpectrumFormat",
    "SpectrumSequence",
    "SurveySource",
    "Task",
    "TaskCounts",
    "TaskSettings",
    "TrainingRecipe",
    "TrainingResult",
    "build_held_out",
    "build_rows",
    "build_sequences",
    "builtin_task",
    "check_recipe",
    "check_rows",
    "describe_question",
    "finite",
    "format_fields",
    "load_recipe",
    "preview",
    "single_examples",
    "survey_task",
    "train",
    "without_replacement",
]
