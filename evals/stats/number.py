"""A number that says how many items stand behind it, how sure it is, and why it is missing when it is."""

from __future__ import annotations

import math
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Number(BaseModel):
    """One measured number.

    Attributes:
        value: finite; None where it cannot be computed, and then ``why`` says so. Never NaN, never a stand-in 0.
        n: how many items, steps or pairs it was computed from.
        questions: how many different questions these belong to.
        low, high: 95 % interval from a bootstrap over questions; None where there are too few questions.
        why: the reason for a missing value.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    value: float | None
    n: Annotated[int, Field(ge=0)]
    questions: Annotated[int, Field(ge=0)] = 0
    low: float | None = None
    high: float | None = None
    why: str | None = None

    @model_validator(mode="after")
    def _either(self) -> Self:
        if (self.value is None) == (self.why is None):
            raise ValueError("a number has either a value or a reason for having none")
        if any(part is not None and not math.isfinite(part) for part in (self.value, self.low, self.high)):
            raise ValueError("a number is finite")
        return self

    @property
    def half_width(self) -> float | None:
        """Half the length of the interval."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2


def missing(why: str, n: int = 0, questions: int = 0) -> Number:
    """A number that cannot be computed, with the reason."""
    return Number(value=None, n=n, questions=questions, why=why)


NOTHING = "no such items"
"""The reason of a number whose kind of item the suite does not hold."""
