import math
from collections import Counter
from itertools import chain

import pytest

from pluralign.errors import ConfigurationError, ModelError
from pluralign.models import Draw, SamplingParams, Text, TransformersModel

PARAMS = SamplingParams(max_new_tokens=12)
PERSONA = "You are a person who votes in every election and reads the newspaper. " * 4


@pytest.fixture
def prompts(ask):
    questions = ["Which colour?", "Heads or tails? " * 9, "1", "1"]
    return [ask(question, system=system) for system in (None, PERSONA) for question in questions]


def same(found: list[list[Draw]], expected: list[list[Draw]]) -> bool:
    flat = zip(chain(*found), chain(*expected), strict=True)
    return all(
        (a.text, a.finish, a.n_tokens) == (b.text, b.finish, b.n_tokens)
        and a.log_prob == pytest.approx(b.log_prob, abs=1e-3)
        for a, b in flat
    )


@pytest.mark.parametrize("batch_tokens", [1, 400, 100_000])
def test_a_draw_does_not_depend_on_its_batch(tiny_weights, prompts, batch_tokens):
    model = TransformersModel(tiny_weights, batch_tokens=batch_tokens)

    together = model.sample(prompts, n=3, seed=5, params=PARAMS)
    alone = [model.sample([prompt], n=3, seed=5, params=PARAMS)[0] for prompt in prompts]

    assert same(together, alone)
    assert same(model.sample(prompts, n=1, seed=5, params=PARAMS), [draws[:1] for draws in together])
    assert not same(together, model.sample(prompts, n=3, seed=6, params=PARAMS))
    assert len({draw.text for draw in together[0]}) == 3


def test_reading_anew_for_every_token_draws_the_same(tiny_weights, prompts):
    model, uncached = TransformersModel(tiny_weights), TransformersModel(tiny_weights)
    uncached._kept = None

    assert same(
        uncached.sample(prompts, n=2, seed=5, params=PARAMS),
        model.sample(prompts, n=2, seed=5, params=PARAMS),
    )


def test_draws_follow_the_models_own_distribution(tiny, ask):
    """First tokens of 2000 draws against the probabilities that scoring gives, within 4 standard errors."""
    n = 2000
    draws = tiny.sample([ask("?")], n=n, seed=1, params=SamplingParams(max_new_tokens=1))[0]
    counts = Counter(round(draw.log_prob, 4) for draw in draws)
    for log_prob, count in counts.most_common(5):
        prob = math.exp(log_prob)
        assert abs(count / n - prob) < 4 * math.sqrt(prob * (1 - prob) / n)


def test_log_prob_is_that_of_scoring_the_draw(tiny, ask):
    draws = tiny.sample([ask("?")], n=600, seed=1, params=SamplingParams(temperature=0.8, max_new_tokens=2))[
        0
    ]
    answers = {draw.text: draw for draw in draws if draw.finish == "stop" and draw.text.isascii()}
    [scores] = tiny.score_options([ask("?")], [list(answers)])

    assert len(answers) > 1
    assert scores.log_probs == pytest.approx([draw.log_prob for draw in answers.values()], abs=1e-3)
    assert scores.n_tokens == tuple(draw.n_tokens for draw in answers.values())


@pytest.mark.parametrize("params", [{"temperature": 0.0}, {"top_p": 1e-6}, {"min_p": 1.0}])
def test_three_ways_to_ask_for_the_likeliest(tiny, ask, params):
    greedy = tiny.sample([ask("?")], n=1, seed=0, params=SamplingParams(temperature=0, max_new_tokens=8))
    found = tiny.sample([ask("?")], n=2, seed=3, params=SamplingParams(**params, max_new_tokens=8))[0]

    assert [draw.text for draw in found] == [greedy[0][0].text] * 2


def test_top_p_keeps_the_likeliest_tokens_only(tiny, ask):
    likeliest = tiny.sample([ask("?")], n=1, seed=0, params=SamplingParams(temperature=0, max_new_tokens=1))
    top = math.exp(likeliest[0][0].log_prob)
    draws = tiny.sample([ask("?")], n=300, seed=0, params=SamplingParams(top_p=top + 1e-6, max_new_tokens=1))[
        0
    ]

    assert len({draw.log_prob for draw in draws}) == 2


def test_an_answer_ends_at_a_stop_string_the_end_of_text_or_the_limit(tiny, ask):
    params = SamplingParams(max_new_tokens=40)
    full = tiny.sample([Text("The colour", end="")], n=1, seed=2, params=params)[0][0]
    stop = full.text[4:6]
    cut = tiny.sample([Text("The colour", end=stop)], n=1, seed=2, params=params)[0][0]
    listed = SamplingParams(max_new_tokens=40, stop=("never there", stop))

    assert cut == tiny.sample([Text("The colour", end="")], n=1, seed=2, params=listed)[0][0]
    assert cut.text == full.text[: full.text.index(stop)]
    assert cut.finish == "stop"
    assert cut.n_tokens < full.n_tokens
    assert full.finish == "length"
    assert full.n_tokens == 40


def test_first_words_of_the_answer_are_no_part_of_the_draw(tiny, ask):
    draw = tiny.sample([ask("?", continue_from="I say: ")], n=1, seed=0, params=PARAMS)[0][0]

    assert not draw.text.startswith("I say")


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"temperature": -1.0}, "temperature: -1.0 is not possible; it must be 0"),
        ({"top_p": 0.0}, "top_p: 0.0 is not possible; it must be above 0 and at most 1"),
        ({"min_p": 2.0}, "min_p: 2.0"),
        ({"max_new_tokens": 0}, "max_new_tokens: 0"),
        ({"stop": ("",)}, "stop: .* without empty strings"),
    ],
)
def test_parameters_out_of_range(tiny, ask, params, message):
    with pytest.raises(ConfigurationError, match=message):
        tiny.sample([ask("?")], n=1, seed=0, params=SamplingParams(**params))


def test_no_draws_and_no_prompt(tiny):
    with pytest.raises(ConfigurationError, match=r"n: 0 draws"):
        tiny.sample([Text("a")], n=0, seed=0, params=PARAMS)
    with pytest.raises(ModelError, match=r"empty prompt"):
        tiny.sample([Text("")], n=1, seed=0, params=PARAMS)
    with pytest.raises(ModelError, match=r"reads at most 512"):
        tiny.sample([Text("a")], n=1, seed=0, params=SamplingParams(max_new_tokens=512))


def test_a_template_without_turns_ends_at_eos(tiny_weights, ask):
    plain = "{% for m in messages %}[INST] {{ m['content'] }} [/INST]{% endfor %}"
    model = TransformersModel(tiny_weights, chat_template=plain)

    assert model.sample([ask("?")], n=1, seed=0, params=PARAMS)[0][0].n_tokens <= 12
    with pytest.raises(ModelError, match=r"no turn format can be derived"):
        model.score_options([ask("?")], [["a"]])


@pytest.mark.slow
def test_the_embedded_model_knows_the_capital_of_france(embedded_model, ask):
    params = SamplingParams(temperature=0, max_new_tokens=12)
    [[draw]] = embedded_model.sample([ask("What is the capital of France?")], n=1, seed=0, params=params)

    assert draw.text.startswith("The capital of France is Paris")
    assert draw.finish == "stop"
