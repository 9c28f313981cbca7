"""What may be set when sequences are read, and the record of it in a run's folder."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from pluralign.evaluation.spec import SequencesSpec
from pluralign.records.base import Record, Text
from pluralign.records.sequence_score import LayoutName


class SequencesSettings(Record):
    """What may be set; None stands for what the spec says.

    Attributes:
        sequences: So many are drawn, at most.
        layout: How they are laid out; None: as the model was made to read them.
        max_words: Budget of words of a sequence.
        bfloat16: Whether a model in float32 computes its matrix products in bfloat16: twice as fast or more where the
            processor can, and losses that differ in the third digit.
        data: Where the data lie: path.
        seed: Decides which sequences are made and drawn, so that models are compared on the same ones.
    """

    sequences: int | None = Field(default=None, ge=1)
    layout: LayoutName | None = None
    max_words: int | None = Field(default=None, ge=1)
    bfloat16: bool = False
    data: Mapping[str, Any] = {}
    seed: int = Field(default=0, ge=0)


DEFAULT_SEQUENCES = SequencesSettings()


class SequencesConfig(Record):
    """config.json of a run: everything that is needed to go on with it.

    Attributes:
        spec: What is run.
        settings: What was set.
        model: The model's name, as `load_model` takes it.
    """

    spec: SequencesSpec
    settings: SequencesSettings
    model: Text

    @property
    def max_words(self) -> int:
        """Budget of words of a sequence."""
        return self.settings.max_words or self.spec.max_words
