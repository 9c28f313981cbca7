"""Pairs judged a second: pluralign's batched, cached entailment against one pair at a time, with the same judge.

One pair at a time is how published scripts go: each (viewpoint, sentence) pair is a forward pass of its own, batch size 1,
and a pair that comes again is read again. Both sides judge the same pairs by turns and must agree within 1e-5.

The cross-encoder has random weights in the shape of MiniLM-L6 (22 million parameters): speed does not depend on what
they hold, and no trained NLI model was run. The embedded judge is the real one.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from pluralign.judges import Entailed, Entailment, Pair, load_entailment
from pluralign.judges.cross_encoder import CrossEncoderEntailment
from pluralign.judges.kept import KeptEntailment
from pluralign.models.embedding import load_embedder

N_REPEATS = 3
TOLERANCE = 1e-5
TOPICS = ["homework", "wolves", "tourism", "public transport", "the voting age", "school uniforms"]
VIEWS = [
    "{} does more good than harm.",
    "The state should keep out of {}.",
    "There should be strict rules for {}.",
]
OPENINGS = [
    "Here are some views on {}.",
    "Many people find that {} does a lot of good, and that it should be encouraged by schools and by the state.",
    "Others would rather see strict rules.",
    "Critics say that nobody has ever shown that {} does any good at all, and they may have a point there.",
    "Some think that the state has no business in {}.",
    "In the end everyone has to decide for themselves.",
]


def pairs_of(n_questions: int, *, n_samples: int) -> list[Pair]:
    """Every viewpoint with every sentence of several samples of an answer; samples have five of six sentences in common.

    Of one sample no pair comes twice: what is gained there is batching, and for the embedded judge encoding a text once.
    """
    pairs = []
    for number in range(n_questions):
        topic = f"{TOPICS[number % len(TOPICS)]} in town {number}"
        for sample in range(n_samples):
            own = [line.format(topic) for line in OPENINGS]
            own[sample % len(own)] = f"In answer {sample}, {own[sample % len(own)].lower()}"
            pairs += [Pair(sentence, view.format(topic)) for view in VIEWS for sentence in own]
    return pairs


def random_cross_encoder() -> CrossEncoderEntailment:
    """A classifier with random weights in the shape of MiniLM-L6, with MiniLM's own tokenizer."""
    from transformers import BertConfig, BertForSequenceClassification

    embedder = load_embedder("embedded", device="cpu")
    config = BertConfig(
        vocab_size=embedder.model.config.vocab_size,
        hidden_size=384,
        intermediate_size=1536,
        num_hidden_layers=6,
        num_attention_heads=12,
        initializer_range=0.1,
        id2label={0: "contradiction", 1: "entailment", 2: "neutral"},
    )
    torch.manual_seed(0)
    model = BertForSequenceClassification(config).eval()
    return CrossEncoderEntailment(model, embedder.tokenizer, name="random weights, MiniLM-L6 shape")


def one_at_a_time(judge: Entailment, pairs: Sequence[Pair]) -> list[Entailed | None]:
    """A call, and so a batch, for each pair."""
    return [judge.entail([pair])[0] for pair in pairs]


def batched_and_kept(judge: Entailment, pairs: Sequence[Pair]) -> list[Entailed | None]:
    """All pairs at once, into a cache that is empty and is written to disk."""
    with tempfile.TemporaryDirectory() as folder:
        return KeptEntailment(judge, Path(folder) / "verdicts.jsonl").entail(pairs)


def timed(judge: Callable[[], list[Entailed | None]]) -> tuple[float, np.ndarray]:
    """Seconds, and the probabilities."""
    start = time.perf_counter()
    verdicts = judge()
    seconds = time.perf_counter() - start
    return seconds, np.array([(each.entailment_prob, each.contradiction_prob) for each in verdicts if each])


def compare(judge: Entailment, pairs: Sequence[Pair], *, what: str) -> None:
    """Time both by turns, check that they agree, and print the ratio."""
    fast, slow = [], []
    for _ in range(N_REPEATS):
        fast.append(timed(lambda: batched_and_kept(judge, pairs)))
        slow.append(timed(lambda: one_at_a_time(judge, pairs)))
    np.testing.assert_allclose(fast[0][1], slow[0][1], rtol=0, atol=TOLERANCE)
    ratio = statistics.median(one[0] / other[0] for one, other in zip(slow, fast, strict=True))
    print(f"{judge.id}, {what}: {len(pairs)} pairs, {len(set(pairs))} distinct")
    for label, runs in (("pluralign", fast), ("one at a time", slow)):
        print(f"  {label:14} {len(pairs) / statistics.median(run[0] for run in runs):8.1f} pairs/s")
    print(f"  ratio (median of {N_REPEATS}) {ratio:.1f}x, scores equal to {TOLERANCE:g}")


def main() -> None:
    """Both judges, on one answer a question and on several samples of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--n-questions", type=int, default=2)
    parser.add_argument("--n-samples", type=int, default=5)
    given = parser.parse_args()
    for judge in (random_cross_encoder(), load_entailment("embedded", device="cpu")):
        for n_samples in (1, given.n_samples):
            pairs = pairs_of(given.n_questions, n_samples=n_samples)
            compare(judge, pairs, what=f"{n_samples} answers a question")


if __name__ == "__main__":
    main()
