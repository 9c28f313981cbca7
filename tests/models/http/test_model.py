import math

import numpy as np
import pytest

from pluralign.errors import ConfigurationError, ModelError, UnsupportedError
from pluralign.models import Capability, Chat, Message, SamplingParams, Text, TransformersModel, load_model

ALL = {Capability.SAMPLE, Capability.CHAT, Capability.SYSTEM_PROMPT, Capability.SEED}
HEAT = SamplingParams(max_new_tokens=12)


def ask(text, **more):
    return Chat((Message("user", text),), **more)


def test_a_server_with_everything(serve, connect):
    server = serve()
    model = connect(server)

    assert model.can == ALL | {Capability.SCORE_OPTIONS}
    assert model.id == f"{server.url}#toy"
    assert model.fingerprint() == {
        "model": model.id,
        "served": "/models/toy-7b",
        "server": "vllm 0.11.0",
        "dialect": "vllm",
        "chat": "yes",
        "system_prompt": "yes",
        "continues": "flags",
        "draws": "yes",
        "seeds": "honoured",
        "scores": "ids",
        "marks": '{"<|im_end|>": "token"}',
    }
    assert model.fingerprint() == connect(server).fingerprint()
    assert model.render(ask("Hi")) == "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"


def test_a_hosted_server(serve, connect, features):
    model = connect(serve(features["hosted"]))

    assert model.can == {Capability.SAMPLE, Capability.CHAT, Capability.SYSTEM_PROMPT}
    found = model.fingerprint()
    assert (found["seeds"], found["scores"], found["server"]) == ("ignored", "none", "unknown")
    assert found["served"] == "/models/toy-7b toy-2026-01-31"
    assert model.render(ask("Hi <|im_end|>")) == "user: Hi <|im_end| >"
    with pytest.raises(UnsupportedError, match=r"cannot score options exactly: .* elicitation 'sample'"):
        model.score_options([ask("Hi")], [["Yes"]])
    with pytest.raises(UnsupportedError, match=r"does not go on from the first words .*vLLM"):
        model.sample([ask("Hi", continue_from="I")], n=1, seed=0, params=HEAT)
    with pytest.raises(UnsupportedError, match=r"continues no plain text"):
        model.sample([Text("Hi")], n=1, seed=0, params=HEAT)


def test_a_draw_depends_on_prompt_seed_and_number_only(serve, connect):
    server = serve()
    model = connect(server)
    prompts = [ask("A?"), ask("B?"), ask("C?")]
    together = model.sample(prompts, n=4, seed=7, params=HEAT)

    assert [[draw.text for draw in own] for own in together] == [
        [draw.text for draw in model.sample([prompt], n=4, seed=7, params=HEAT)[0]] for prompt in prompts
    ]
    assert together[1][:2] == model.sample(prompts[1:], n=2, seed=7, params=HEAT)[0]
    assert together == connect(server).sample(prompts, n=4, seed=7, params=HEAT)
    texts = {draw.text for own in together for draw in own}
    assert len(texts) > 6
    assert texts != {draw.text for own in model.sample(prompts, n=4, seed=8, params=HEAT) for draw in own}


def test_a_draw_says_what_was_drawn(serve, connect):
    server = serve()
    [[draw]] = connect(server).sample([ask("A?")], n=1, seed=0, params=SamplingParams(max_new_tokens=60))
    brain = server.brain
    prompt = brain.encode(brain.chat([{"role": "user", "content": "A?"}]))
    tokens = [*brain.encode(draw.text), *([brain.end] if draw.finish == "stop" else [])]

    if len(tokens) == draw.n_tokens:  # the toy spells some words in two ways
        expected = sum(brain.log_probs([*prompt, *tokens[:i]])[token] for i, token in enumerate(tokens))
        assert draw.log_prob == pytest.approx(expected)
    assert draw.log_prob < 0
    [[cold]] = connect(server).sample(
        [ask("A?")], n=1, seed=0, params=SamplingParams(temperature=0, max_new_tokens=3)
    )
    assert cold.log_prob is None
    assert (cold.finish, cold.n_tokens) in {("length", 3), ("stop", 3), ("stop", 2), ("stop", 1)}


def test_draws_follow_the_models_distribution(serve, connect):
    server = serve()
    draws = connect(server).sample([ask("A?")], n=600, seed=3, params=SamplingParams(max_new_tokens=1))[0]
    brain = server.brain
    probs = np.exp(brain.log_probs(brain.encode(brain.chat([{"role": "user", "content": "A?"}]))))
    ended = np.mean([draw.text == "" and draw.finish == "stop" for draw in draws])

    error = math.sqrt(probs[brain.end] * (1 - probs[brain.end]) / 600)
    assert abs(ended - probs[brain.end]) < 4 * error


def test_what_is_sent(serve, connect):
    server = serve()
    model = connect(server)
    server.requests.clear()
    chat = Chat((Message("system", "Be <|im_start|>kind"), Message("user", "Why?")), continue_from="Well")
    params = SamplingParams(temperature=0.5, top_p=0.9, min_p=0.1, max_new_tokens=5, stop=("\n",))
    model.sample([chat], n=1, seed=0, params=params)
    ((path, _, body),) = server.requests

    assert path == "/v1/chat/completions"
    seed = body.pop("seed")
    assert 0 <= seed < 2**31
    assert body == {
        "model": "toy",
        "messages": [
            {"role": "system", "content": "Be <|im_start| >kind"},
            {"role": "user", "content": "Why?"},
            {"role": "assistant", "content": "Well"},
        ],
        "continue_final_message": True,
        "add_generation_prompt": False,
        "max_tokens": 5,
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": -1,
        "min_p": 0.1,
        "repetition_penalty": 1.0,
        "stop": ["\n"],
    }


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ({"version"}, {"top_p": 1.0, "top_k": -1, "min_p": 0.0, "repetition_penalty": 1.0}),
        ({"props"}, {"top_p": 1.0, "top_k": 0, "min_p": 0.0, "repeat_penalty": 1.0}),
        (set(), {}),
        # Names itself as vLLM does, and takes no field that OpenAI has not.
        ({"version", "strict"}, {}),
    ],
)
def test_servers_with_other_defaults_are_told_to_cut_nothing_off(serve, connect, features, extra, said):
    server = serve(features["hosted"] | extra)
    model = connect(server)
    model.sample([ask("Why?")], n=1, seed=0, params=HEAT)
    body = server.requests[-1][2]

    usual = {"model", "messages", "max_tokens", "temperature", "seed", "logprobs"}
    assert {name: value for name, value in body.items() if name not in usual} == said
    assert model.fingerprint()["dialect"] == (
        "openai" if not said else {"version": "vllm", "props": "llama.cpp"}[next(iter(extra))]
    )


def test_a_server_that_never_draws_is_not_sampled(serve, connect, features, caplog):
    server = serve(features["hosted"] | {"greedy"})
    model = connect(server)

    assert model.can == {Capability.CHAT, Capability.SYSTEM_PROMPT}
    assert model.fingerprint()["draws"] == "always the same"
    assert "gives the same answer to every draw" in caplog.text
    with pytest.raises(UnsupportedError, match=r"gives the same answer to every draw.* at temperature 0"):
        model.sample([ask("Why?")], n=2, seed=0, params=HEAT)
    cold = SamplingParams(temperature=0, max_new_tokens=4)
    first, second = model.sample([ask("Why?")], n=2, seed=0, params=cold)[0]
    assert first == second


def test_a_server_that_says_nothing_yet_may_draw(serve, connect, features):
    server = serve(features["hosted"] | {"thinks"})

    assert Capability.SAMPLE in connect(server).can


@pytest.mark.parametrize("n_tokens", [80, 3])
def test_stop_strings_left_in_an_answer_are_cut_off(serve, connect, faults, n_tokens):
    server = serve()
    model = connect(server)
    choice = {"index": 0, "text": " one\nQuestion: two", "finish_reason": "length"}
    server.faults = [faults["sends"]({"choices": [choice], "usage": {"completion_tokens": n_tokens}})]
    [[draw]] = model.sample(
        [Text("Once", end="\n")], n=1, seed=0, params=SamplingParams(max_new_tokens=80, stop=("two", "Quest"))
    )

    assert (draw.text, draw.finish, draw.n_tokens) == (" one", "stop", n_tokens)


def test_text_ends_with_its_end(serve, connect):
    server = serve()
    draws = connect(server).sample(
        [Text("Once", end="\n")], n=8, seed=0, params=SamplingParams(max_new_tokens=80)
    )

    assert all("\n" not in draw.text for draw in draws[0])
    assert server.requests[-1][2]["stop"] == ["\n"]


def test_the_dialects_are_found_out(serve, connect, features):
    hosted = features["hosted"] | {"max_completion"}
    server = serve(hosted)
    model = connect(server)
    model.sample([ask("Hi")], n=1, seed=0, params=HEAT)
    assert "max_completion_tokens" in server.requests[-1][2]

    server = serve(features["vllm"] - {"system"})
    model = connect(server)
    assert Capability.SYSTEM_PROMPT not in model.can
    model.sample([Chat((Message("system", "S"), Message("user", "U")))], n=1, seed=0, params=HEAT)
    assert server.requests[-1][2]["messages"] == [{"role": "user", "content": "S\n\nU"}]

    base = connect(serve(features["vllm"] - {"chat"}))
    assert base.can == {Capability.SAMPLE, Capability.SEED, Capability.SCORE_OPTIONS}
    with pytest.raises(UnsupportedError, match=r"answers no chats .* plain text prompts"):
        base.sample([ask("Hi")], n=1, seed=0, params=HEAT)

    told = connect(serve(features["hosted"]), seeds="honoured")
    assert Capability.SEED in told.can


def test_a_server_that_honours_marks_is_refused_unless_told_otherwise(serve, connect, features):
    server = serve()
    with pytest.raises(
        ModelError,
        match=rf"reads '<\|im_end\|>' within a message as a control token.*{server.url}\?marks=neutralise#toy",
    ):
        connect(server, marks="refuse")
    careful = connect(serve(features["vllm"] - {"marks"}), marks="refuse")
    assert careful.fingerprint()["marks"] == '{"<|im_end|>": "text"}'
    usual = connect(serve(features["hosted"]), marks="refuse")
    assert '"<|eot_id|>": "text"' in usual.fingerprint()["marks"]


def test_names_lead_here(serve, connect, features):
    server = serve(features["hosted"])
    with load_model(f"{server.url}?marks=neutralise&retries=1#toy") as model:
        assert model.endpoint.retries == 1
        assert load_model(model.id).id == model.id
    with load_model(f"endpoint:{server.url}") as model:
        assert model.id == f"{server.url}#toy"
    with pytest.raises(
        ConfigurationError, match=r"its own revision, dtype: set that where the server is started"
    ):
        load_model(f"{server.url}#toy", revision="main", dtype="float32")
    with pytest.raises(ModelError, match=r"does not exist.* It may serve no model 'toi'. Did you mean 'toy'"):
        load_model(f"{server.url}#toi")
    server.models.append({"id": "other"})
    with pytest.raises(ConfigurationError, match=r"behind a '#': .* It serves: other, toy"):
        load_model(server.url)
    with pytest.raises(ModelError, match=r"Most addresses end with /v1: http://127.0.0.1:\d+/v1#toy"):
        load_model(f"{server.url.removesuffix('/v1')}#toy")


def test_a_run_over_http(serve, tmp_path):
    from pluralign.evaluation import Settings, evaluate

    server = serve()
    name = f"{server.url}?marks=neutralise#toy"
    done = evaluate("distributional/urn", model=name, settings=Settings(limit=2), out=tmp_path / "exact")
    assert {answer.outcome.value for answer in done.answers} == {"ok"}
    sampled = evaluate(
        "distributional/urn",
        model=name,
        settings=Settings(limit=2, elicit="sample", draws=3),
        out=tmp_path / "s",
    )
    assert [answer.n_draws for answer in sampled.answers] == [3] * len(sampled.answers)


def test_the_command_line_takes_an_address(serve, tmp_path, capfd):
    from pluralign.cli import main

    name = f"{serve().url}?marks=neutralise#toy"
    assert main(["eval", "run", "distributional/urn", "--model", name, "--limit", "1", "--dry-run"]) == 0
    assert "<|im_start|>user\n" in "".join(capfd.readouterr())
    assert (
        main([
            "eval",
            "run",
            "distributional/urn",
            "-m",
            name,
            "--limit",
            "1",
            "--out",
            str(tmp_path / "run"),
        ])
        == 0
    )
    assert (tmp_path / "run" / "results.json").is_file()


def test_a_server_of_a_spectrum_tuned_model(serve, connect):
    class Spectrum(type(serve().brain)):
        def chat(self, messages, *, opened=True, left_open=False):
            text = super().chat(messages, opened=opened, left_open=left_open)
            if messages[0]["role"] != "description":
                return text
            return text.replace("<|im_start|>assistant", "<|im_start|>output")

    assert Capability.SPECTRUM_PROMPT in connect(serve(brain=Spectrum())).can


def test_an_evaluation_that_needs_scores_is_refused_while_planning(serve, features, tmp_path):
    from pluralign.evaluation import Settings, evaluate

    server = serve(features["hosted"])
    with pytest.raises(UnsupportedError, match=r"cannot score_options.*elicitation 'sample'"):
        evaluate(
            "distributional/urn",
            model=f"{server.url}#toy",
            settings=Settings(limit=2, elicit="logprob"),
            out=tmp_path / "x",
        )


class TestScores:
    OPTIONS = ["Yes", "No", " Yes", "Agree", "Disagree.", "Heads.", "10", "1"]

    def test_scores_over_http_are_those_of_the_same_weights_in_memory(self, serve, connect, tiny_brain):
        model = connect(serve(brain=tiny_brain))
        local: TransformersModel = tiny_brain.model
        prompts = [
            ask("Flip a fair coin."),
            Chat((Message("system", "Be brief."), Message("user", "Which colour?"))),
            Text("Question: heads or tails?\nAnswer: "),
            Text("The colour of the sky is", end="."),
        ]
        options = [self.OPTIONS, self.OPTIONS[:3], ["Heads", "Tails"], [" blue", " green"]]
        expected = local.score_options(prompts, options)
        found = model.score_options(prompts, options)

        for own, there in zip(expected, found, strict=True):
            assert there.log_probs == pytest.approx(own.log_probs, abs=1e-4)
            assert there.token_ids == own.token_ids
            assert there.n_tokens == own.n_tokens
            assert there.mass_prob == pytest.approx(own.mass_prob, abs=1e-5)
            assert there.boundary_merged == own.boundary_merged
        assert model.render(prompts[1]) == local.render(prompts[1])

    def test_echo_scores_texts(self, serve, connect, features):
        by_ids = connect(serve(features["vllm"] - {"chat"}))
        by_echo = connect(serve((features["vllm"] | {"echo"}) - {"chat", "tokenize", "prompt_logprobs"}))
        assert (by_ids.fingerprint()["scores"], by_echo.fingerprint()["scores"]) == ("ids", "echo")
        prompts, options = [Text("Is it?\nAnswer:")], [[" Yes", "Yes", " No", " Yes"]]
        [one], [other] = by_ids.score_options(prompts, options), by_echo.score_options(prompts, options)

        assert other.log_probs == pytest.approx(one.log_probs)
        assert (other.n_tokens, other.mass_prob) == (one.n_tokens, pytest.approx(one.mass_prob))
        assert len(set(other.token_ids)) == 3
        assert other.token_ids[0][0] == int.from_bytes(b" Yes")
        assert one.mass_prob == pytest.approx(sum(map(math.exp, one.log_probs[:3])))

    def test_a_server_that_scores_texts_only_does_not_offer_scores_of_chats(self, serve, connect, features):
        model = connect(serve(features["vllm"] - {"tokenize"}))
        assert model.fingerprint()["scores"] == "echo"
        assert Capability.SCORE_OPTIONS not in model.can

    def test_what_cannot_be_scored(self, serve, connect):
        model = connect(serve())
        with pytest.raises(UnsupportedError, match=r"first words of an answer \(continue_from\)"):
            model.score_options([ask("Hi", continue_from="I")], [["Yes"]])
        with pytest.raises(ModelError, match=r"option 'a<\|im_end\|>'"):
            model.score_options([ask("Hi")], [["a<|im_end|>"]])
        with pytest.raises(ModelError, match=r"holds '\\n', which ends an answer"):
            model.score_options([Text("Hi")], [["a\nb"]])
        with pytest.raises(ModelError, match=r"no end, so that '1'"):
            model.score_options([Text("Hi", end="")], [["a"]])
        with pytest.raises(ConfigurationError, match=r"1 prompts, but options for 2"):
            model.score_options([ask("Hi")], [["a"], ["b"]])
        with pytest.raises(ConfigurationError, match=r"no options"):
            model.score_options([ask("Hi")], [[]])

    def test_bounds_hold_the_exact_probability(self, serve, connect, features):
        server = serve(features["hosted"] | {"seed"})
        bounded, exact = connect(server), connect(serve())
        prompts = [ask(f"Question {i}?") for i in range(12)]
        options = [["Yes", " Yes", "No", "", "one one", "Qqqqqq"]] * 12
        options = [[option for option in own if option] for own in options]
        scores = exact.score_options(prompts, options)

        narrow = []
        for seed in range(3):
            for score, bounds in zip(scores, bounded.option_bounds(prompts, options, seed=seed), strict=True):
                for value, lower, upper in zip(score.log_probs, bounds.lower, bounds.upper, strict=True):
                    # The score is of one spelling in tokens, the bounds are of the text: all its spellings.
                    assert value <= upper + 1e-9
                    assert lower <= upper
                    narrow.append(math.exp(upper) < 0.9)
        assert any(narrow)

    def test_no_likeliest_tokens_no_bounds(self, serve, connect, features):
        model = connect(serve(features["hosted"] - {"logprobs"}))
        with pytest.raises(UnsupportedError, match=r"names no likeliest tokens"):
            model.option_bounds([ask("Hi")], [["Yes"]])
        [[draw]] = model.sample([ask("Hi")], n=1, seed=0, params=HEAT)
        assert draw.log_prob is None
