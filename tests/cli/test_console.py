import sys

from pluralign.cli.console import PIPE_WIDTH, progress_bars, result_console


def test_a_pipe_gets_room_for_the_table(monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False, raising=False)
    assert result_console().width == PIPE_WIDTH


def test_progress_goes_to_stderr_and_leaves_stdout_alone(capsys):
    with progress_bars() as start:
        progress = start("counting")
        for finished in range(1, 4):
            progress(finished, 3)
    out, err = capsys.readouterr()
    assert out == ""
    assert "counting" in err
    assert "3/3" in err
