"""The colours of the series, the same on the page and in figures."""

# (on white, on dark), in order of the series; told apart under the common colour blindnesses and, by
# lightness, in grey print. The last series of a section is always ACCENT.
ACCENT = ("#0b6e6e", "#4fc3b8")
OTHERS = (("#c98a2b", "#e0a94a"), ("#8f9fc4", "#8fa3d6"), ("#b0567f", "#d98bb0"), ("#7a7f2f", "#b9bf63"))
REFERENCE = ("#5d5a55", "#b4b0a8")


def series_colours(n: int) -> list[tuple[str, str]]:
    """Colours of n series; they repeat after the fifth."""
    return [*(OTHERS[i % len(OTHERS)] for i in range(n - 1)), ACCENT][:n]
