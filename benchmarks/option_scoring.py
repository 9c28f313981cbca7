"""Questions scored a second: pluralign's cached scoring against each option with its whole prompt.

Both score the same options of the same questions with the same model in one run, by turns, and must agree.

    python benchmarks/option_scoring.py --n-questions 48
"""

import argparse
import statistics
import time
from collections.abc import Callable
from itertools import chain

import numpy as np
import torch

from pluralign.models import Chat, Message, TransformersModel, load_weights
from pluralign.models.chat_template import turn_format

BATCH_TOKENS = 2048
N_REPEATS = 3
TOPICS = [
    "health insurance",
    "public schools",
    "the courts",
    "defence",
    "the environment",
    "crime",
    "jobs",
    "trade",
]
OPTIONS = [
    "The government should do a great deal more about it than it does now.",
    "The government should do somewhat more about it than it does now.",
    "The government should go on as it does now.",
    "The government should leave it to private persons and companies.",
]
PERSONA = "You are a person of middle age who lives in a small town and works at the county hospital. " + (
    "You read the local newspaper in the morning, follow national politics from a distance, vote in most elections, "
    "and talk over the news with neighbours who see many things differently. " * 6
)


def questions(n: int, *, system: str | None) -> list[Chat]:
    """Survey questions with their options listed, with or without a persona."""
    before = () if system is None else (Message("system", system),)
    listed = "\n".join(OPTIONS)
    texts = [
        f"Question {number}. Thinking about {TOPICS[number % len(TOPICS)]}: which of these comes closest to your "
        f"own view?\n{listed}\nAnswer with one of the sentences above, word for word."
        for number in range(n)
    ]
    return [Chat((*before, Message("user", text))) for text in texts]


def score_naively(model: TransformersModel, prompts: list[Chat]) -> list[list[float]]:
    """Score every option with its whole prompt, sorted by length, in batches of the same size, without a cache."""
    end = turn_format(model.tokenizer).end
    texts = [model.render(prompt) for prompt in prompts]
    joint = [text + option + end for text in texts for option in OPTIONS]
    encoded = model.tokenizer(joint, add_special_tokens=False)["input_ids"]
    starts = [
        len(model.tokenizer(text, add_special_tokens=False)["input_ids"]) for text in texts for _ in OPTIONS
    ]
    scores = [0.0] * len(encoded)
    order = sorted(range(len(encoded)), key=lambda row: -len(encoded[row]))
    while order:
        longest = len(encoded[order[0]])
        rows, order = order[: BATCH_TOKENS // longest], order[BATCH_TOKENS // longest :]
        tokens, mask = torch.zeros(2, len(rows), longest, dtype=torch.long)
        for place, row in enumerate(rows):
            tokens[place, : len(encoded[row])] = torch.tensor(encoded[row])
            mask[place, : len(encoded[row])] = 1
        first = min(starts[row] for row in rows) - 1
        with torch.inference_mode():
            output = model.model(input_ids=tokens, attention_mask=mask, logits_to_keep=longest - first)
        log_probs = output.logits.float().log_softmax(-1)
        for place, row in enumerate(rows):
            predictions = log_probs[place, starts[row] - 1 - first : len(encoded[row]) - 1 - first]
            answer = torch.tensor(encoded[row][starts[row] :])
            scores[row] = float(predictions.gather(1, answer[:, None]).sum())
    return [scores[start : start + len(OPTIONS)] for start in range(0, len(scores), len(OPTIONS))]


def score_with_pluralign(model: TransformersModel, prompts: list[Chat]) -> list[list[float]]:
    """Score with each prompt, and an opening shared by all of them, run once."""
    return [list(scores.log_probs) for scores in model.score_options(prompts, [OPTIONS] * len(prompts))]


def measure(
    model: TransformersModel, score: Callable, prompts: list[Chat]
) -> tuple[float, int, list[list[float]]]:
    """Seconds, tokens computed (padding included), and the scores."""
    computed: list[int] = []
    count = model.model.register_forward_pre_hook(
        lambda _, __, inputs: computed.append(inputs["input_ids"].numel()), with_kwargs=True
    )
    start = time.perf_counter()
    scores = score(model, prompts)
    seconds = time.perf_counter() - start
    count.remove()
    return seconds, sum(computed), scores


def compare(model: TransformersModel, name: str, prompts: list[Chat]) -> None:
    """Time both by turns, check that they agree, and print the ratio."""
    cached, naive = [], []
    for _ in range(N_REPEATS):
        cached.append(measure(model, score_with_pluralign, prompts))
        naive.append(measure(model, score_naively, prompts))
    np.testing.assert_allclose(cached[0][2], naive[0][2], rtol=0, atol=1e-4)
    lengths = [
        len(model.tokenizer(model.render(prompt), add_special_tokens=False)["input_ids"])
        for prompt in prompts
    ]
    token_ids = chain.from_iterable(
        scores.token_ids for scores in model.score_options(prompts, [OPTIONS] * len(prompts))
    )
    needed = sum(lengths) + sum(map(len, token_ids))
    ratio = statistics.median(slow[0] / fast[0] for fast, slow in zip(cached, naive, strict=True))
    print(
        f"{name}: {len(prompts)} questions of {statistics.mean(lengths):.0f} tokens, {len(OPTIONS)} options each"
    )
    for label, runs in (("pluralign", cached), ("whole prompts", naive)):
        speed = len(prompts) / statistics.median(run[0] for run in runs)
        print(f"  {label:14} {speed:7.2f} questions/s, tokens computed / needed {runs[0][1] / needed:5.2f}")
    print(f"  ratio (median of {N_REPEATS}) {ratio:.2f}x, scores equal to 1e-4 nats")


def main() -> None:
    """Run both settings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-questions", type=int, default=48)
    parser.add_argument("--model", default="embedded")
    arguments = parser.parse_args()
    weights = load_weights(arguments.model, dtype="float32", device="cpu")
    model = TransformersModel(weights, batch_tokens=BATCH_TOKENS)
    compare(model, "bare questions", questions(arguments.n_questions, system=None))
    compare(model, "with a persona", questions(arguments.n_questions, system=PERSONA))


if __name__ == "__main__":
    main()
