"""An answer cut where its quotes begin and end, so that a page can mark them without touching its text.

Offsets are Unicode code points, as Python counts and unlike JavaScript: the cutting is done here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from service.grading.grade import Evidence, Grade

Sign = Literal["strength", "gap", "both"]


@dataclass(frozen=True, slots=True)
class Quote:
    """A quote of the answer. ``key`` links the words (``said-<key>``) and the remark on them (``remark-<key>``)."""

    key: str
    criterion: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the answer; the pieces in order are the answer.

    Attributes:
        quotes: those that cover the stretch.
        begins: those that begin with it; each begins once.
    """

    text: str
    quotes: tuple[Quote, ...]
    begins: tuple[Quote, ...]

    @property
    def sign(self) -> Sign | None:
        """What the quotes show; None where nobody quoted."""
        signs = {quote.evidence.sign for quote in self.quotes}
        if len(signs) > 1:
            return "both"
        return next(iter(signs), None)


def quotes_of(grade: Grade) -> tuple[Quote, ...]:
    """Every quote of a grade, criterion by criterion."""
    return tuple(
        Quote(f"{criterion.id}-{number}", criterion.name, evidence)
        for criterion in grade.criteria
        for number, evidence in enumerate(criterion.evidence)
    )


def pieces(answer: str, quotes: Sequence[Quote]) -> tuple[Piece, ...]:
    """The answer in pieces; a quote that does not lie in the answer is passed over."""
    inside = [quote for quote in quotes if 0 <= quote.evidence.start < quote.evidence.end <= len(answer)]
    cuts = {0, len(answer)}.union(*({quote.evidence.start, quote.evidence.end} for quote in inside))
    return tuple(
        Piece(
            answer[start:end],
            tuple(q for q in inside if q.evidence.start <= start and end <= q.evidence.end),
            tuple(q for q in inside if q.evidence.start == start),
        )
        for start, end in pairwise(sorted(cuts))
    )
