"""Questions scored a second: pluralign against `loglikelihood` of EleutherAI's lm-evaluation-harness.

Both score the same options of the same questions with the same weights in one run, by turns, and must agree. The
harness runs at the batch size at which it is fastest on some of the questions. Without it: exit status 2.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from option_scoring import n_needed

from pluralign.data.anes96 import BACKGROUND, POLITICAL, load_anes96
from pluralign.elicitation.asking import PromptStyle, prompt_for
from pluralign.errors import MissingExtraError, PluralignError
from pluralign.models import Chat, LoadedWeights, Text, TransformersModel, load_weights
from pluralign.models.chat_template import turn_format
from pluralign.records import Condition, Option, Question

BATCH_TOKENS = 4096  # of pluralign
BATCH_SIZES = (1, 2, 4, 8)  # of the harness
N_REPEATS = 3
TOLERANCE_NATS = 1e-4  # of one option

TOPICS = (
    "the price of medicines",
    "immigration from poorer countries",
    "the use of coal and gas",
    "classes that are too large",
    "rents in the big cities",
    "crime in public places",
    "the pay of nurses and teachers",
)
LONG_OPTIONS = (
    "The federal government should take the lead and spend much more on it, even if taxes have to rise.",
    "The federal government should spend a little more on it, but only what can be saved elsewhere.",
    "Things are about right as they are, and the rules should stay the same for the next few years.",
    "It is better left to the states and to cities, who know what the people living there need.",
    "It is better left to private persons, companies and charities, and taxes should be cut instead.",
)
PROFILE = (
    "You are a 46-year-old woman who lives with her husband and two children in a small town in the Midwest. You "
    "trained as a nurse, worked nights at the county hospital for twelve years and now run its outpatient ward. You "
    "value fairness and keeping one's word more than success, and you think that people who can work should, and that "
    "nobody who cannot should be left alone with it. You go to church on most Sundays but dislike it when politicians "
    "talk about faith. You have voted for both parties and trust neither much; you read the local paper, watch the news "
    "about twice a week and prefer to make up your own mind. You worry about what care costs your patients, about the "
    "schools, and about the young people who leave. You are wary of large programs run from far away, yet grateful for "
    "the insurance your mother has. When asked for an opinion you say what you think in plain words, weigh what it would "
    "mean for the people you know, and do not pretend to be certain where you are not."
)


def survey(*, listed: bool) -> list[Question]:
    """Questions of a real survey with short options, and longer ones whose options are sentences."""
    real = load_anes96(questions=[*POLITICAL, *BACKGROUND]).questions
    longer = [
        Question(
            id=f"long-{index}",
            text=f"People differ in what they would have Washington do about {topic}. Some want it to do more, some "
            "less, and others would leave the matter to somebody else. Which of these comes closest to your own view?",
            options=tuple(Option(text=text) for text in LONG_OPTIONS),
        )
        for index, topic in enumerate(TOPICS)
    ]
    return [question.model_copy(update={"options_listed": listed}) for question in (*real, *longer)]


def write_prompts(questions: Sequence[Question], *, profile: str) -> list[Chat]:
    """The prompts with which pluralign asks the questions."""
    condition = Condition(kind="profile", id="profile", text=profile) if profile else Condition()
    return [
        prompt_for(question, order=range(len(question.options)), condition=condition, style=PromptStyle.CHAT)
        for question in questions
    ]


class Harness:
    """lm-evaluation-harness on the weights of a model of ours."""

    def __init__(self, model: TransformersModel) -> None:
        """Wrap a model; raises MissingExtraError without the harness."""
        try:
            from lm_eval.api.instance import Instance
            from lm_eval.models.huggingface import HFLM
        except ModuleNotFoundError as error:
            raise MissingExtraError(
                f"This needs lm-evaluation-harness 0.4.12 or newer (no module {error.name!r}), which is no part of "
                "any extra of pluralign. Install it with: pip install 'lm_eval[hf]>=0.4.12'"
            ) from error
        self._model = model
        self._instance = Instance
        self._scorer = HFLM(pretrained=model.model, tokenizer=model.tokenizer)

    def requests(self, prompts: Sequence[Chat], options: Sequence[Sequence[str]]) -> list:
        """One request an option: the prompt as the model reads it, then the option with its end of turn."""
        end = turn_format(self._model.tokenizer).end
        contexts = [self._model.render(prompt) for prompt in prompts]
        pairs = [
            (context, option + end) for context, own in zip(contexts, options, strict=True) for option in own
        ]
        return [self._instance("loglikelihood", {}, pair, index) for index, pair in enumerate(pairs)]

    def score(self, requests: list, *, batch_size: int, exact: bool = False) -> list[float]:
        """Log-probability of each request in nats; `exact` normalises in float64, which is slower."""
        self._scorer.batch_size_per_gpu = batch_size
        self._scorer.softmax_dtype = torch.float64 if exact else None
        return [log_prob for log_prob, _ in self._scorer.loglikelihood(requests, disable_tqdm=True)]


def white_space_log_probs(model: TransformersModel, prompts: Sequence[Chat]) -> list[float]:
    """Log-probability of the white space that ends each prompt: the harness counts it to the option."""
    contexts = [model.render(prompt) for prompt in prompts]
    if all(context == context.rstrip() for context in contexts):
        return [0.0] * len(prompts)
    asked = [Text(context.rstrip(), end=context[len(context.rstrip()) :]) for context in contexts]
    return [scores.log_probs[0] for scores in model.score_options(asked, [[""]] * len(asked))]


def measure(model: TransformersModel, score: Callable[[], list[float]]) -> tuple[float, int, list[float]]:
    """Seconds, tokens computed (padding included), and the scores."""
    computed: list[int] = []
    count = model.model.get_input_embeddings().register_forward_pre_hook(
        lambda _, inputs: computed.append(inputs[0].numel())
    )
    start = time.perf_counter()
    scores = score()
    seconds = time.perf_counter() - start
    count.remove()
    return seconds, sum(computed), scores


def fastest_batch_size(model: TransformersModel, harness: Harness, requests: list) -> int:
    """The harness's best batch size on a part of the requests spread over all of them."""
    some = requests[::6]
    seconds = {
        size: measure(model, lambda size=size: harness.score(some, batch_size=size))[0]
        for size in BATCH_SIZES
    }
    return min(seconds, key=seconds.__getitem__)


def compare(
    weights: LoadedWeights, harness: Harness, name: str, *, questions: Sequence[Question], profile: str
) -> None:
    """Check that both agree, time them by turns, and print the ratio."""
    model = TransformersModel(weights, batch_tokens=BATCH_TOKENS)
    prompts = write_prompts(questions, profile=profile)
    options = [list(question.option_texts) for question in questions]
    requests = harness.requests(prompts, options)
    batch_size = fastest_batch_size(model, harness, requests)

    def score() -> list[float]:
        # A model of its own each time: nothing has been read yet.
        fresh = TransformersModel(weights, batch_tokens=BATCH_TOKENS)
        return [log_prob for scores in fresh.score_options(prompts, options) for log_prob in scores.log_probs]

    spaces = np.repeat(white_space_log_probs(model, prompts), [len(own) for own in options])
    exact = np.array(harness.score(requests, batch_size=batch_size, exact=True))
    gap = np.abs(score() + spaces - exact).max()
    if gap > TOLERANCE_NATS:
        raise AssertionError(f"{name}: the log-probabilities differ by up to {gap:.1e} nats.")
    ours, theirs = [], []
    for _ in range(N_REPEATS):
        ours.append(measure(model, score))
        theirs.append(measure(model, lambda: harness.score(requests, batch_size=batch_size)))
    tokens = [model.tokenizer("".join(one.args), add_special_tokens=False)["input_ids"] for one in requests]
    needed = n_needed(tokens)
    print(f"{name}: {len(questions)} questions, {len(requests)} options, {needed} tokens needed")
    for label, runs in (("pluralign", ours), (f"lm-eval, batches of {batch_size}", theirs)):
        speed = len(questions) / statistics.median(run[0] for run in runs)
        print(f"  {label:22} {speed:7.2f} questions/s, tokens computed / needed {runs[0][1] / needed:5.2f}")
    ratio = statistics.median(slow[0] / fast[0] for fast, slow in zip(ours, theirs, strict=True))
    print(
        f"  ratio (median of {N_REPEATS}) {ratio:.2f}x, log-probabilities equal to {gap:.0e} nats", flush=True
    )


def main() -> None:
    """Run both settings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list-options", action="store_true", help="list the options in the prompts")
    parser.add_argument("--model", default="embedded")
    arguments = parser.parse_args()
    weights = load_weights(arguments.model, dtype="float32", device="cpu")
    model = TransformersModel(weights, batch_tokens=BATCH_TOKENS)
    harness = Harness(model)
    questions = survey(listed=arguments.list_options)
    n_profile = len(model.tokenizer(PROFILE, add_special_tokens=False)["input_ids"])
    compare(weights, harness, "bare questions", questions=questions, profile="")
    compare(weights, harness, f"behind a profile of {n_profile} tokens", questions=questions, profile=PROFILE)


if __name__ == "__main__":
    try:
        main()
    except PluralignError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
