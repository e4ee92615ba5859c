"""An answer cut where quotes begin and end. Offsets are code points, as Python counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from service.grading.grade import Evidence


@dataclass(frozen=True, slots=True)
class Quote:
    """A quote, the criterion it was given for and the variant that gave it."""

    criterion: str
    variant: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the answer and the quotes that cover it; the pieces in order are the answer."""

    text: str
    quotes: tuple[Quote, ...]

    @property
    def sign(self) -> Literal["strength", "gap", "both", ""]:
        """What the quotes show."""
        signs = {quote.evidence.sign for quote in self.quotes}
        if len(signs) > 1:
            return "both"
        return next(iter(signs), "")

    @property
    def note(self) -> str:
        """Who quoted it, and what for."""
        parts = (f"{q.criterion} ({q.variant}): {q.evidence.comment or q.evidence.sign}" for q in self.quotes)
        return "\n".join(dict.fromkeys(parts))


def pieces(answer: str, quotes: Sequence[Quote]) -> list[Piece]:
    """The answer in pieces; offsets beyond its end are cut off."""
    cuts = {0, len(answer)}
    for quote in quotes:
        cuts |= {min(quote.evidence.start, len(answer)), min(quote.evidence.end, len(answer))}
    return [
        Piece(answer[start:end], tuple(q for q in quotes if q.evidence.start <= start and end <= q.evidence.end))
        for start, end in pairwise(sorted(cuts))
    ]
