"""The common base of all records: frozen, strict about unknown fields, no NaN or infinity."""

from collections import Counter
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Text = Annotated[str, StringConstraints(min_length=1, pattern=r"\S")]
Count = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Probability = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]

PROBABILITY_TOLERANCE = 1e-6


class Record(BaseModel):
    """Base of every record."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def check_distribution(name: str, values: tuple[float, ...]) -> None:
    """Raise ValueError unless the values sum to 1 within 1e-6 (1e-6: room for rounding in files)."""
    total = sum(values)
    if abs(total - 1) > PROBABILITY_TOLERANCE:
        raise ValueError(f"{name} must sum to 1, they sum to {total:.6g}: {values}")


def duplicates(values: tuple[str, ...]) -> list[str]:
    """The values that occur more than once, in order of first occurrence."""
    return [value for value, number in Counter(values).items() if number > 1]
