import re
from io import StringIO

from rich.console import Console

from pluralign.reports import Series, as_markdown, estimate_rows, estimates_table


def printed(table, width=100):
    console = Console(width=width, file=StringIO())
    console.print(table)
    return console.file.getvalue()


def test_terminal_and_markdown_show_the_same_cells(coins):
    rows = estimate_rows(coins.series)
    text, markdown = printed(estimates_table(coins.series, title="Coins")), as_markdown(rows)
    for row in rows:
        for _, cell in (*row.series, *row.references):
            for part in filter(None, [cell.bracket, *cell.number.split()]):
                assert part in text
                assert part in markdown
    assert "not scored, all: before: 1 refused" in text
    assert "before: 1 refused" in markdown
    assert "95% interval: bootstrap over questions" in text


def test_three_series_fit_into_a_hundred_columns_unbroken(coins):
    estimates = (*coins.series[0].estimates[:1], *coins.series[1].estimates)
    series = [
        Series(label, estimates=estimates[i : i + 1])
        for label, i in (("before (chat)", 0), ("before (spectrum format)", 0), ("after", 1))
    ]
    text = printed(estimates_table(series))
    assert max(map(len, text.splitlines())) <= 100
    assert text.count("[0.200, 0.300]") == 2
    assert "[0.010, 0.070]" in text


def test_markup_in_a_label_is_text(coins):
    text = printed(estimates_table([Series("[red]x", estimates=coins.series[1].estimates)]))
    assert "[red]x" in text


def test_markdown_is_a_table_whatever_the_labels_hold(coins):
    rows = estimate_rows([Series("a|b\n<i>", estimates=coins.series[1].estimates)])
    lines = as_markdown(rows).splitlines()
    assert lines[0].split(" | ")[2] == r"a\|b &lt;i&gt;"
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1
    assert as_markdown([]) == ""


def test_nothing_measured_is_an_empty_table():
    assert "lower is better" in printed(estimates_table([Series("x")]))
