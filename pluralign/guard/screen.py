"""The embedded screen: what is plain is refused or served without a judge, all else is unsure.

It is a screen and not the guardrail. `guard/weights/README.md` has its figures: how much it finds, and whom it stops.
"""

import time
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pluralign.errors import ModelError, PluralignError
from pluralign.guard.endorsement_rules import VERSION as RULES_VERSION
from pluralign.guard.endorsement_rules import find_endorsement
from pluralign.guard.language import is_english, may_be_foreign
from pluralign.guard.packed_encoder import PackedEncoder
from pluralign.guard.screening_head import load_head, mean_vectors
from pluralign.guard.statements import (
    Sentence,
    Stretch,
    sentences_of,
    spans_of,
    stretches_across,
    stretches_in_passages,
    text_of,
)
from pluralign.guard.verdict import Document, Passage, Role, Ruling, Span, Verdict
from pluralign.models.embedding import Embedder, load_embedder

MOST_SENTENCES = 64
_LANGUAGE = "en"


def load_screen_encoder(n_layers: int, *, device: str = "cpu") -> PackedEncoder:
    """The embedded sentence encoder, cut off behind its first layers.

    Raises:
        ModelError: It is not installed, or broken.
        MissingExtraError: torch or transformers is not installed.
    """
    embedder = load_embedder(device=device)
    embedder.model.encoder.layer = embedder.model.encoder.layer[:n_layers]
    return PackedEncoder(embedder)


class Screen:
    """Looks for endorsements of harm in every sentence, every window of three and the whole of a profile.

    A narrow rule or a score above the threshold for profiles of that length refuses; a score below the lower
    threshold serves; everything between, other languages and what is too long is unsure. Denied passages are not
    looked at: the holder says that they are not the holder's own.

    Attributes:
        name: "screen".
        languages: English alone.
    """

    name = "screen"
    languages: frozenset[str] | None = frozenset({_LANGUAGE})

    def __init__(self, weights: Path | None = None, *, encoder: Embedder | None = None) -> None:
        """Screen with a head.

        Args:
            weights: File of the head; None: the package's own.
            encoder: What turns texts into vectors; None: the embedded encoder, loaded when first needed.

        Raises:
            ConfigurationError: The file is missing.
            DataError: It does not hold a head.
        """
        self.head, digest = load_head(weights)
        self.version = f"{self.head.version}+{digest[:12]}+rules{RULES_VERSION}"
        self._given = encoder

    @property
    def categories(self) -> frozenset[str] | None:
        """The categories that the head knows."""
        return frozenset(self.head.categories)

    @cached_property
    def encoder(self) -> Embedder:
        """What turns texts into vectors; loading it takes a few seconds."""
        encoder = self._given or load_screen_encoder(self.head.n_layers)
        found = encoder.fingerprint()["weights"]
        if found != self.head.encoder_sha256:
            raise ModelError(
                f"The screen's head was trained on an encoder with sha256 {self.head.encoder_sha256}, not on "
                f"{encoder.id} ({found}). Train it again with scripts/train_screen.py."
            )
        return encoder

    def judge(self, documents: Sequence[Document], *, role: Role) -> list[Verdict]:
        """One verdict a document, in order; what fails is unsure. A text that stands in several is read once."""
        began = time.perf_counter()
        read = [sentences_of(document.passages) for document in documents]
        verdicts = [
            self._settled(document, sentences) for document, sentences in zip(documents, read, strict=True)
        ]
        scored = iter(
            self._scored([
                sentences for sentences, verdict in zip(read, verdicts, strict=True) if verdict is None
            ])
        )
        seconds = (time.perf_counter() - began) / max(len(documents), 1)
        return [(verdict or next(scored)).model_copy(update={"seconds": seconds}) for verdict in verdicts]

    def _settled(self, document: Document, sentences: Sequence[Sentence]) -> Verdict | None:
        """What is said without a score; None where one is needed."""
        try:
            return self._by_rule(sentences) or self._abstention(document, sentences)
        except (PluralignError, ValueError) as error:
            return self._failed(error)

    def _scored(self, read: Sequence[Sequence[Sentence]]) -> list[Verdict]:
        """Verdicts by score on the sentences of documents."""
        stretches = [stretches_in_passages(sentences) for sentences in read]
        texts = [
            [text_of(sentences, stretch) for stretch in own]
            for sentences, own in zip(read, stretches, strict=True)
        ]
        rows = {text: row for row, text in enumerate(dict.fromkeys(text for own in texts for text in own))}
        try:
            vectors = self.encoder.embed(list(rows)) if rows else np.empty((0, 0), dtype=np.float32)
            return [
                self._by_score(sentences, stretches=own, vectors=vectors[[rows[text] for text in named]])
                for sentences, own, named in zip(read, stretches, texts, strict=True)
            ]
        # torch reports what went wrong in it as RuntimeError.
        except (PluralignError, RuntimeError, ValueError, OSError) as error:
            return [self._failed(error)] * len(read)

    def _failed(self, error: Exception) -> Verdict:
        return self._verdict(Ruling.UNSURE, f"The screen failed: {str(error) or type(error).__name__}")

    def _by_rule(self, sentences: Sequence[Sentence]) -> Verdict | None:
        for sentence in sentences:
            if found := find_endorsement(sentence.text):
                reason = f"It endorses {found.what}, in so many words."
                return self._verdict(Ruling.REFUSE, reason, category=found.category, spans=(sentence.span,))
        return None

    def _abstention(self, document: Document, sentences: Sequence[Sentence]) -> Verdict | None:
        """Why the screen does not score a document; None where it does."""
        if not sentences:
            return self._verdict(Ruling.UNSURE, "There is no text to screen.")
        if len(sentences) > MOST_SENTENCES:
            reason = (
                f"{len(sentences)} sentences are more than the {MOST_SENTENCES} that it was calibrated on."
            )
            return self._verdict(Ruling.UNSURE, reason)
        declared = (document.language or _LANGUAGE).partition("-")[0].lower()
        if declared != _LANGUAGE:
            return self._verdict(
                Ruling.UNSURE, f"It is written in {declared!r}; the screen knows English only."
            )
        original = [_original(document.passages, sentence) for sentence in sentences]
        if not is_english(" ".join(original)):
            return self._verdict(
                Ruling.UNSURE, "It is not surely English, and the screen knows nothing else."
            )
        foreign = [
            sentence.span for sentence, text in zip(sentences, original, strict=True) if may_be_foreign(text)
        ]
        if foreign:
            reason = "A part of it may not be English, and the screen knows nothing else."
            return self._verdict(Ruling.UNSURE, reason, spans=tuple(foreign))
        return None

    def _by_score(
        self, sentences: Sequence[Sentence], *, stretches: Sequence[Stretch], vectors: NDArray[np.float32]
    ) -> Verdict:
        n_words = [sentence.n_words for sentence in sentences]
        joined = stretches_across(len(sentences))
        means = mean_vectors(vectors[: len(sentences)], n_words, stretches=joined)
        all_vectors = np.concatenate((vectors, means))
        logits = self.head.logits(all_vectors)
        if not np.isfinite(logits).all():
            return self._verdict(Ruling.UNSURE, "The encoder gave no finite vector.")
        top = int(np.argmax(logits))
        highest = float(logits[top])
        score = float(1 / (1 + np.exp(-highest)))
        if highest < self.head.serve_below:
            return self._verdict(Ruling.SERVE, "Nothing in it resembles an endorsement of harm.", score=score)
        stretch = [*stretches, *joined][top]
        refused = highest > self.head.threshold(len(sentences))
        return self._verdict(
            Ruling.REFUSE if refused else Ruling.UNSURE,
            "It reads like an endorsement of harm."
            if refused
            else "It can be told neither from an endorsement of harm nor from a lawful conviction.",
            category=self.head.category(all_vectors[top]) if refused else None,
            spans=spans_of(sentences, stretch),
            score=score,
        )

    def _verdict(
        self,
        ruling: Ruling,
        reason: str,
        *,
        category: str | None = None,
        spans: tuple[Span, ...] = (),
        score: float | None = None,
    ) -> Verdict:
        return Verdict(
            ruling=ruling,
            layer="screen",
            backend=self.name,
            backend_version=self.version,
            category=category,
            reason=reason,
            spans=spans,
            score=score,
        )


def _original(passages: Sequence[Passage], sentence: Sentence) -> str:
    """A sentence as it was given: undisguised, Cyrillic letters would pass for Latin ones."""
    return passages[sentence.passage].text[sentence.span.start : sentence.span.end]
