import re
from html.parser import HTMLParser

import pytest

from pluralign.errors import StorageError
from pluralign.reports import Report, estimate_rows, render_page, write_page
from pluralign.reports.page import percent

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Page(HTMLParser):
    """Checks that tags nest, and keeps text, attributes and tags."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.attributes, self.words = [], [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


@pytest.fixture
def html(report):
    return render_page(report)


def test_the_page_is_well_formed_and_shows_the_same_rows_as_the_terminal(html, coins):
    text = Page(html).text
    for row in estimate_rows(coins.series):
        for _, cell in (*row.series, *row.references):
            assert cell.number in text
            assert cell.bracket in text
            assert cell.unscored in text
    assert "\u22120.210 bits [\u22120.250, \u22120.170], p < 0.001: better" in text
    assert "the definition of the divergence" in text
    assert "pluralign quickstart --seed 0" in text


def test_untrusted_text_stays_text(html, coins):
    page = Page(html)
    assert html.startswith("<!doctype html>")
    assert "script" not in page.tags
    assert coins.questions.questions[1].text in page.text
    assert not [name for name, _ in page.attributes if name.startswith("on")]


def test_the_page_loads_nothing(html):
    page = Page(html)
    loading = [value for name, value in page.attributes if name in {"src", "href", "data", "action"}]
    assert all(value.startswith("#") or value == "data:," for value in loading)
    assert not re.search(r"@import|url\(", html)
    assert "default-src 'none'" in html


def test_a_refused_answer_is_said_and_has_no_bar(html):
    panel = next(part for part in html.split("<article")[1:] if "Flip a fair coin." in part)
    assert panel.count('<td class="outcome" rowspan="2">refused</td>') == 1
    # Two options: bars for the truth and for "after" only.
    assert panel.count('<i style="width:100.0%">') == 4
    assert panel.count('class="track"') == 4


def test_bars_and_marks_stand_where_the_numbers_say(html):
    panel = next(part for part in html.split("<article")[1:] if "&lt;script&gt;" in part)
    assert '<i style="width:70.0%"></i><b style="left:90.0%"></b>' in panel
    assert re.search(r"valid mass</th><td></td><td>3%</td><td>97%</td>", panel)
    assert re.search(r"total variation</th><td></td><td>0\.700</td><td>0\.200</td>", panel)


def test_groups_show_who_and_how_many(html):
    text = Page(html).text
    assert "People who identify as Democrats n = 10" in text
    assert "Republicans" not in text


def test_equal_reports_give_equal_pages(report, html):
    assert render_page(report) == html


def test_a_report_without_sections_is_a_page():
    assert "Nothing" in Page(render_page(Report("Nothing", (), (), {}, "pluralign"))).text


@pytest.mark.parametrize(
    ("probability", "text"),
    [(0, "0%"), (0.001, "<1%"), (0.426, "43%"), (0.999, ">99%"), (1, "100%")],
)
def test_percent(probability, text):
    assert percent(probability) == text


def test_the_file_appears_whole_and_replaces_the_old_one(report, html, tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old", encoding="utf-8")
    write_page(report, path)
    assert path.read_text(encoding="utf-8") == html
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]


def test_a_failed_write_leaves_the_old_file_and_no_other(report, tmp_path, monkeypatch):
    path = tmp_path / "report.html"
    path.write_text("old", encoding="utf-8")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pluralign.files.os.replace", full)
    with pytest.raises(StorageError, match=r"report\.html: cannot be written: .*No space left"):
        write_page(report, path)
    assert path.read_text(encoding="utf-8") == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]


def test_a_missing_folder_is_named(report, tmp_path):
    with pytest.raises(StorageError, match=r"nowhere/report\.html: cannot be written"):
        write_page(report, tmp_path / "nowhere" / "report.html")
