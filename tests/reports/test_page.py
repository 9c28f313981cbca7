import re
from html.parser import HTMLParser

import pytest

from pluralign.errors import StorageError
from pluralign.records import (
    Group,
    Option,
    Question,
    QuestionSet,
    Response,
    Viewpoint,
    Window,
    WindowSet,
)
from pluralign.reports import (
    MarkedResponse,
    MarkedSentence,
    MarkedWindow,
    OvertonSection,
    Report,
    Section,
    Series,
    estimate_rows,
    render_page,
    save_figure,
    write_page,
)
from pluralign.reports.page import percent
from pluralign.reports.panels import N_BEST, N_WORST

ATTACK = """<script>alert("x")</script> & more"""
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


def test_the_number_of_people_may_be_unknown_and_replies_are_text(new_answer):
    options = (Option(text="yes"), Option(text="no"))
    question = Question(id="q", text="Do you?", options=options, shares={"all": (0.8, 0.2)})
    questions = QuestionSet(id="s", questions=(question,), groups=(Group(id="all"),))
    replies = ("<script>alert(1)</script>", "yes " * 200, "no", "never shown")
    answer = new_answer(
        "q",
        "model",
        probabilities=(0.5, 0.5),
        n_draws=5,
        sample_size=4,
        counts={"ok": 4, "unparsed": 1},
        replies=replies,
    )
    section = Section("Lands", questions, series=(Series("model", (answer,)),))
    page = Page(render_page(Report("Lands", (), (section,), {}, "pluralign")))
    assert "All people, number of people not published" in page.text
    assert "draws 5, 1 unparsed" in page.text
    assert "Replies, word for word model, 3 of 4: <script>alert(1)</script>" in page.text
    assert "never shown" not in page.text
    assert "script" not in page.tags
    assert max(len(word) for word in page.words if word.startswith("yes yes")) <= 400


def test_groups_are_drawn_best_first_with_their_baselines(world, coins):
    section = Section("World", coins.questions, series=tuple(world))
    html = render_page(Report("World", (), (section,), {}, "pluralign"))
    page = Page(html)
    assert "Jensen-Shannon divergence of 8 groups, best first by “model”" in page.text
    plot = html.split('<details class="groups" open>')[1].split("</details>")[0]
    assert re.findall(r"country: (\w)", plot) == list("ABCDEFGH")
    assert plot.count('<line class="uniform"') == plot.count('<line class="ceiling"') == 8 + 1
    assert plot.count('<svg class="blind"') == 8 + 1
    # From 0 to uniform's 0.201, on 2 to 98 percent of the width.
    assert f'cx="{2 + 96 * 0.101 / 0.201:.2f}%"' in plot


def test_further_metrics_are_folded_and_the_score_names_its_baseline(world, coins):
    section = Section("World", coins.questions, series=tuple(world))
    html = render_page(Report("World", (), (section,), {}, "pluralign"))
    folded = html.split('<details class="further">')[1].split("</details>")[0]
    open_table = html.split('<table class="estimates">')[1].split("</table>")[0]
    assert "infinite in 12 of 50 cells" in folded
    assert "infinite in" not in open_table
    assert "score 0.117 vs group-blind" in open_table
    assert "right where it is the people&#39;s" in open_table
    assert "country" not in open_table + folded
    assert "on so many cells only: group-blind 5,357 of 5,752 (all)" in Page(html).text


def test_five_thousand_cells_make_a_page_that_opens(new_answer):
    options = tuple(Option(text=f"Answer number {k}") for k in range(5))
    groups = [f"country={k}" for k in range(50)]
    shares = dict.fromkeys(groups, (0.2,) * 5)
    questions = tuple(
        Question(id=f"q{k}", text=f"What do you say to this, {k}?", options=options, shares=shares)
        for k in range(100)
    )
    answers = tuple(
        new_answer(question.id, "model", probabilities=(0.4, 0.3, 0.1, 0.1, 0.1), group=group)
        for question in questions
        for group in groups
    )
    data = QuestionSet(id="s", questions=questions, groups=tuple(Group(id=group) for group in groups))
    section = Section("Lands", data, series=(Series("model", answers),))
    html = render_page(Report("Lands", (), (section,), {}, "pluralign"))
    assert html.count("<article") == N_WORST + N_BEST
    assert "Of 5,000 questions put to a group, the 90 worst and the 10 best" in Page(html).text
    assert "cells.jsonl in the run\u2019s folder holds the values of all" in Page(html).text
    assert len(html) < 1_000_000


def test_readings_stand_under_the_heading_and_above_the_table(coins):
    readings = ("The model moves <half> of the way.", "It is drier than people.")
    section = Section("Coins", coins.questions, series=coins.series, readings=readings)
    html = render_page(Report("Coins", (), (section,), {}, "pluralign"))
    places = [
        html.index(part)
        for part in ("<h2>Coins", "moves &lt;half&gt; of", "drier", '<table class="estimates">')
    ]
    assert places == sorted(places)
    assert "half>" not in Page(html).tags


def test_without_steering_nothing_of_it_is_on_the_page(html):
    body = html.split("</style>")[1]
    for part in ("readings", "plots", "single people", "chance</dt>", "pairs"):
        assert part not in body


def test_pairs_are_drawn_best_first_and_new_baselines_are_explained(coins, new_estimate):
    baselines = {"chance": 0.5, "question-blind": 0.6}
    rate = {
        "name": "identification_rate",
        "unit": "probability",
        "lower_is_better": False,
        "baselines": baselines,
    }
    estimates = (
        new_estimate(0.8, **rate),
        *(new_estimate(0.5 + i / 10, **rate, slice=f"pair=g=A | g={name}") for i, name in enumerate("BCDE")),
    )
    section = Section("Pairs", coins.questions, series=(Series("model", estimates=estimates),))
    html = render_page(Report("Pairs", (), (section,), {}, "pluralign"))
    text = Page(html).text
    assert "Identification rate of 4 pairs, best first by “model”" in text
    plot = html.split('<details class="groups" open>')[1].split("</details>")[0]
    assert re.findall(r"A against (\w)", plot) == list("EDCB")
    assert "chance what a blind guess gets" in text
    assert "other people what" not in text


@pytest.fixture
def windows(new_estimate):
    """A section of one window, with a response and a union of two answers."""
    window = Window(
        id="w",
        prompt=ATTACK,
        viewpoints=(
            Viewpoint(id="a", statements=("It is good.",), share=0.6),
            Viewpoint(id="b", statements=("It is bad.",), share=0.4),
        ),
        n_people=10,
    )
    response = Response(key="k", window_id="w", model_id="m", outcome="ok", text="Some like it. It rains.")
    marked = MarkedResponse(
        "model", response, (MarkedSentence("Some like it.", (0,)), MarkedSentence("It rains.")), (0,)
    )
    same = {
        "lower_is_better": False,
        "unit": "probability",
        "baselines": {"empty": 0.0, "other windows": 0.1},
    }
    estimates = (
        new_estimate(0.5, name="coverage", **same),
        *(new_estimate(0.4 + n / 10, name="union_coverage", slice=f"samples={n}", **same) for n in (1, 2, 3)),
        new_estimate(40.0, name="response_tokens", unit="tokens", lower_is_better=None),
    )
    return OvertonSection(
        "Windows",
        WindowSet(id="s", windows=(window,), source="Polis, CC BY 4.0"),
        (Series("model", estimates=estimates),),
        responses=(MarkedWindow(window, (marked,)),),
        readings=("One answer states half of the views.",),
    )


def test_a_section_of_windows_stands_on_the_page(windows, coins):
    html = render_page(Report("Both", (), (coins, windows), {}, "pluralign"))
    page = Page(html)
    assert "script" not in page.tags
    assert "1 question with 2 views. Polis, CC BY 4.0" in page.text
    assert "One answer states half of the views." in page.text
    assert "Some like it." in page.text
    assert "Not stated: 2 40% of people" in page.text
    assert "Coverage by any of several answers probability" in page.text
    assert "Length of a response tokens, · neither better nor worse" in page.text
    assert "other windows what the same responses get against another" in page.text
    body = html.split('<section id="section-2">')[1]
    # The headline holds both ends of the union, the rest is folded, and the curve has them all.
    headline, further = body.split('<details class="further">')
    assert ("one answer" in headline, "any of 3 answers" in headline) == (True, True)
    assert "any of 2 answers" not in headline
    assert "any of 2 answers" in further
    assert "answers to the same question</text>" in body
    # Every colour of a view in both schemes.
    assert [html.count(f".v{i} {{ --v:") for i in range(9)] == [2] * 8 + [0]


def test_a_page_without_windows_has_nothing_of_them(html):
    assert ".view-mark" not in html
    assert "--v:" not in html


def test_a_figure_passes_over_sections_of_windows(windows, coins, tmp_path):
    pytest.importorskip("matplotlib")
    save_figure(Report("Both", (), (windows, coins), {}, "pluralign"), tmp_path / "both.png", dpi=50)
    assert (tmp_path / "both.png").read_bytes().startswith(b"\x89PNG")
