"""Questions scored a second: pluralign's cached scoring against each option with its whole prompt.

Both score the same options of the same questions with the same model in one run, by turns, and must agree.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch

from pluralign.models import Chat, LoadedWeights, Message, TransformersModel, load_weights
from pluralign.models.chat_template import turn_format

BATCH_TOKENS = 2048
N_REPEATS = 3
TOPICS = ["health insurance", "public schools", "defence", "the environment", "crime", "jobs", "trade"]
OPTIONS = [f"The government should do {what} about it." for what in ("much more", "a little more", "less")]
OPTIONS.append("It should be left to private persons and companies.")
PERSONA = "You live in a small town, work at the county hospital and follow politics from afar. " * 11


def questions(n: int, *, system: str | None) -> list[Chat]:
    """Survey questions with their options listed, with or without a persona."""
    before = () if system is None else (Message("system", system),)
    ask = "Thinking about {}: which comes closest to your view? Answer with one sentence, word for word.\n"
    texts = [f"Question {i}. {ask.format(TOPICS[i % len(TOPICS)])}" + "\n".join(OPTIONS) for i in range(n)]
    return [Chat((*before, Message("user", text))) for text in texts]


def encode(model: TransformersModel, prompts: list[Chat]) -> tuple[list[list[int]], list[int]]:
    """Token ids of every prompt with every option and its end of turn, and the length of each one's prompt."""
    end = turn_format(model.tokenizer).end
    texts = [(model.render(prompt), option + end) for prompt in prompts for option in OPTIONS]
    joint = model.tokenizer([text + answer for text, answer in texts], add_special_tokens=False)["input_ids"]
    own = model.tokenizer([text for text, _ in texts], add_special_tokens=False)["input_ids"]
    return joint, [len(ids) for ids in own]


def n_needed(sequences: list[list[int]]) -> int:
    """Tokens to be read where no beginning is read twice; nothing follows a sequence's last token."""
    nodes: dict[tuple[int, int], int] = {}
    for sequence in sequences:
        node = 0
        for token in sequence[:-1]:
            node = nodes.setdefault((node, token), len(nodes) + 1)
    return len(nodes)


def score_naively(model: TransformersModel, prompts: list[Chat]) -> list[list[float]]:
    """Score every option with its whole prompt."""
    encoded, starts = encode(model, prompts)
    scores = score_rows(model, encoded, starts=starts)
    return [scores[start : start + len(OPTIONS)] for start in range(0, len(scores), len(OPTIONS))]


def score_rows(model: TransformersModel, encoded: list[list[int]], *, starts: list[int]) -> list[float]:
    """Nats of each row's tokens from its start on: sorted by length, in batches of the same size, without a cache."""
    scores = [0.0] * len(encoded)
    order = sorted(range(len(encoded)), key=lambda row: -len(encoded[row]))
    while order:
        n_rows = max(1, BATCH_TOKENS // len(encoded[order[0]]))
        rows, order = order[:n_rows], order[n_rows:]
        ids = {"input_ids": [encoded[row] for row in rows]}
        batch = model.tokenizer.pad(ids, padding_side="right", return_tensors="pt")
        first = min(starts[row] for row in rows) - 1
        with torch.inference_mode():
            logits = model.model(**batch, logits_to_keep=batch["input_ids"].shape[1] - first).logits
        log_probs = logits - logits.logsumexp(-1, keepdim=True)
        for place, row in enumerate(rows):
            answer = torch.tensor(encoded[row][starts[row] :])
            predictions = log_probs[place, starts[row] - 1 - first :][: len(answer)]
            scores[row] = float(predictions.gather(1, answer[:, None]).sum())
    return scores


def measure(model: TransformersModel, score: Callable) -> tuple[float, int, list]:
    """Seconds, tokens computed (padding included), and the scores."""
    computed: list[int] = []
    count = model.model.register_forward_pre_hook(
        lambda _, __, inputs: computed.append(inputs["input_ids"].numel()), with_kwargs=True
    )
    start = time.perf_counter()
    scores = score()
    seconds = time.perf_counter() - start
    count.remove()
    return seconds, sum(computed), scores


def compare(weights: LoadedWeights, name: str, prompts: list[Chat]) -> None:
    """Time both by turns, check that they agree, and print the ratio."""
    cached, naive = [], []
    options = [OPTIONS] * len(prompts)
    for _ in range(N_REPEATS):
        # A model of its own each time: nothing has been read yet.
        model = TransformersModel(weights, batch_tokens=BATCH_TOKENS)
        cached.append(
            measure(model, lambda model=model: [s.log_probs for s in model.score_options(prompts, options)])
        )
        naive.append(measure(model, lambda model=model: score_naively(model, prompts)))
    np.testing.assert_allclose(cached[0][2], naive[0][2], rtol=0, atol=1e-4)
    encoded, lengths = encode(model, prompts)
    needed = n_needed(encoded)
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
    parser.add_argument("--n-questions", type=int, default=16)
    parser.add_argument("--model", default="embedded")
    arguments = parser.parse_args()
    weights = load_weights(arguments.model, dtype="float32", device="cpu")
    compare(weights, "bare questions", questions(arguments.n_questions, system=None))
    compare(weights, "with a persona", questions(arguments.n_questions, system=PERSONA))


if __name__ == "__main__":
    main()
