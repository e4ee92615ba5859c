"""A level from what can be seen in an answer: a rubric's signs, each asked about by itself, and how the prose reads.

Asked for the level of a story, a small model praises fluency. Asked whether the answer tells how it turned out in the
end, it looks. The signs' log-odds are averaged and, where the criterion says so, joined by the readability index that
code counts; the level distribution is a bell around the place they stand for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from service.grading.levels import LevelDistribution, logistic
from service.grading.prompt import Prompt
from service.grading.structure import measure


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen.

    Attributes:
        signs: log-odds of yes, one for each sign.
        reading_grade: the automated readability index (years of school); None where it does not count or the prose is
            too short for it.
    """

    signs: tuple[float, ...]
    reading_grade: float | None = None

    def place(self, criterion: str, prompt: Prompt) -> float:
        """How high the answer stands, as log-odds: what was seen less what an average answer shows.

        The prompt's parameters: ``signs_weight``, ``signs_at``, ``reading_weight`` and ``reading_at`` (grades), each
        with ``_<criterion>`` appended where it was fitted for that criterion.
        """

        def fitted(name: str, default: float) -> float:
            return prompt.parameter(f"{name}_{criterion}", prompt.parameter(name, default))

        place = 0.0
        if self.signs:
            place += fitted("signs_weight", 1.0) * (fmean(self.signs) - fitted("signs_at", 0.0))
        if self.reading_grade is not None:
            place -= fitted("reading_weight", 0.3) * (self.reading_grade - fitted("reading_at", 8.0))
        return place

    def levels(self, count: int, criterion: str, prompt: Prompt) -> LevelDistribution:
        """The probability of each of ``count`` levels; ``signs_spread`` is the bell's width as a share of the scale."""
        return LevelDistribution.bell(
            logistic(self.place(criterion, prompt)), prompt.parameter("signs_spread", 0.25), count
        )

    def numbered(self, criterion: str, prompt: Prompt) -> dict[str, float]:
        """What was seen by name, for the receipt: ``sign_1``, ``sign_2``, ..., ``reading_grade``, ``seen``."""
        named = {f"sign_{number}": round(odds, 4) for number, odds in enumerate(self.signs, 1)}
        if self.reading_grade is not None:
            named["reading_grade"] = self.reading_grade
        return {**named, "seen": round(self.place(criterion, prompt), 4)}


def reading_grade(answer: str) -> float | None:
    """The readability index of the answer's prose; None below thirty words or in another script."""
    readability = measure(answer).readability
    return None if readability is None else readability.grade


def seen(odds: Sequence[float], answer: str, *, readability: bool) -> Seen:
    """What was seen in an answer."""
    return Seen(tuple(odds), reading_grade(answer) if readability else None)
