"""A report as one HTML page that needs nothing else: no network, no script, no font."""

from collections.abc import Sequence
from functools import cache
from itertools import groupby
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from pluralign.files import write_whole
from pluralign.records import Answer, Comparison, Outcome
from pluralign.reports import answers, comparisons, contrasts_plot, curves, overton, panels, rows
from pluralign.reports.content import Report, Section, Series
from pluralign.reports.labels import slice_kind
from pluralign.reports.palette import REFERENCE, series_colours
from pluralign.reports.people import single_people, without_people
from pluralign.reports.strips import Strips, draw_strips

# Of a block, so many panels are open; the others are folded. More groups than that are folded too.
N_OPEN_PANELS, N_OPEN_GROUPS = 4, 40
# Of an answer, so many replies of so many characters are shown.
N_REPLIES, N_CHARACTERS = 3, 400


def render_page(report: Report) -> str:
    """Make the page; the same report gives the same text."""
    page = _environment().get_template("page.html.jinja")
    text = page.render(
        report=report,
        sections=[_section_view(section) for section in report.sections],
        reference_colour=REFERENCE,
        n_open_panels=N_OPEN_PANELS,
        n_open_groups=N_OPEN_GROUPS,
        n_worst=panels.N_WORST,
        n_best=panels.N_BEST,
        directions=rows.DIRECTIONS,
        n_replies=N_REPLIES,
        n_characters=N_CHARACTERS,
        contrast_frame=contrasts_plot.FRAME,
        hues=overton.HUES,
        n_open_windows=overton.N_OPEN_WINDOWS,
    )
    return f"{text.strip()}\n"


def write_page(report: Report, path: Path) -> None:
    """Write the page, whole or not at all.

    Raises:
        StorageError: It cannot be written.
    """
    write_whole(path, render_page(report).encode())


def percent(probability: float) -> str:
    """A probability as whole percent; "<1" and ">99" where rounding would say never or always."""
    if 0 < probability < 0.005:
        return "<1%"
    if 0.995 <= probability < 1:
        return ">99%"
    return f"{100 * probability:.0f}%"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("pluralign.reports", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": percent,
        "number": rows.number,
        "people": _people,
        "draws": _draws,
        "sentence": comparisons.comparison_sentence,
        "verdict": comparisons.verdict,
    }
    return environment


def _section_view(
    section: Section | overton.OvertonSection | answers.AnswersSection,
) -> dict[str, object]:
    """What the template shows of a section, beside the section itself."""
    if isinstance(section, answers.AnswersSection):
        return _answers_view(section)
    if isinstance(section, overton.OvertonSection):
        return _overton_view(section)
    people = single_people(section.questions)
    blocks = panels.blocks(section)
    section = without_people(section)
    singles = {kind: rows.single_rows(section.series, kind=kind) for kind in ("group", "pair")}
    return _measured(section.series, section.comparisons) | {
        "section": section,
        "asked": ". ".join(
            filter(None, (f"{len(section.questions.questions):,} questions", section.questions.source))
        ),
        "singles": [(kind, draw_strips(found)) for kind, found in singles.items() if len(found) > 1],
        "contrasts": contrasts_plot.contrast_plots(section.contrasts, section.questions),
        "curves": curves.curve_plots(section.series),
        "curve_frame": curves.FRAME,
        "blocks": panels.extremes(blocks),
        "n_people": len(people),
        "n_panels": sum(len(block.panels) for block in blocks),
        "windows": [],
    }


def _overton_view(section: overton.OvertonSection) -> dict[str, object]:
    """The same of a section of windows, which has responses in place of panels."""
    return _measured(overton.table_series(section.series), section.comparisons, every=section.series) | {
        "section": section,
        "asked": section.asked,
        "singles": [],
        "contrasts": [],
        "curves": overton.union_plots(section.series),
        "curve_frame": overton.UNION_FRAME,
        "blocks": [],
        "n_people": 0,
        "n_panels": 0,
        "windows": overton.window_views(section),
    }


def _answers_view(section: answers.AnswersSection) -> dict[str, object]:
    """The same of a section of open prompts, which has answers in place of panels."""
    return _measured(section.series, section.comparisons) | {
        "section": section,
        "asked": section.asked,
        "singles": [],
        "contrasts": [],
        "curves": [],
        "curve_frame": curves.FRAME,
        "blocks": [],
        "n_people": 0,
        "n_panels": 0,
        "windows": [],
        "answers": answers.prompt_views(section),
    }


def _measured(
    series: Sequence[Series], compared: Sequence[Comparison], *, every: Sequence[Series] | None = None
) -> dict[str, object]:
    """Tables and comparisons of a section.

    Args:
        series: What the headline table is made from.
        compared: Paired differences.
        every: What the further tables are made from; None for the same.
    """
    headline = [row for row in rows.estimate_rows(series) if not row.is_single]
    whole = rows.estimate_rows(series if every is None else every, every=True)
    further = [row for row in whole if not row.is_single and row not in headline]
    first = comparisons.headline_comparisons(compared)
    others = [each for each in compared if slice_kind(each.slice) not in rows.SINGLE]
    return {
        "answers": [],
        "colours": series_colours(len(series)),
        "headline": _by_metric(headline),
        "further": _by_metric(further),
        "reference_labels": {label for row in whole for label, _ in row.references},
        "notes": rows.notes(headline),
        "further_notes": rows.notes(further),
        "compared": [each for each in first if each.slice == "all"],
        "compared_further": [
            *(each for each in first if each.slice != "all"),
            *(each for each in others if each not in first),
        ],
        "groups_sentence": comparisons.groups_sentence(compared),
    }


def _by_metric(table: Sequence[rows.Row]) -> list[Strips]:
    """The rows of each metric on a scale of their own."""
    return [draw_strips(list(of_metric)) for _, of_metric in groupby(table, key=lambda row: row.name)]


def _people(n: float) -> str:
    """A number of people: whole where it is, with one decimal where survey weights apply."""
    return f"{n:,.0f}" if n == int(n) else f"{n:,.1f}"


def _draws(answer: Answer) -> str:
    """How many draws a distribution rests on and what became of the others; empty where it is exact."""
    lost = [f"{n} {outcome.value}" for outcome, n in answer.counts.items() if n and outcome is not Outcome.OK]
    return ", ".join([str(answer.n_draws), *lost]) if answer.n_draws else ", ".join(lost)
