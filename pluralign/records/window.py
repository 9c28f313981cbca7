"""Windows: the reasonable views on a question, each with its share of people."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from pluralign.records.base import Probability, Record, Text, duplicates
from pluralign.records.jsonl import content_hash


class Viewpoint(Record):
    """One view on a question.

    Attributes:
        id: Unique within the window: "group=0", "Right to privacy".
        statements: The view in words, at least one, the most typical first. Whoever states one of them states the
            view.
        share: Share of the window's people who hold it; None where nobody was counted. Shares need not sum to 1:
            people whom no view describes belong to none.
        n_people: Number of people who hold it; None where nobody was counted.
    """

    id: Text
    statements: Annotated[tuple[Text, ...], Field(min_length=1)]
    share: Probability | None = None
    n_people: Annotated[int, Field(ge=0)] | None = None


class Window(Record):
    """The Overton window of a question (Sorensen et al. 2024): the views that a whole answer presents.

    Attributes:
        id: Unique within a set.
        prompt: What a model is asked, word for word.
        viewpoints: At least one, no id twice.
        n_people: Number of people behind the window, those without a view included; None where nobody was counted.
    """

    id: Text
    prompt: Text
    viewpoints: Annotated[tuple[Viewpoint, ...], Field(min_length=1)]
    n_people: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if repeated := duplicates(tuple(viewpoint.id for viewpoint in self.viewpoints)):
            raise ValueError(f"viewpoints: ids {repeated} occur more than once in window {self.id!r}")
        known = [viewpoint.share is not None for viewpoint in self.viewpoints]
        if any(known) and not all(known):
            raise ValueError(f"viewpoints: either all views of window {self.id!r} have a share or none")
        if sum(viewpoint.share or 0.0 for viewpoint in self.viewpoints) > 1 + 1e-6:
            raise ValueError(f"viewpoints: the shares of window {self.id!r} sum to more than 1")
        return self

    @property
    def weights(self) -> tuple[float, ...] | None:
        """The shares among people who hold a view, summing to 1; None where nobody was counted."""
        total = sum(viewpoint.share or 0.0 for viewpoint in self.viewpoints)
        return tuple((viewpoint.share or 0.0) / total for viewpoint in self.viewpoints) if total else None


class WindowSet(Record):
    """Windows that are asked and scored together.

    Attributes:
        id: Name of the set.
        windows: At least one, no id twice.
        source: Where the views come from, with the licence stated there.
        made: How the views were made: "k-means of 204 people's votes, k = 2 by silhouette", in one sentence.
    """

    id: Text
    windows: Annotated[tuple[Window, ...], Field(min_length=1)]
    source: str = ""
    made: str = ""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if repeated := duplicates(tuple(window.id for window in self.windows)):
            raise ValueError(f"windows: ids {repeated} occur more than once in {self.id!r}")
        return self

    @property
    def digest(self) -> str:
        """sha256 of the content."""
        return content_hash(self.model_dump(mode="json"))
