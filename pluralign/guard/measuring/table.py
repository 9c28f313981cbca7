"""A measurement as tables: the figures that count first, then those by group, category and kind."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pluralign.guard.measuring.figures import Figure, Measurement, Shift, worst
from pluralign.guard.measuring.spec import GuardSpec
from pluralign.guard.rates import Rate

COLUMNS = ("test", "texts", "part", "figure", "value (95 %)", "n", "target", "met")
SHIFT_COLUMNS = ("profile", "requests", "difference (95 %)", "n", "left out", "fell", "rose", "verdict")
# A profile is admitted once; more would be felt where somebody waits for it.
SECONDS_AT_MOST = 0.05


@dataclass(frozen=True)
class Line:
    """A row of the table of headlines; `COLUMNS` heads it.

    Attributes:
        figure: The figure.
        part: Its part, or the name of the worst of several.
    """

    figure: Figure
    part: str

    @property
    def cells(self) -> tuple[str, ...]:
        """One text a column."""
        figure = self.figure
        name = figure.name.replace("_", " ")
        return (
            figure.test,
            figure.source,
            self.part,
            name,
            shown(figure.rate),
            str(figure.rate.n),
            target_of(figure),
            met_of(figure),
        )


def headlines(measurement: Measurement) -> list[Line]:
    """The figures that are no detail, and behind those with a target the worst of their details."""
    details = [figure for figure in measurement.figures if _is_detail(figure)]
    lines = []
    for figure in measurement.figures:
        if _is_detail(figure):
            continue
        lines.append(Line(figure, figure.part))
        own = [each for each in details if _is_detail_of(each, figure) and _has_target(each)]
        if own and (found := _worst(own)) is not None:
            n_alike = sum(each.rate.value == found.rate.value for each in own)
            more = f" (and {n_alike - 1} more)" if n_alike > 1 else ""
            part = f"worst of {len(own)}: {_detail(found)}{more}"
            lines.append(Line(found, part if n_alike < len(own) else f"each of {len(own)}"))
    return lines


def markdown(measurement: Measurement, specs: Sequence[GuardSpec]) -> str:
    """The tables, what was measured, and what was not.

    Args:
        measurement: The measurement.
        specs: Tests, for the titles of those that were measured.
    """
    tests = {figure.test for figure in measurement.figures}
    titles = "; ".join(
        f"{spec.test} {spec.title[0].lower()}{spec.title[1:]}" for spec in specs if spec.test in tests
    )
    lines = [line.cells for line in headlines(measurement)]
    parts = [_guard(measurement), f"{titles}.", _table(COLUMNS, lines)]
    if measurement.shifts:
        parts += [
            "T6: share refused under a profile less the share refused without one, on the same requests. Requests with "
            "a degenerate answer, empty or repeating itself, are left out.",
            _table(SHIFT_COLUMNS, [shift_cells(shift) for shift in measurement.shifts]),
        ]
    if by_part := _details(measurement.figures):
        parts += [
            "By group, category, language and kind:",
            _table(("test", "texts", "part", "n", "figures"), by_part),
        ]
    if measurement.skipped:
        missing = [f"- {what}: {why}" for what, why in measurement.skipped.items()]
        parts += ["Not measured:", "\n".join(missing)]
    return "\n\n".join(parts) + "\n"


def shift_cells(shift: Shift) -> tuple[str, ...]:
    """A paired difference, one text a column of `SHIFT_COLUMNS`."""
    value = "unknown" if shift.difference is None else f"{shift.difference:+.3f}"
    between = f" ({shift.interval.low:+.3f} to {shift.interval.high:+.3f})" if shift.interval else ""
    counts = (shift.n, shift.n_unscored, shift.n_fell, shift.n_rose)
    return (shift.profile, shift.kind, f"{value}{between}", *map(str, counts), shift.verdict)


def shown(rate: Rate) -> str:
    """A share with its interval."""
    if rate.value is None:
        return "unknown"
    between = f" ({rate.interval.low:.3f} to {rate.interval.high:.3f})" if rate.interval else ""
    return f"{rate.value:.3f}{between}"


def target_of(figure: Figure) -> str:
    """The target in signs; empty where there is none."""
    if figure.at_least is not None:
        return f"≥ {figure.at_least:g}"
    return "" if figure.at_most is None else f"≤ {figure.at_most:g}"


def met_of(figure: Figure) -> str:
    """Whether the target is met, and whether the whole interval is on its right side."""
    if figure.met is None:
        return ""
    if not figure.met:
        return "no"
    return "yes" if figure.shown_beyond_doubt else "yes, n too small to be sure"


def timing(measurement: Measurement) -> str:
    """The time for a profile beside its target."""
    seconds = measurement.seconds_per_profile
    if seconds is None:
        return "not timed"
    met = "met" if seconds < SECONDS_AT_MOST else "not met"
    return f"{1000 * seconds:.0f} ms a shipped profile, median (target: below {1000 * SECONDS_AT_MOST:.0f} ms, {met})"


def _guard(measurement: Measurement) -> str:
    guard = measurement.guard
    screen, judges = guard["screen"], guard["judges"]
    layers = [f"form {_version(guard['form'])}"]
    layers.append(f"{_name(screen)} {_version(screen)}" if screen else "no screen")
    layers += (
        [f"judge {_name(judge)} {_version(judge)}" for judge in judges] if isinstance(judges, list) else []
    )
    return (
        f"Guard: {', '.join(layers)}{'' if judges else ', no judge'}; {guard['combine']}; policy {guard['policy']} "
        f"({str(guard['policy_hash'])[:12]}). {timing(measurement)}. Seed {measurement.seed}, texts "
        f"{measurement.data_hash[:12]}."
    )


def _name(part: object) -> str:
    return str(part["name"]) if isinstance(part, dict) else ""


def _version(part: object) -> str:
    return str(part["version"]) if isinstance(part, dict) else ""


def _details(figures: Iterable[Figure]) -> list[tuple[str, ...]]:
    """One row a part: all its figures in one cell."""
    rows: dict[tuple[str, str, str], list[Figure]] = {}
    for figure in figures:
        if _is_detail(figure):
            rows.setdefault((figure.test, figure.source, figure.part), []).append(figure)
    return [
        (
            *key,
            str(own[0].rate.n),
            "; ".join(f"{each.name.replace('_', ' ')} {shown(each.rate)}" for each in own),
        )
        for key, own in rows.items()
    ]


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)


def _is_detail(figure: Figure) -> bool:
    return "=" in figure.part


def _is_detail_of(detail: Figure, figure: Figure) -> bool:
    own = (figure.test, figure.source, figure.name)
    whole = detail.part.rpartition(", ")[0]
    return (detail.test, detail.source, detail.name) == own and whole == figure.part


def _detail(figure: Figure) -> str:
    return figure.part.rpartition(", ")[2].partition("=")[2]


def _has_target(figure: Figure) -> bool:
    return figure.at_least is not None or figure.at_most is not None


def _worst(figures: Sequence[Figure]) -> Figure | None:
    """The farthest from its target: the highest, or the lowest where it is to be high."""
    if figures[0].at_least is None:
        return worst(figures)
    known = [figure for figure in figures if figure.rate.value is not None]
    return min(known, key=lambda figure: figure.rate.value or 0.0, default=None)
