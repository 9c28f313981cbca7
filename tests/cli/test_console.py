import sys

from pluralign.cli.console import PIPE_WIDTH, progress_bars, result_console


def test_a_pipe_gets_room_for_the_table(monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False, raising=False)
    assert result_console().width == PIPE_WIDTH


def test_progress_goes_to_stderr_a_line_a_tenth(capsys):
    with progress_bars() as start:
        progress = start("counting")
        for finished in range(1, 41):
            progress(finished, 40)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == ["counting ...", *(f"counting: {n}/40" for n in range(4, 41, 4))]


def test_a_terminal_gets_bars(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    with progress_bars() as start:
        start("counting")(3, 3)
    assert "3/3" in capsys.readouterr().err
