"""A response with what a judge said of it: which view each of its sentences states, and which it denies."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pluralign.errors import DataError
from pluralign.records.response import Response
from pluralign.records.window import Window

Array = NDArray[np.float64]


@dataclass(frozen=True)
class JudgedResponse:
    """What a judge said of one response to a window.

    The judge is asked of every statement of every viewpoint, with each sentence and with the whole response as
    premise. Of a viewpoint's statements the one that is entailed most counts.

    Attributes:
        window: The window.
        response: The response.
        sentences: Its sentences, in order.
        entailment: Per viewpoint and premise, shape (n_viewpoints, n_sentences + 1): the last column is the whole
            response. NaN where the judge gave no verdict.
        contradiction: The same for denials, of the statement that is denied most.
        opinions: Per sentence, whether it states a view at all, of whatever kind: shape (n_sentences,). Greetings,
            questions and descriptions of the question do not.
    """

    window: Window
    response: Response
    sentences: tuple[str, ...]
    entailment: Array
    contradiction: Array
    opinions: NDArray[np.bool_]

    def __post_init__(self) -> None:
        """Check the shapes.

        Raises:
            DataError: They do not fit the window and the sentences.
        """
        shape = (len(self.window.viewpoints), len(self.sentences) + 1)
        if self.entailment.shape != shape or self.contradiction.shape != shape:
            raise DataError(
                f"window {self.window.id!r}: verdicts must have shape {shape} (viewpoints, sentences + 1), not "
                f"{self.entailment.shape} and {self.contradiction.shape}."
            )
        if self.opinions.shape != (len(self.sentences),):
            raise DataError(f"window {self.window.id!r}: one opinion flag a sentence is needed.")
