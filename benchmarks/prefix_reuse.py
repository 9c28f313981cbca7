"""Tokens drawn a second for prompts of one profile: its system prompt read once, against read with every prompt.

Both draw the same answers with the same model in one run, by turns, in batches of the same size or, with --one-by-one,
a call for each prompt as an application makes them; the texts must be equal.
"""

import argparse
import statistics
import tempfile
import time

from pluralign.guard import Guard
from pluralign.models import LoadedWeights, TransformersModel, load_weights
from pluralign.models.batching import Tokens
from pluralign.models.context_cache import Context, nothing_read
from pluralign.models.kept_prefixes import KeptPrefixes
from pluralign.steering import Steered, Steerer

TOPICS = ["a white lie", "a broken promise", "eating meat", "lending money", "a noisy neighbour", "old debts"]


class NothingKept(KeptPrefixes):
    """Reads every prompt whole."""

    def known(self) -> list[Tokens]:
        """None."""
        return []

    def read_shared(self, contexts: list[Tokens], *, room: int = 0) -> Context:
        """None of it."""
        return nothing_read(self._model)


def prompts(n: int) -> list[str]:
    """Questions that differ."""
    return [
        f"What do you think of {TOPICS[i % len(TOPICS)]}? Say why, in {2 + i // len(TOPICS)} sentences."
        for i in range(n)
    ]


def steered(
    weights: LoadedWeights, guard: Guard, arguments: argparse.Namespace, *, reuse: bool
) -> tuple[float, list[Steered]]:
    """Seconds, and the answers of a model that has read nothing yet."""
    model = TransformersModel(weights)
    if not reuse:
        model._kept = NothingKept(model.model)
    steerer = Steerer(model, guard, nonce="benchmark")
    if arguments.one_by_one:
        start = time.perf_counter()
        calls = [
            steerer.generate(prompt, profile=arguments.profile, max_new_tokens=arguments.max_new_tokens)
            for prompt in prompts(arguments.prompts)
        ]
        return time.perf_counter() - start, [answer for (answer,) in calls]
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        answers = steerer.generate_many(
            prompts(arguments.prompts),
            profiles=[arguments.profile],
            out=folder,
            max_new_tokens=arguments.max_new_tokens,
        )
        return time.perf_counter() - start, answers


def main() -> None:
    """Time both by turns, check that they agree, and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=24)
    parser.add_argument("--profile", default="kantian-ethics")
    parser.add_argument("--max-new-tokens", type=int, default=24)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--one-by-one", action="store_true", help="a call for each prompt")
    arguments = parser.parse_args()
    weights = load_weights(arguments.model, dtype="float32", device="cpu")
    guard = Guard.default()
    # The first pass admits the profile and touches memory for the first time: it is not timed.
    steered(weights, guard, arguments, reuse=True)
    with_reuse, without = [], []
    for _ in range(arguments.repeats):
        with_reuse.append(steered(weights, guard, arguments, reuse=True))
        without.append(steered(weights, guard, arguments, reuse=False))
    texts = {tuple(answer.text for answer in answers) for _, answers in (*with_reuse, *without)}
    if len(texts) != 1:
        raise AssertionError("The texts differ.")
    n_tokens = sum(answer.n_tokens for answer in with_reuse[0][1])
    print(
        f"{arguments.prompts} prompts{' one by one' * arguments.one_by_one} with the profile "
        f"{arguments.profile!r}, {n_tokens} tokens drawn, texts equal"
    )
    for label, runs in (("read once", with_reuse), ("read each time", without)):
        print(f"  {label:14} {n_tokens / statistics.median(run[0] for run in runs):7.1f} tokens/s")
    ratio = statistics.median(slow[0] / fast[0] for fast, slow in zip(with_reuse, without, strict=True))
    print(f"  ratio (median of {arguments.repeats}) {ratio:.2f}x")


if __name__ == "__main__":
    main()
