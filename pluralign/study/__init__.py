"""Controlled comparisons of tuned and untuned models: train, measure, and set side by side over seeds."""

from pluralign.study.config import Arm, Measure, Reported, StudyConfig, load_study
from pluralign.study.running import Cell, run_study
from pluralign.study.table import StudyTable, as_markdown, study_table
from pluralign.study.training import train_once

__all__ = [
    "Arm",
    "Cell",
    "Measure",
    "Reported",
    "StudyConfig",
    "StudyTable",
    "as_markdown",
    "load_study",
    "run_study",
    "study_table",
    "train_once",
]
