import pytest

from pluralign.data.refusals import is_refusal


@pytest.mark.parametrize(
    "option",
    [
        "DK/Refused",
        "Don't know",
        "Don\u2019t know / Refused",
        "Don't know/Refused",
        "No answer",
        "Missing; Not available",
        "Other missing; Multiple answers Mail (EVS)",
        "Refused to answer.",
        "[Refused]",
        "Don't know or no answer",
    ],
)
def test_what_answers_nothing(option):
    assert is_refusal(option)


@pytest.mark.parametrize(
    "option",
    ["Yes", "No, I do not know anyone", "Neither", "Not sure", "Good or bad", "No", "Refused a job", ""],
)
def test_what_answers_something(option):
    assert not is_refusal(option)
