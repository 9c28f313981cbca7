"""What may be set when responses to windows are drawn and judged, and the record of it in a run's folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from pluralign.evaluation.folders import evaluator_of
from pluralign.evaluation.spec import OVERTON, OvertonSpec
from pluralign.overton import VIEW_TOKENS
from pluralign.records.base import Record, Text

N_SAMPLES = 4


class OvertonSettings(Record):
    """What may be set; None stands for what the spec says.

    Attributes:
        limit: Only the first so many windows; None: all.
        draws: Responses drawn to each prompt.
        temperature: Of the draws.
        max_new_tokens: Length of a response at most, the same for every way, so that ways can be compared.
        way: "plain", one answer; or "synthesis", several answers and one that presents them all.
        ask_for_views: Whether the prompt asks for the different views by name: a second control for a synthesis.
        profile: Value profile, id or file, that the model is given; plain way only.
        profiles: Value profiles, ids or files, for each of which there is one answer before the synthesis.
        samples: Number of plain answers before the synthesis instead.
        view_tokens: Length of each of these answers at most.
        data: Arguments of the windows beside those of the spec, for example where a file lies.
        preset: A published definition that is put first.
        seed: Seed of everything random.
    """

    limit: int | None = Field(default=None, ge=1)
    draws: int | None = Field(default=None, ge=1)
    temperature: float | None = Field(default=None, ge=0)
    max_new_tokens: int | None = Field(default=None, ge=1)
    way: Literal["plain", "synthesis"] = "plain"
    ask_for_views: bool = False
    profile: Text | None = None
    profiles: tuple[Text, ...] = ()
    samples: int | None = Field(default=None, ge=1)
    view_tokens: int = Field(default=VIEW_TOKENS, ge=1)
    data: Mapping[str, Any] = {}
    preset: Text | None = None
    seed: int = 0

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.way == "plain" and (self.profiles or self.samples):
            raise ValueError("profiles, samples: they are put together by the way 'synthesis' only")
        if self.way == "synthesis" and (self.profile or self.ask_for_views):
            raise ValueError("profile, ask_for_views: for the way 'plain' only; a synthesis takes profiles")
        if self.profiles and self.samples:
            raise ValueError("profiles, samples: a synthesis presents either")
        return self


DEFAULT_OVERTON = OvertonSettings()


class OvertonConfig(Record):
    """config.json of a run: everything that is needed to go on with it.

    Attributes:
        spec: What is run.
        settings: What was set.
        model: The model's name, as `load_model` takes it.
        judge: The judge's name, as `load_entailment` takes it.
    """

    spec: OvertonSpec
    settings: OvertonSettings
    model: Text
    judge: Text

    @property
    def preset(self) -> str | None:
        """The published definition that is put first."""
        return self.settings.preset or self.spec.preset


def is_overton(folder: Path) -> bool:
    """Whether a folder holds a run of free responses.

    Raises:
        StorageError: It holds no run.
    """
    return evaluator_of(folder) == OVERTON
