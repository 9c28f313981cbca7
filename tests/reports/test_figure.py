import sys

import pytest

from pluralign.errors import ConfigurationError, DataError, MissingExtraError
from pluralign.reports import Report, save_figure


@pytest.mark.parametrize(("name", "start"), [("f.png", b"\x89PNG"), ("f.svg", b"<?xml"), ("f.pdf", b"%PDF")])
def test_a_figure_is_written(report, tmp_path, name, start):
    pytest.importorskip("matplotlib")
    save_figure(report, tmp_path / name, n_panels=3)
    assert (tmp_path / name).read_bytes().startswith(start)


def test_no_global_state_of_matplotlib_is_used(report, tmp_path):
    matplotlib = pytest.importorskip("matplotlib")
    before = dict(matplotlib.rcParams)
    save_figure(report, tmp_path / "f.png")
    assert dict(matplotlib.rcParams) == before


def test_another_format_is_refused(report, tmp_path):
    with pytest.raises(ConfigurationError, match=r"png, svg, pdf, not as '\.xlsx'"):
        save_figure(report, tmp_path / "f.xlsx")


def test_without_matplotlib_the_extra_is_named(report, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "matplotlib.figure", raising=False)
    with pytest.raises(MissingExtraError, match=r"pluralign\[plot\]"):
        save_figure(report, tmp_path / "f.png")


def test_a_report_without_panels_has_no_figure(tmp_path):
    with pytest.raises(DataError, match=r"f\.png: no panel to draw"):
        save_figure(Report("Nothing", (), (), {}, "pluralign"), tmp_path / "f.png")
