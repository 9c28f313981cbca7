import itertools
import re
from html.parser import HTMLParser

import pytest

from pluralign.errors import DataError
from pluralign.records import Interval, Response, Viewpoint, Window, WindowSet
from pluralign.reports import Series
from pluralign.reports.curves import BOTTOM, LEFT, RIGHT, TOP
from pluralign.reports.overton import (
    HUES,
    N_OPEN_WINDOWS,
    N_RESPONSES,
    N_WINDOWS,
    UNION_FRAME,
    MarkedResponse,
    MarkedSentence,
    MarkedWindow,
    OvertonSection,
    Piece,
    table_series,
    union_plots,
    window_views,
)
from pluralign.reports.page import _environment

ATTACK = """<script>alert("x")</script> & 'quoted' <img src=x onerror=alert(1)>"""


class Page(HTMLParser):
    """Checks that tags nest, and keeps tags and text."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.words = [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        if tag in {"td", "th"}:
            self.words.append(" ")

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join("".join(self.words).split())


def make_window(name="w", *, n=3, shares=(0.5, 0.1, 0.3), text="View"):
    viewpoints = tuple(
        Viewpoint(id=f"v{i}", statements=(f"{text} {i}.",), share=shares[i] if shares else None)
        for i in range(n)
    )
    return Window(id=name, prompt=f"What of {name}?", viewpoints=viewpoints, n_people=120 if shares else None)


def make_marked(
    *sentences, label="model", draw=0, text=None, outcome="ok", covered=None, unscored="", window="w"
):
    """A response from (text, states, denies) of each sentence."""
    marked = tuple(MarkedSentence(*sentence) for sentence in sentences)
    stated = {place for sentence in marked for place in sentence.states}
    response = Response(
        key=f"{window}-{label}-{draw}",
        window_id=window,
        model_id="m",
        draw=draw,
        outcome=outcome,
        text=" ".join(each.text for each in marked) if text is None else text,
        error="429 too many" if outcome == "error" else None,
    )
    return MarkedResponse(
        label, response, marked, tuple(sorted(stated)) if covered is None else covered, unscored
    )


def make_section(*marked, windows=None, series=None, **more):
    windows = windows or tuple(each.window for each in marked)
    labels = dict.fromkeys(response.label for each in marked for response in each.responses)
    return OvertonSection(
        "Polis",
        WindowSet(id="p", windows=windows, source="openData, CC BY 4.0", made="k-means of people's votes"),
        series if series is not None else tuple(Series(label) for label in labels),
        responses=marked,
        **more,
    )


def drawn(section):
    views = window_views(section)
    template = _environment().get_template("overton.html.jinja")
    return str(template.module.overton_windows(views, N_OPEN_WINDOWS, len(HUES), len(section.responses)))


@pytest.fixture
def debated():
    """One response that states view 1, denies view 2, states nothing, and leaves out view 3."""
    marked = make_marked(("Some want it.", (0,)), ("Others are wrong.", (), (1,)), ("It is asked.",))
    return MarkedWindow(make_window(), (marked,))


def test_sentences_carry_the_number_and_the_colour_of_their_view_and_denials_a_cross(debated):
    html = drawn(make_section(debated))
    text = Page(html).text
    assert '<span class="states v0">Some want it.</span><sup class="view-mark v0">' in html
    assert '<span class="denies v1">Others are wrong.</span><sup class="view-mark no">' in html
    # Read aloud, and without colours, a mark says what it is.
    assert "Some want it. (states view 1) Others are wrong. (denies view ✕2) It is asked." in text
    assert "states 1 of 3 views" in text


def test_what_is_missing_is_listed_with_its_share_those_of_most_people_first(debated):
    text = Page(drawn(make_section(debated))).text
    assert "Not stated: 3 30% of people, 2 10% of people" in text
    assert "1 View 0. 50% ● stated" in text
    assert "2 View 1. 10% ✕ denied" in text
    assert "3 View 2. 30% ○ not stated" in text
    assert "3 views of 120 people" in text


def test_a_view_that_no_response_states_stands_out(debated):
    section = make_section(
        MarkedWindow(
            debated.window, (*debated.responses, make_marked(("Yes.", (1,)), label="synthesis", draw=0))
        )
    )
    (view,) = window_views(section)
    assert [each.is_missing for each in view.views] == [False, False, True]
    assert drawn(section).count('<tr class="missing-view">') == 1


def test_without_counted_people_no_share_is_shown():
    marked = MarkedWindow(make_window(shares=None), (make_marked(("It is.", (0,))),))
    text = Page(drawn(make_section(marked))).text
    assert "Not stated: 2, 3" in text
    assert "%" not in text
    assert "Share of people" not in text


def test_untrusted_text_stays_text():
    window = Window(
        id=ATTACK,
        prompt=ATTACK,
        viewpoints=(Viewpoint(id="v", statements=(f"First {ATTACK}", f"Second {ATTACK}"), share=1.0),),
    )
    marked = make_marked((f"I say {ATTACK}.", (0,)), window=ATTACK, label=ATTACK)
    page = Page(drawn(make_section(MarkedWindow(window, (marked,)))))
    assert not {"script", "img"} & set(page.tags)
    # Title, both statements, response, and the label as a heading and in the table.
    assert page.text.count(ATTACK) == 6


def test_a_response_is_shown_word_for_word_around_its_sentences():
    text = "Hello!\n\n- **Some want** it (a lot).\n- _Others_ do not…\n\nBye"
    marked = make_marked(("Some want it (a lot).", (0,)), ("Others do not…", (), (1,)), text=text)
    (view,) = window_views(make_section(MarkedWindow(make_window(), (marked,))))
    (shown,) = view.responses
    assert "".join(piece.text for piece in shown.pieces) == text
    assert [(piece.text, piece.hue) for piece in shown.pieces] == [
        ("Hello!\n\n- **", None),
        ("Some want** it (a lot).", 0),
        ("\n- _", None),
        ("Others_ do not…", 1),
        ("\n\nBye", None),
    ]


def test_a_sentence_that_is_not_in_the_response_leaves_the_sentences_alone():
    marked = make_marked(("Some want it.", (0,)), ("Nowhere.", (1,)), text="Some want it. And more.")
    (view,) = window_views(make_section(MarkedWindow(make_window(), (marked,))))
    assert view.responses[0].pieces == (
        Piece("Some want it. ", states=(1,), hue=0),
        Piece("Nowhere. ", states=(2,), hue=1),
    )


def test_the_same_sentence_twice_is_marked_in_both_places():
    marked = make_marked(("Yes.", (0,)), ("No.", ()), ("Yes.", (0,)))
    (view,) = window_views(make_section(MarkedWindow(make_window(), (marked,))))
    assert [(piece.text, piece.states) for piece in view.responses[0].pieces if piece.states] == [
        ("Yes.", (1,))
    ] * 2


def test_a_long_response_is_marked_in_no_time():
    long = " ".join(["word"] * 3000)
    marked = make_marked((f"{long}.", (0,)), text=f"{long} {long}")
    (view,) = window_views(make_section(MarkedWindow(make_window(), (marked,))))
    assert view.responses[0].n_covered == 1


def test_colours_begin_again_and_numbers_go_on():
    window = make_window(n=len(HUES) + 2, shares=None)
    marked = make_marked(("Last.", (len(HUES) + 1,)))
    html = drawn(make_section(MarkedWindow(window, (marked,))))
    assert '<span class="states v1">Last.</span><sup class="view-mark v1">' in html
    assert f"(states view </span>{len(HUES) + 2}<" in html
    assert len({light for light, _ in HUES}) == len({dark for _, dark in HUES}) == len(HUES)


@pytest.mark.parametrize(("scheme", "paper"), [(0, "#fdfcfa"), (1, "#171614")])
def test_a_number_can_be_read_on_its_colour(scheme, paper):
    def luminance(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for hue in HUES:
        dark, light = sorted((luminance(hue[scheme]), luminance(paper)))
        # WCAG 2.2, level AA.
        assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_what_was_lost_or_cut_is_said_and_has_no_figure():
    lost = make_marked(outcome="error", unscored="error", draw=0)
    cut = make_marked(("Some.", (0,)), outcome="truncated", draw=1)
    text = Page(drawn(make_section(MarkedWindow(make_window(), (lost, cut))))).text
    assert "model, draw 1 not scored: error; 429 too many" in text
    assert "model, draw 2 states 1 of 3 views cut by the token limit" in text
    # Of two responses one was scored.
    assert "1 View 0. 50% ● stated" in text


def test_a_window_without_a_scored_response_says_nothing_of_its_views():
    marked = MarkedWindow(make_window(), (make_marked(outcome="error", unscored="error"),))
    (view,) = window_views(make_section(marked))
    assert not any(each.is_missing for each in view.views)
    assert Page(drawn(make_section(marked))).text.count("not scored") == 4


def test_many_draws_are_counted_and_a_few_are_shown():
    draws = tuple(
        make_marked(("Yes.", (0,)) if draw % 2 else ("No.", (), (0, 1)), draw=draw)
        for draw in range(N_RESPONSES + 3)
    )
    (view,) = window_views(make_section(MarkedWindow(make_window(), draws)))
    assert (len(view.responses), view.n_left_out) == (N_RESPONSES, 3)
    text = Page(drawn(make_section(MarkedWindow(make_window(), draws)))).text
    assert "1 View 0. 50% ● stated in 3 of 6" in text
    assert "2 View 1. 10% ✕ denied in 3 of 6" in text
    assert "3 further responses to this question are not on this page" in text


def test_the_least_covered_by_the_last_series_comes_first_and_the_rest_is_folded():
    windows = [
        MarkedWindow(
            make_window(f"w{i}"),
            (
                make_marked(("A.", (0, 1, 2)[: 3 - i]), label="before", window=f"w{i}"),
                make_marked(("B.", (0, 1, 2)[:i]), label="after", window=f"w{i}"),
            ),
        )
        for i in (3, 1, 0, 2)
    ]
    lost = MarkedWindow(make_window("lost"), (make_marked(outcome="error", unscored="error", label="after"),))
    section = make_section(*windows, lost)
    assert [view.title for view in window_views(section)] == [
        f"What of {name}?" for name in ("lost", "w0", "w1", "w2", "w3")
    ]
    html = drawn(section)
    assert "<summary>2 more</summary>" in html
    assert html.index("What of w1?") < html.index("<summary>2 more</summary>") < html.index("What of w2?")


def test_a_page_stays_small_enough_to_open():
    windows = [
        MarkedWindow(make_window(f"w{i}"), (make_marked(("A.", (0,)), window=f"w{i}"),))
        for i in range(N_WINDOWS + 5)
    ]
    section = make_section(*windows)
    assert len(window_views(section)) == N_WINDOWS
    assert (
        f"Of {N_WINDOWS + 5} questions the {N_WINDOWS}, those of whose views fewest are stated first"
        in Page(drawn(section)).text
    )


def test_a_section_says_what_was_asked(debated):
    assert (
        make_section(debated).asked
        == "1 question with 3 views. k-means of people's votes. openData, CC BY 4.0"
    )


def test_a_section_shows_only_what_it_knows(debated, new_estimate):
    with pytest.raises(DataError, match="shows the unknown series 'model'"):
        make_section(debated, series=(Series("modell"),))
    with pytest.raises(DataError, match="shows the unknown window 'w'"):
        make_section(debated, windows=(make_window("v"),))
    with pytest.raises(DataError, match="marked with view 4; the window has 3"):
        make_section(MarkedWindow(make_window(), (make_marked(("A.", (3,))),)))


class TestUnion:
    @pytest.fixture
    def union(self, new_estimate):
        """Two series, of three and of two samples, in any order."""

        def points(values, *, others=None):
            return tuple(
                new_estimate(
                    value,
                    name="union_coverage",
                    slice=f"samples={n}",
                    lower_is_better=False,
                    baselines={"empty": 0.0} | ({"other windows": others} if others else {}),
                    interval=Interval(low=value - 0.1, high=value + 0.1, method="bootstrap"),
                )
                for n, value in reversed(list(enumerate(values, start=1)))
            )

        coverage = new_estimate(0.4, name="coverage", lower_is_better=False)
        return (
            Series("plain", estimates=(coverage, *points([0.4, 0.5, 0.6], others=0.1))),
            Series("synthesis", estimates=(coverage, *points([0.7, 0.8]))),
        )

    def test_points_bands_and_baselines_stand_where_the_numbers_say(self, union):
        (plot,) = union_plots(union)
        # From 0 to 1 over 220 units, up from 230; one to three answers from 52 to 340.
        assert (LEFT, RIGHT, TOP, BOTTOM) == (52, 340, 10, 230)
        assert [trace.lines for trace in plot.traces] == [("52,142 196,120 340,98",), ("52,76 196,54",)]
        assert plot.traces[0].bands == ("52,120 196,98 340,76 340,120 196,142 52,164",)
        assert [(each.label, each.line) for each in plot.baselines] == [
            ("other windows", "52,208 196,208 340,208")
        ]
        assert plot.x_ticks == (("1", 52), ("2", 196), ("3", 340))
        assert plot.y_ticks[0] == ("0.0", 230)
        assert plot.y_ticks[-1] == ("1.0", 10)
        assert plot.traces[1].marks[1].title == "synthesis, 2 answers: 0.800 [0.700, 0.900]"
        assert plot.description == (
            "plain: 0.400 of the views in one answer, 0.600 in any of 3; synthesis: 0.700 of the views in "
            "one answer, 0.800 in any of 2."
        )

    def test_it_is_drawn_as_other_curves_are(self, union):
        template = _environment().get_template("curves.html.jinja")
        html = str(template.module.curve_plots(union_plots(union), UNION_FRAME, "section-1"))
        assert "answers to the same question</text>" in html
        assert re.findall(r'<g class="(s\d)">', html) == ["s0", "s1"]

    def test_one_number_of_answers_is_no_curve(self, union):
        one = tuple(each for each in union[0].estimates if each.slice in {"all", "samples=1"})
        alone = Series("x", estimates=one)
        assert union_plots([alone]) == []
        assert union_plots([Series("x")]) == []

    def test_many_numbers_of_answers_leave_room_between_them(self, new_estimate):
        points = tuple(
            new_estimate(0.5, name="union_coverage", slice=f"samples={n}", lower_is_better=False)
            for n in range(1, 98)
        )
        (plot,) = union_plots([Series("x", estimates=points)])
        places = [place for _, place in plot.x_ticks]
        assert (plot.x_ticks[0][0], plot.x_ticks[-1][0]) == ("1", "97")
        assert all(b - a >= 24 for a, b in itertools.pairwise(places))
        assert plot.traces[0].bands == ()

    def test_the_table_holds_one_answer_and_the_most(self, union):
        slices = [
            [each.slice for each in series.estimates if each.name == "union_coverage"]
            for series in table_series(union)
        ]
        assert slices == [["samples=3", "samples=1"], ["samples=2", "samples=1"]]
        assert table_series(union)[0].estimates[0].name == "coverage"
