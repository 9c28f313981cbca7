"""The embedded judge: similarities of all-MiniLM-L6-v2, words that turn a sentence, and a head of some thirty numbers.

No NLI model can be had without a hub. This judge runs anywhere and is far weaker than one; what it was measured to do,
and what it cannot do, stands in weights/README.md.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pluralign.errors import ModelError
from pluralign.judges.entailment import Entailed, Pair
from pluralign.judges.features import DIRECTION, NEARNESS, Encoded, encoded, read_pair
from pluralign.judges.polarity import WORDS, lexicon, parse
from pluralign.judges.sentences import split_sentences
from pluralign.models.batching import buckets
from pluralign.models.embedding import MAX_TOKENS, TransformersEmbedder, load_embedder

WEIGHTS = Path(__file__).parent / "weights" / "entailment_en.json"

_BATCH_TOKENS = 4096
_MAX_EXPONENT = 40.0
# "This is wrong." behind a sentence belongs to it.
_TAKES_BACK = re.compile(r"(this|that|such|they|it|these|those|both|i|we|nobody|no one)\b", re.IGNORECASE)
_LONGEST_TAKING_BACK = 10


class EmbeddedEntailment:
    """The embedded judge, for English.

    P(states) = P(near) P(same way), P(denies) = P(near) (1 - P(same way)), both by logistic regression. A premise of
    several sentences is read sentence by sentence; the sentence that says most clearly yes or no decides. A view that
    is reported as other people's counts as stated unless it is denied.

    Args:
        embedder: all-MiniLM-L6-v2, on whose states the head was trained.
        weights: JSON file of the head.

    Raises:
        ModelError: The file is no head of these features, or belongs to another embedder or other word lists.
    """

    def __init__(self, embedder: TransformersEmbedder, *, weights: Path = WEIGHTS) -> None:
        self.embedder = embedder
        try:
            content = weights.read_bytes()
            head = json.loads(content)
            self._near, self._way = (_logit(head[part], names) for part, names in _PARTS)
            self.threshold = float(head["threshold"])
            made_with = (head["embedder"], head["words_sha256"])
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise ModelError(f"{weights} holds no head of the embedded judge: {error}") from error
        if made_with != (embedder.id, words_sha256()):
            raise ModelError(
                f"{weights} was trained with the embedder {made_with[0]} and the words {made_with[1][:12]}, not with "
                f"{embedder.id} and {words_sha256()[:12]}; train it again: scripts/train_entailment.py."
            )
        self._sha256 = hashlib.sha256(content).hexdigest()

    @property
    def id(self) -> str:
        """Its name with a hash of the head."""
        return f"embedded:entailment@{self._sha256[:12]}"

    def fingerprint(self) -> Mapping[str, str]:
        """Hashes and settings of everything that can change a verdict."""
        return {
            **{f"embedder.{key}": value for key, value in self.embedder.fingerprint().items()},
            "head": self._sha256,
            "words": words_sha256(),
            "rules": _source_sha256(),
        }

    def entail(self, pairs: Sequence[Pair]) -> list[Entailed | None]:
        """Judge pairs; each text is encoded once, and a verdict does not depend on the other pairs (within 1e-5).

        Args:
            pairs: The pairs; of each sentence, the first 256 tokens are read.

        Returns:
            One verdict a pair, in order; None where one of the texts has no words.
        """
        units = {pair.premise: _units(pair.premise) for pair in pairs}
        hypotheses = [pair.hypothesis for pair in pairs]
        known = encode(self.embedder, [*(unit for own in units.values() for unit in own), *hypotheses])
        return [
            self._verdict([known[unit] for unit in units[pair.premise]], known[pair.hypothesis])
            for pair in pairs
        ]

    def _verdict(self, premise: Sequence[Encoded], hypothesis: Encoded) -> Entailed | None:
        read = [unit for unit in premise if unit.parsed.words]
        if not read or not hypothesis.parsed.words:
            return None
        features = [read_pair(unit, hypothesis) for unit in read]
        near = self._near.probs([nearness for nearness, _ in features])
        same_way = self._way.probs([direction for _, direction in features])
        states, denies = near * same_way, near * (1 - same_way)
        decides = int(np.argmax(np.maximum(states, denies)))
        return Entailed(float(states[decides]), float(denies[decides]))


class _Logit:
    """A logistic regression."""

    def __init__(self, coefficients: Sequence[float], intercept: float) -> None:
        self.coefficients = np.array(coefficients)
        self.intercept = intercept

    def probs(self, rows: Sequence[Sequence[float]]) -> NDArray[np.float64]:
        """Probability of each row of features."""
        scores = np.array(rows) @ self.coefficients + self.intercept
        probs: NDArray[np.float64] = 1 / (1 + np.exp(-np.clip(scores, -_MAX_EXPONENT, _MAX_EXPONENT)))
        return probs


_PARTS = (("near", NEARNESS), ("same_way", DIRECTION))


def _logit(part: Mapping[str, Any], names: Sequence[str]) -> _Logit:
    if tuple(part["features"]) != tuple(names):
        raise ValueError(f"its features are {part['features']}, and those read are {list(names)}")
    return _Logit([float(value) for value in part["coefficients"]], float(part["intercept"]))


def load_embedded_entailment(*, device: str = "auto") -> EmbeddedEntailment:
    """Load the embedded judge.

    Raises:
        ModelError: The embedder's weights are not installed, or the head is not of its making.
        MissingExtraError: torch or transformers is not installed.
    """
    return EmbeddedEntailment(load_embedder("embedded", device=device))


def encode(embedder: TransformersEmbedder, texts: Sequence[str]) -> dict[str, Encoded]:
    """Encode each distinct text once, in batches of like length."""
    import torch

    distinct = list(dict.fromkeys(texts))
    if not distinct:
        return {}
    tokens = embedder.tokenizer(distinct, truncation=True, max_length=MAX_TOKENS, return_offsets_mapping=True)
    ids, offsets = tokens["input_ids"], tokens["offset_mapping"]
    found: dict[str, Encoded] = {}
    for rows in buckets(range(len(distinct)), [len(each) for each in ids], max_tokens=_BATCH_TOKENS):
        batch = embedder.tokenizer.pad({"input_ids": [ids[row] for row in rows]}, return_tensors="pt")
        with torch.inference_mode():
            states = embedder.model(**batch.to(embedder.model.device)).last_hidden_state.float().cpu().numpy()
        for place, row in enumerate(rows):
            own = states[place, : len(ids[row])]
            found[distinct[row]] = _encoded(distinct[row], own, np.array(offsets[row]))
    return found


def words_sha256() -> str:
    """sha256 of the word lists."""
    return hashlib.sha256(WORDS.read_bytes()).hexdigest()


def _encoded(text: str, states: NDArray[np.float32], offsets: NDArray[np.int64]) -> Encoded:
    parsed = parse(text)
    starts, ends = offsets[:, 0], offsets[:, 1]
    words = np.zeros((len(parsed.content), states.shape[1]), dtype=np.float32)
    for row, place in enumerate(parsed.content):
        word = parsed.words[place]
        inside = (starts >= word.start) & (ends <= word.end) & (ends > starts)
        if inside.any():
            words[row] = _unit(states[inside].mean(0))
    return encoded(text, parsed, vector=_unit(states.mean(0)), words=words)


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    scaled: NDArray[np.float32] = vector / max(float(np.linalg.norm(vector)), 1e-12)
    return scaled


def _units(premise: str) -> list[str]:
    """The sentences of a premise, each with the one behind it where that takes it back."""
    units: list[str] = []
    for sentence in split_sentences(premise):
        if units and _takes_back(sentence):
            units[-1] += f" {sentence}"
        else:
            units.append(sentence)
    return units


def _takes_back(sentence: str) -> bool:
    if not _TAKES_BACK.match(sentence) or len(sentence.split()) > _LONGEST_TAKING_BACK:
        return False
    known = lexicon()
    return any(clause.denials & known.denials for clause in parse(sentence).clauses)


def _source_sha256() -> str:
    """sha256 of the rules that no weight file holds."""
    digest = hashlib.sha256()
    for name in ("embedded.py", "features.py", "polarity.py", "sentences.py"):
        digest.update((Path(__file__).parent / name).read_bytes())
    return digest.hexdigest()
