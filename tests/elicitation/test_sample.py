from collections import Counter

import pytest

from pluralign.elicitation import PromptStyle, make_elicitation
from pluralign.elicitation.sample import Sample
from pluralign.errors import ConfigurationError, ModelError
from pluralign.models import Capability, Draw, ScriptedModel
from pluralign.records import Condition, Option, Outcome, Question

NUMBER = Question(
    id="number",
    text="A number from 1 to 3.",
    options=tuple(Option(text=str(number)) for number in (1, 2, 3)),
    options_listed=False,
)


def cut(text):
    return Draw(text=text, finish="length", n_tokens=64)


def test_the_distribution_is_the_tally_of_the_readable_replies(rating, ask_about):
    """Six draws: Good, Good, Poor can be read, a refusal, nonsense and a cut one cannot."""
    replies = [
        "Good",
        "I would say Good.",
        "As an AI, I have no opinion.",
        "**Poor**",
        "Hm.",
        cut("Well, on the"),
    ]
    (answer,) = Sample(draws=6).answers(ScriptedModel(draws=replies), [ask_about(rating)])
    assert answer.outcome is Outcome.OK
    assert answer.probabilities == pytest.approx((2 / 3, 0, 1 / 3))
    assert answer.valid_mass_prob == pytest.approx(1 / 2)
    assert (answer.n_draws, answer.sample_size, answer.n_permutations) == (6, 3, 3)
    assert answer.counts == {
        Outcome.OK: 3,
        Outcome.REFUSED: 1,
        Outcome.UNPARSED: 1,
        Outcome.TRUNCATED: 1,
    }
    assert answer.order_sensitivity is None
    assert answer.elicitation == "sample"


def test_replies_are_kept_in_order_of_drawing(rating, ask_about):
    model = ScriptedModel(draws=lambda prompt, number: f"{number} Good")
    (answer,) = Sample(draws=5).answers(model, [ask_about(rating)])
    prompts = Sample(draws=5).prompts(rating, Condition())
    drawn = [
        model.sample([prompt], n=n, seed=0, params=None)[0]
        for prompt, n in zip(prompts, (2, 2, 1), strict=True)
    ]
    assert answer.replies == tuple(draw.text for draws in drawn for draw in draws)


def test_a_cut_reply_that_can_be_read_counts(rating, ask_about):
    (answer,) = Sample(draws=1).answers(
        ScriptedModel(draws=[cut("Fair. The reason is")]), [ask_about(rating)]
    )
    assert answer.probabilities == (0, 1, 0)


@pytest.mark.parametrize(
    ("replies", "outcome"),
    [
        (["I cannot answer.", "I'd rather not say.", "Hm."], Outcome.REFUSED),
        (["Hm.", "", "I cannot answer."], Outcome.UNPARSED),
        ([cut("Let me think"), cut("Let us see"), ""], Outcome.TRUNCATED),
    ],
)
def test_without_a_readable_reply_the_outcome_is_that_of_most(rating, ask_about, replies, outcome):
    (answer,) = Sample(draws=3).answers(ScriptedModel(draws=replies), [ask_about(rating)])
    assert answer.outcome is outcome
    assert answer.probabilities is None
    assert (answer.valid_mass_prob, answer.sample_size) == (0, 0)


def test_draws_are_spread_evenly_over_the_orders(rating, ask_about):
    """A model that always takes the option listed first: 8 draws over 3 orders are 3, 3 and 2."""

    def first_listed(prompt, number):
        return prompt.split("- ")[1].split("\n")[0]

    (answer,) = Sample(draws=8).answers(ScriptedModel(draws=first_listed), [ask_about(rating)])
    assert answer.probabilities == pytest.approx((3 / 8, 3 / 8, 2 / 8))
    assert answer.n_permutations == 3


def test_a_position_is_read_in_the_order_that_was_listed(rating, ask_about):
    (answer,) = Sample(draws=3).answers(ScriptedModel(draws=["Option 1"] * 3), [ask_about(rating)])
    assert answer.probabilities == pytest.approx((1 / 3, 1 / 3, 1 / 3))


def test_fewer_draws_than_orders_use_as_many_orders(rating, ask_about):
    (answer,) = Sample(draws=2).answers(ScriptedModel(draws=["Good", "Good"]), [ask_about(rating)])
    assert (answer.n_permutations, answer.n_draws) == (2, 2)


def test_options_that_are_not_listed_are_asked_in_one_order(ask_about):
    model = ScriptedModel(draws=["2", "I pick 3", "17", "2"])
    (answer,) = Sample(draws=4).answers(model, [ask_about(NUMBER)])
    assert answer.n_permutations == 1
    assert answer.probabilities == pytest.approx((0, 2 / 3, 1 / 3))


def test_what_is_asked_together_does_not_matter(rating, democrats, ask_about):
    model = ScriptedModel(draws=lambda prompt, number: ["Good", "Fair", "Poor", "1", "2"][number % 5])
    asks = [ask_about(rating), ask_about(NUMBER), ask_about(rating, democrats)]
    sample = Sample(draws=7, seed=3)
    together = sample.answers(model, asks)
    assert together == [sample.answers(model, [ask])[0] for ask in asks]
    assert [answer.key for answer in together] == ["rating/none", "number/none", "rating/party=Democrat"]


def test_the_seed_changes_the_draws(rating, ask_about):
    model = ScriptedModel(draws=lambda prompt, number: str(number))
    replies = {Sample(seed=seed).answers(model, [ask_about(rating)])[0].replies for seed in (0, 1)}
    assert len(replies) == 2


def test_a_model_that_knows_the_people_gets_their_distribution(rating, ask_about):
    """2000 draws of 60, 30 and 10 %: three standard errors are at most 0.033."""
    model = ScriptedModel(draws=lambda prompt, number: "GGGGGGFFFP"[number % 10])
    question = rating.model_copy(update={"options": tuple(Option(text=text) for text in "GFP")})
    (answer,) = Sample(draws=2000).answers(model, [ask_about(question)])
    assert answer.probabilities == pytest.approx((0.6, 0.3, 0.1), abs=0.033)
    assert answer.sample_size == 2000


def test_a_failing_model_is_not_an_answer(rating, ask_about):
    model = ScriptedModel(draws=["Good", ModelError("connection lost")])
    with pytest.raises(ModelError, match="connection lost"):
        Sample(draws=2).answers(model, [ask_about(rating)])


def test_settings_and_prompts(rating, democrats):
    sample = make_elicitation("sample", style=PromptStyle.CHAT, seed=4, draws=20)
    assert sample == Sample(seed=4, draws=20)
    assert sample.settings() == {"style": "chat", "seed": 4, "draws": 20, "max_new_tokens": 64}
    assert sample.needs == {Capability.SAMPLE, Capability.CHAT}
    prompts = sample.prompts(rating, democrats)
    assert len(prompts) == 3
    assert Counter(prompt.messages[1].content.split("- ")[1].strip() for prompt in prompts) == {
        "Good": 1,
        "Fair": 1,
        "Poor": 1,
    }


@pytest.mark.parametrize("setting", ["draws", "max_new_tokens"])
def test_settings_below_one_are_refused(setting):
    with pytest.raises(
        ConfigurationError, match=rf"{setting}: 0 is not possible for the elicitation 'sample'"
    ):
        Sample(**{setting: 0})


def test_the_embedded_model_answers(embedded_model, rating, ask_about):
    sample = Sample(draws=6, max_new_tokens=8)
    (answer,) = sample.answers(embedded_model, [ask_about(rating)])
    assert len(answer.replies) == sum(answer.counts.values()) == 6
    assert sample.answers(embedded_model, [ask_about(rating)]) == [answer]


def test_few_units_are_asked_together_where_each_draws_many_replies():
    """What is asked in one call is lost by a kill."""
    assert [Sample(draws=draws).units_per_call for draws in (1, 3, 8, 100)] == [8, 2, 1, 1]
