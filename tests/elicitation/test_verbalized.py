import pytest

from pluralign.elicitation import PromptStyle, make_elicitation
from pluralign.elicitation.verbalized import Verbalized
from pluralign.errors import ConfigurationError
from pluralign.models import Draw, ScriptedModel
from pluralign.records import Condition, Outcome


class Recording(ScriptedModel):
    """Keeps the parameters with which it was sampled."""

    def sample(self, prompts, *, n, seed, params):
        self.asked = (n, seed, params)
        return super().sample(prompts, n=n, seed=seed, params=params)


def test_the_stated_distribution_is_the_answer(rating, ask_about):
    model = Recording(draws=["Good: 50%\nFair: 30%\nPoor: 17%"])
    (answer,) = Verbalized(seed=5).answers(model, [ask_about(rating)])
    assert answer.probabilities == pytest.approx((50 / 97, 30 / 97, 17 / 97))
    assert (answer.n_draws, answer.sample_size, answer.valid_mass_prob) == (1, 0, 1)
    assert answer.counts == {Outcome.OK: 1}
    assert answer.replies == ("Good: 50%\nFair: 30%\nPoor: 17%",)
    n, seed, params = model.asked
    assert (n, seed, params.temperature) == (1, 5, 0)


def test_several_draws_are_averaged_over_the_readable_ones(rating, ask_about):
    """(.5, .5, 0) and (.1, .2, .7) average to (.3, .35, .35); 140 % and a refusal are no distributions."""
    replies = [
        "Good: 50%, Fair: 50%",
        "Good: 60%, Fair: 60%, Poor: 20%",
        "Good: 10%, Fair: 20%, Poor: 70%",
        "I cannot provide that.",
    ]
    model = Recording(draws=replies)
    (answer,) = Verbalized(draws=4).answers(model, [ask_about(rating)])
    assert answer.probabilities == pytest.approx((0.3, 0.35, 0.35))
    assert answer.valid_mass_prob == pytest.approx(0.5)
    assert answer.counts == {Outcome.OK: 2, Outcome.REFUSED: 1, Outcome.UNPARSED: 1}
    assert answer.sample_size == 0
    assert model.asked[2].temperature == 1


def test_an_unreadable_reply_is_no_distribution(rating, ask_about):
    replies = [
        "Good: 80%, Fair: 60%",
        Draw(text="Let me think", finish="length", n_tokens=9),
        "I must decline.",
    ]
    model = ScriptedModel(draws=replies)
    answers = Verbalized().answers(model, [ask_about(rating)] * 3)
    assert [answer.outcome for answer in answers] == [Outcome.UNPARSED, Outcome.TRUNCATED, Outcome.REFUSED]
    assert all(answer.probabilities is None and answer.valid_mass_prob == 0 for answer in answers)


def test_the_prompt_asks_about_people_at_large(rating):
    (prompt,) = Verbalized().prompts(rating, Condition())
    (message,) = prompt.messages
    assert message.content.startswith(
        "How is it?\n\nOptions:\n- Good\n- Fair\n- Poor\n\nWhat percentage of people would"
    )


def test_the_prompt_names_the_people_and_is_not_told_to_be_one_of_them(rating, democrats):
    (prompt,) = Verbalized().prompts(rating, democrats)
    (message,) = prompt.messages
    assert "What percentage of people who identify as Democrats would choose" in message.content
    assert "You are" not in message.content


@pytest.mark.parametrize(
    "condition",
    [
        Condition(kind="profile", id="g", text="Values {freedom}."),
        Condition(kind="few_shot", id="g", text="This is how people answered."),
        Condition(kind="persona", id="g", text="Question: Who are you?\nAnswer: A", form="qa"),
    ],
)
def test_other_conditions_stand_word_for_word_before_the_question(rating, condition):
    (prompt,) = Verbalized().prompts(rating, condition)
    system, user = prompt.messages
    assert (system.role, system.content) == ("system", condition.text)
    assert "What percentage of the people described above would" in user.content


def test_options_are_listed_even_where_the_question_does_not(rating):
    (prompt,) = Verbalized().prompts(rating.model_copy(update={"options_listed": False}), Condition())
    assert "- Good\n- Fair\n- Poor" in prompt.messages[0].content


def test_settings(rating):
    verbalized = make_elicitation("verbalized", style=PromptStyle.SPECTRUM, seed=2, draws=3)
    assert verbalized == Verbalized(seed=2, draws=3)
    assert verbalized.settings() != Verbalized(seed=2).settings()
    assert "{people}" in verbalized.settings()["instruction"]
    with pytest.raises(ConfigurationError, match="draws: 0 is not possible for the elicitation 'verbalized'"):
        Verbalized(draws=0)
