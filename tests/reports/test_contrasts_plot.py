import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from pluralign.errors import ConfigurationError, DataError
from pluralign.records import Contrast, Option, Question, QuestionSet
from pluralign.reports import Report, Section, Series, render_page, save_contrast_figure
from pluralign.reports.contrasts_plot import (
    LEFT,
    N_DOTS,
    N_SQUARES,
    SIDE,
    SQUARE,
    TOP,
    contrast_plots,
    fitted_slope,
    line_ends,
)

DEMOCRAT, REPUBLICAN = "party=Democrat", "party=Republican"
SVG = "{http://www.w3.org/2000/svg}"


def asked(n):
    options = (Option(text="yes"), Option(text="no"))
    return QuestionSet(
        id="s",
        questions=tuple(Question(id=f"q{i}", text=f"Is it {i} & <so>?", options=options) for i in range(n)),
    )


def contrast(i, *, people, predicted, first=DEMOCRAT, second=REPUBLICAN):
    return Contrast(
        question_id=f"q{i}",
        first=first,
        second=second,
        people=(people, -people),
        predicted=(predicted, -predicted),
    )


@pytest.fixture
def two():
    """Two questions: <predicted, people> = 2 (0.2 x 0.1 + 0.4 x 0.05), <people, people> = 2 (0.04 + 0.16)."""
    return (contrast(0, people=0.2, predicted=0.1), contrast(1, people=0.4, predicted=0.05))


@pytest.fixture
def many():
    """1,000 questions with a slope of 1.5 exactly."""
    people = np.random.default_rng(0).uniform(-0.6, 0.6, 1000)
    return tuple(contrast(i, people=float(x), predicted=1.5 * float(x)) for i, x in enumerate(people))


def drawn(contrasts, n, **more):
    section = Section("S", asked(n), series=(Series("a"), Series("b")), contrasts=tuple(contrasts), **more)
    html = render_page(Report("S", (), (section,), {}, "pluralign"))
    return html, [ET.fromstring(svg) for svg in re.findall(r"<svg viewBox.*?</svg>", html, re.DOTALL)]


def of_class(svg, name):
    return [each for each in svg.iter() if name in each.get("class", "").split()]


def test_the_slope_goes_through_the_origin(two):
    (plot,) = contrast_plots(two, asked(2))
    # 2 (0.02 + 0.02) / 2 (0.04 + 0.16) = 0.04 / 0.2.
    assert plot.slope == pytest.approx(0.2)
    x = np.array([0.2, -0.2, 0.4, -0.4])
    y = np.array([0.1, -0.1, 0.05, -0.05])
    assert fitted_slope(x, y) == pytest.approx(np.linalg.lstsq(x[:, None], y, rcond=None)[0][0])


@pytest.mark.parametrize(
    ("slope", "ends"),
    [
        (0.5, ((-0.4, -0.2), (0.4, 0.2))),
        (2.0, ((-0.2, -0.4), (0.2, 0.4))),
        (-4.0, ((-0.1, 0.4), (0.1, -0.4))),
        (0.0, ((-0.4, 0.0), (0.4, 0.0))),
        (1.0, ((-0.4, -0.4), (0.4, 0.4))),
    ],
)
def test_a_line_ends_at_the_edges(slope, ends):
    assert np.allclose(line_ends(slope, 0.4), ends)


def test_what_the_drawing_holds_stands_where_it_should(two):
    _, (svg,) = drawn(two, 2)
    # Axes from -0.4 to 0.4 over 287 units: the people's 0.2 lies three quarters across, the predicted 0.1 at
    # five eighths of the height, 0.05 at nine sixteenths.
    assert (LEFT, TOP, SIDE) == (50, 8, 287)
    dots = [(float(dot.get("cx")), float(dot.get("cy"))) for dot in of_class(svg, "dot")]
    assert dots == [(265.2, 115.6), (121.8, 187.4), (337.0, 133.6), (50.0, 169.4)]
    (fit,), (faithful,), (ignored,) = (of_class(svg, name) for name in ("fit", "faithful", "ignored"))

    def ends(line):
        return [float(line.get(name)) for name in ("x1", "y1", "x2", "y2")]

    # At the edges the fitted line is at 0.2 x 0.4 = 0.08: a tenth of the height from the middle, 151.5.
    assert ends(fit) == [50, 180.2, 337, 122.8]
    assert ends(faithful) == [50, 295, 337, 8]
    assert ends(ignored) == [50, 151.5, 337, 151.5]
    assert [text.text for text in svg.iter("text")][:5] == ["−0.4", "−0.2", "0", "0.2", "0.4"]


def test_the_drawing_can_be_read_aloud_and_a_dot_names_its_question(two):
    html, (svg,) = drawn(two, 2)
    ids = [svg.get("aria-labelledby"), svg.get("aria-describedby")]
    words = {each.get("id"): each.text for each in svg if each.tag in {"title", "desc"}}
    assert svg.get("role") == "img"
    assert words[ids[0]] == "Predicted against real differences: Democrat against Republican"
    assert "4 differences, one for each option of 2 questions" in words[ids[1]]
    assert "slope through the origin is 0.200" in words[ids[1]]
    titles = [dot.findtext("title") for dot in of_class(svg, "dot")]
    assert titles[0] == "Is it 0 & <so>? yes (Democrat against Republican): people +0.20, predicted +0.10"
    assert titles[3].endswith("no (Democrat against Republican): people −0.40, predicted −0.05")
    # In the colour of the last series.
    assert of_class(svg, "s1")
    assert "in the answers for them of “b”." in html
    assert "<script" not in html
    assert len(set(re.findall(r' id="([^"]+)"', html))) == len(re.findall(r' id="', html))


def test_many_differences_are_squares_and_the_slope_is_fitted_on_all(many):
    (plot,) = contrast_plots(many, asked(1000))
    assert plot.slope == pytest.approx(1.5)
    assert (plot.n_points, plot.n_questions, plot.dots) == (2000, 1000, ())
    people = np.array([value for each in many for value in each.people])
    predicted = np.array([value for each in many for value in each.predicted])
    edges = np.linspace(-1, 1, N_SQUARES + 1)
    counts = np.histogram2d(people, predicted, bins=(edges, edges))[0]
    columns, rows = np.nonzero(counts)
    expected = {
        (LEFT + SQUARE * x, TOP + SQUARE * (N_SQUARES - 1 - y)) for x, y in zip(columns, rows, strict=True)
    }
    found = [
        tuple(map(int, place)) for path in plot.squares for place in re.findall(r"M(\d+) (\d+)h7v7h-7z", path)
    ]
    assert len(found) == len(set(found))
    assert set(found) == expected
    assert plot.n_fullest == counts.max()
    assert plot.squares[-1]
    _, (svg,) = drawn(many, 1000)
    assert not of_class(svg, "dot")


def test_dots_give_way_to_squares_just_above_the_bound():
    def points(n):
        return contrast_plots([contrast(i, people=0.1, predicted=0.05) for i in range(n)], asked(n))[0]

    assert len(points(N_DOTS // 2).dots) == N_DOTS
    assert points(N_DOTS // 2 + 1).dots == ()
    assert points(N_DOTS // 2 + 1).n_fullest == N_DOTS // 2 + 1


def test_a_few_pairs_have_a_plot_each_to_one_scale_and_many_share_one():
    groups = [f"race={name}" for name in "ABCDE"]
    of = [
        contrast(0, people=0.05 * (i + 1), predicted=0.1, first=groups[i], second=groups[i + 1])
        for i in range(4)
    ]
    plots = contrast_plots(of, asked(1))
    assert [plot.title for plot in plots] == ["A against B", "B against C", "C against D", "D against E"]
    # 0.1 / 0.05, 0.1 / 0.1, ...
    assert [plot.slope for plot in plots] == pytest.approx([2, 1, 2 / 3, 0.5])
    assert {plot.limit for plot in plots} == {0.2}
    (whole,) = contrast_plots(
        [*of, contrast(0, people=0.2, predicted=0.2, second="race=E", first="race=A")], asked(1)
    )
    assert (whole.title, whole.n_points, whole.n_questions) == ("All 5 pairs of groups", 10, 1)


def test_without_real_differences_there_is_no_slope():
    (plot,) = contrast_plots([contrast(0, people=0.0, predicted=0.3)], asked(1))
    assert (plot.slope, plot.line) == (None, None)
    html, (svg,) = drawn([contrast(0, people=0.0, predicted=0.3)], 1)
    assert "no slope, people do not differ" in html
    assert not of_class(svg, "fit")


def test_fifty_thousand_contrasts_make_a_page_that_opens():
    rng = np.random.default_rng(1)
    values = rng.uniform(-0.99, 0.99, (50_000, 2)).tolist()
    contrasts = [
        contrast(i % 500, people=x, predicted=y, first=f"g={i % 4}", second="g=z")
        for i, (x, y) in enumerate(values)
    ]
    html, plots = drawn(contrasts, 500)
    assert len(plots) == 4
    # Four plots in which every square is full: 1,681 outlines of at most 17 characters each.
    assert len(html) < 160_000


def test_a_section_refuses_contrasts_that_do_not_fit_its_questions(two):
    with pytest.raises(DataError, match=r"unknown question 'q1'\. Did you mean 'q0'\?"):
        Section("S", asked(1), series=(), contrasts=two)
    three = Contrast(question_id="q0", first="a", second="b", people=(0.1, 0.1, -0.2), predicted=(0, 0, 0))
    with pytest.raises(DataError, match="3 differences for the 2 options of question 'q0'"):
        Section("S", asked(1), series=(), contrasts=(three,))


@pytest.mark.parametrize(("name", "start"), [("f.png", b"\x89PNG"), ("f.svg", b"<?xml"), ("f.pdf", b"%PDF")])
def test_a_figure_is_written(two, many, tmp_path, name, start):
    pytest.importorskip("matplotlib")
    other = contrast(0, people=0.0, predicted=0.1, first="a=$x$", second="a=y")
    save_contrast_figure([*two, *many, other], tmp_path / name, dpi=50)
    assert (tmp_path / name).read_bytes().startswith(start)


def test_a_figure_needs_contrasts_and_a_known_ending(two, tmp_path):
    with pytest.raises(DataError, match="no contrasts to draw"):
        save_contrast_figure([], tmp_path / "f.png")
    with pytest.raises(ConfigurationError, match=r"png, svg, pdf, not as '\.gif'"):
        save_contrast_figure(two, tmp_path / "f.gif")
