"""`pluralign serve`: what stops it before it listens. How it runs is tested with the gateway itself."""

import pytest

from pluralign.cli.app import main


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--upstream http://localhost:8000/v1"),
        (("--upstream", "localhost"), "is no address"),
        (("--upstream", "http://x", "--guard", "none"), "guard"),
        (("--upstream", "http://x", "--audit-text"), "name one with --audit FILE"),
        (("--upstream", "http://x", "--profiles", "nowhere"), "'nowhere' is no folder"),
        (("--upstream", "http://x", "--keys", "nowhere.yaml"), "nowhere.yaml"),
        (("--upstream", "http://x", "--config", "nowhere.yaml"), "nowhere.yaml"),
        (("--upstream", "http://x", "--overlay", "nowhere"), "Unknown overlay"),
    ],
)
def test_a_wrong_option_is_named(arguments, message, capsys):
    assert main(["serve", *arguments]) == 2
    assert message in " ".join(capsys.readouterr().err.split())


def test_help_says_what_each_guard_does(capsys):
    assert main(["serve", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "needs no model" in text
    assert "PLURALIGN_UPSTREAM_KEY" in text
    assert "[default: rules]" in text
