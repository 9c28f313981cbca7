import pytest

from pluralign.elicitation import PromptStyle, make_elicitation
from pluralign.elicitation.sequence import Sequence
from pluralign.errors import ConfigurationError
from pluralign.models import Draw, ScriptedModel
from pluralign.records import Condition, Option, Outcome

TEN = "\n".join(f"{number}. {letter}" for number, letter in enumerate("AABABCAABA", start=1))


def test_the_distribution_is_the_tally_of_the_respondents(rating, ask_about):
    (answer,) = Sequence(respondents=10).answers(ScriptedModel(draws=[TEN]), [ask_about(rating)])
    assert answer.outcome is Outcome.OK
    assert answer.probabilities == pytest.approx((0.6, 0.3, 0.1))
    assert (answer.n_draws, answer.sample_size, answer.valid_mass_prob) == (1, 10, 1)
    assert answer.replies == (TEN,)


def test_respondents_of_all_readable_replies_are_pooled(rating, ask_about):
    """Ten, then six readable of ten, then three of ten, which is no survey: 16 of 30 asked for."""
    replies = [TEN, "CCCCCC", "1. A\n2. B\n3. C"]
    (answer,) = Sequence(respondents=10, draws=3).answers(ScriptedModel(draws=replies), [ask_about(rating)])
    assert answer.probabilities == pytest.approx((6 / 16, 3 / 16, 7 / 16))
    assert (answer.sample_size, answer.n_draws) == (16, 3)
    assert answer.valid_mass_prob == pytest.approx(16 / 30)
    assert answer.counts == {Outcome.OK: 2, Outcome.UNPARSED: 1}


def test_exactly_half_of_the_respondents_are_enough(rating, ask_about):
    answers = [
        Sequence(respondents=10).answers(ScriptedModel(draws=[reply]), [ask_about(rating)])[0]
        for reply in ("AAAAA", "AAAA")
    ]
    assert [answer.outcome for answer in answers] == [Outcome.OK, Outcome.UNPARSED]


def test_unreadable_replies(rating, ask_about):
    replies = ["I cannot simulate people.", "Good", Draw(text="1. A\n2.", finish="length", n_tokens=9)]
    answers = Sequence().answers(ScriptedModel(draws=replies), [ask_about(rating)] * 3)
    assert [answer.outcome for answer in answers] == [Outcome.REFUSED, Outcome.UNPARSED, Outcome.TRUNCATED]
    assert all(answer.probabilities is None and answer.sample_size == 0 for answer in answers)


def test_options_may_be_written_out(rating, ask_about):
    model = ScriptedModel(draws=["1. Good\n2. Poor\n3. C. Poor\n4. Fair"])
    (answer,) = Sequence(respondents=4).answers(model, [ask_about(rating)])
    assert answer.probabilities == pytest.approx((0.25, 0.25, 0.5))


def test_the_prompt_lists_the_options_under_letters(rating, democrats):
    (prompt,) = Sequence(respondents=12).prompts(rating, democrats)
    (message,) = prompt.messages
    assert "- A. Good\n- B. Fair\n- C. Poor" in message.content
    assert "Simulate a survey of 12 people who identify as Democrats" in message.content
    assert "the letter of the option chosen" in message.content


def test_more_options_than_letters_are_written_out(ask_about, rating):
    options = tuple(Option(text=str(number)) for number in range(101))
    question = rating.model_copy(update={"options": options, "options_listed": False})
    (prompt,) = Sequence().prompts(question, Condition())
    assert "- 0\n- 1\n" in prompt.messages[0].content
    assert "a period and the option chosen" in prompt.messages[0].content
    (answer,) = Sequence(respondents=2).answers(ScriptedModel(draws=["1. 7\n2. 100"]), [ask_about(question)])
    assert [index for index, share in enumerate(answer.probabilities) if share] == [7, 100]


def test_settings():
    sequence = make_elicitation("sequence", style=PromptStyle.CHAT, seed=2, draws=3)
    assert sequence == Sequence(seed=2, draws=3)
    assert sequence.settings()["respondents"] == 30
    expected = "respondents: 0 is not possible for the elicitation 'sequence'"
    with pytest.raises(ConfigurationError, match=expected):
        Sequence(respondents=0)
