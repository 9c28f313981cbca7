"""Reports: estimates as a table, a figure, and one self-contained HTML page."""

from pluralign.reports.answers import AnsweredPrompt, AnswersSection
from pluralign.reports.comparisons import comparison_sentence, comparisons_table, verdict
from pluralign.reports.content import Report, Section, Series
from pluralign.reports.contrasts_plot import save_contrast_figure
from pluralign.reports.curves import save_curve_figure
from pluralign.reports.figure import save_figure
from pluralign.reports.overton import MarkedResponse, MarkedSentence, MarkedWindow, OvertonSection
from pluralign.reports.page import render_page, write_page
from pluralign.reports.rows import Row, estimate_rows
from pluralign.reports.table import as_markdown, estimates_table

__all__ = [
    "AnsweredPrompt",
    "AnswersSection",
    "MarkedResponse",
    "MarkedSentence",
    "MarkedWindow",
    "OvertonSection",
    "Report",
    "Row",
    "Section",
    "Series",
    "as_markdown",
    "comparison_sentence",
    "comparisons_table",
    "estimate_rows",
    "estimates_table",
    "render_page",
    "save_contrast_figure",
    "save_curve_figure",
    "save_figure",
    "verdict",
    "write_page",
]
