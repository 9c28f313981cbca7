import math

import pytest

from pluralign.elicitation import ELICITATIONS, Ask, LogProb, PromptStyle, check_capable, prompt_for, style_of
from pluralign.elicitation.logprob import cyclic_orders
from pluralign.errors import ConfigurationError, UnsupportedError
from pluralign.models import Capability, Message, ScriptedModel
from pluralign.records import Condition, Option, Outcome, Question

COIN = Question(id="coin", text="Flip a coin.", options=(Option(text="heads"), Option(text="tails")))
NUMBER = Question(
    id="number",
    text="A number from 1 to 3.",
    options=tuple(Option(text=str(n)) for n in (1, 2, 3)),
    options_listed=False,
)
PARTY = Condition(kind="persona", id="party=A", text="identify as A")


NOTHING = Condition()


def ask(question, condition=NOTHING):
    return Ask(key=f"{question.id}/{condition.id}", question=question, condition=condition)


def test_probability_is_summed_over_surface_forms():
    """ "heads" .2 + " heads" .1 against "tails" .1: .3 and .1 of valid mass .4, whatever the order."""
    probs = {"heads": 0.2, " heads": 0.1, "tails": 0.1, " tails": 0.0}
    model = ScriptedModel(
        log_probs=lambda prompt, option: math.log(probs[option]) if probs[option] else -math.inf
    )
    (answer,) = LogProb().answers(model, [ask(COIN)])
    assert answer.outcome is Outcome.OK
    assert answer.probabilities == pytest.approx((0.75, 0.25))
    assert answer.valid_mass_prob == pytest.approx(0.4)
    assert answer.order_sensitivity == pytest.approx(0)
    assert (answer.n_permutations, answer.n_draws) == (2, 0)


def test_orders_are_averaged_in_probability_and_the_sensitivity_is_kept():
    """Always .6 on the option listed first and .2 on the other: the average is even, and each order is .25 off."""

    def first_listed(prompt, option):
        if option.startswith(" "):
            return -math.inf
        listed_first = prompt.index(f"- {option}") == prompt.index("- ")
        return math.log(0.6 if listed_first else 0.2)

    (answer,) = LogProb().answers(ScriptedModel(log_probs=first_listed), [ask(COIN)])
    assert answer.probabilities == pytest.approx((0.5, 0.5))
    assert answer.valid_mass_prob == pytest.approx(0.8)
    assert answer.order_sensitivity == pytest.approx(0.25)


def test_answers_with_no_mass_are_unparsed_not_uniform():
    (answer,) = LogProb().answers(ScriptedModel(log_probs=lambda prompt, option: -2000.0), [ask(COIN)])
    assert answer.outcome is Outcome.UNPARSED
    assert answer.probabilities is None
    assert answer.valid_mass_prob == 0


def test_unlisted_options_are_asked_once():
    model = ScriptedModel(log_probs=lambda prompt, option: math.log(0.1))
    (answer,) = LogProb().answers(model, [ask(NUMBER)])
    assert answer.n_permutations == 1
    assert answer.order_sensitivity is None
    assert answer.valid_mass_prob == pytest.approx(0.6)


def test_several_units_in_one_call_keep_their_order():
    def by_prompt(prompt, option):
        return math.log(0.2 if ("number" in prompt) == (option.strip() == "1") else 0.05)

    model = ScriptedModel(log_probs=by_prompt)
    together = LogProb().answers(model, [ask(COIN), ask(NUMBER), ask(COIN, PARTY)])
    alone = [LogProb().answers(model, [unit])[0] for unit in (ask(COIN), ask(NUMBER), ask(COIN, PARTY))]
    assert together == alone
    assert [answer.key for answer in together] == ["coin/none", "number/none", "coin/party=A"]


@pytest.mark.parametrize(
    ("n", "limit", "expected"),
    [
        (3, None, [[0, 1, 2], [1, 2, 0], [2, 0, 1]]),
        (3, 5, [[0, 1, 2], [1, 2, 0], [2, 0, 1]]),
        (7, 3, [[0, 1, 2, 3, 4, 5, 6], [2, 3, 4, 5, 6, 0, 1], [4, 5, 6, 0, 1, 2, 3]]),
        (2, 1, [[0, 1]]),
    ],
)
def test_cyclic_orders(n, limit, expected):
    assert cyclic_orders(n, max_orders=limit) == expected


def test_every_option_stands_everywhere_once():
    assert all(sorted(column) == list(range(5)) for column in zip(*cyclic_orders(5), strict=True))


def test_chat_prompt():
    prompt = prompt_for(COIN, order=(1, 0), condition=PARTY, style=PromptStyle.CHAT)
    assert [message.role for message in prompt.messages] == ["system", "user"]
    assert "people who identify as A" in prompt.messages[0].content
    assert prompt.messages[1].content.index("tails") < prompt.messages[1].content.index("heads")
    bare = prompt_for(NUMBER, order=(0, 1, 2), condition=Condition(), style=PromptStyle.CHAT)
    assert bare.messages == (Message("user", NUMBER.text),)


def test_spectrum_prompt_is_one_description():
    prompt = prompt_for(COIN, order=(0, 1), condition=PARTY, style=PromptStyle.SPECTRUM)
    expected = "Flip a coin.\nOptions: heads; tails\nRespondents: people who identify as A"
    assert prompt.messages == (Message("description", expected),)


def test_style_follows_the_model():
    assert style_of(ScriptedModel()) is PromptStyle.CHAT
    tuned = ScriptedModel(can=frozenset({Capability.CHAT, Capability.SPECTRUM_PROMPT}))
    assert style_of(tuned) is PromptStyle.SPECTRUM


def test_a_model_without_log_probabilities_is_refused_while_planning():
    model = ScriptedModel(id="chatty", can=frozenset({Capability.SAMPLE, Capability.CHAT}))
    expected = r"needs a model that can chat and score_options; 'chatty' cannot score_options\. Local models"
    with pytest.raises(UnsupportedError, match=expected):
        check_capable(model, LogProb())


def test_a_model_without_a_chat_template_is_refused_while_planning():
    model = ScriptedModel(id="base", can=frozenset({Capability.SCORE_OPTIONS}))
    with pytest.raises(UnsupportedError, match=r"'base' cannot chat\. Use an instruct model"):
        check_capable(model, LogProb())


def test_unknown_elicitation_gets_a_hint():
    with pytest.raises(ConfigurationError, match="Did you mean 'logprob'"):
        ELICITATIONS.get("logprop")


def test_settings_name_everything_that_changes_an_answer():
    assert LogProb(max_orders=3).settings() != LogProb().settings()
    assert LogProb(style=PromptStyle.SPECTRUM).settings() != LogProb().settings()
