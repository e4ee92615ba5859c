"""Results as observations: one labelled criterion of one graded answer, the unit all agreement is computed from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from evals.golden import GoldenRow
from evals.results import Result
from evals.stats.resample import Floats, Ints

POOLED = "all criteria"
"""The name under which all labelled criteria are taken together."""
OVERALL = "overall"
"""A label under this name is compared with the overall score."""


@dataclass(frozen=True, slots=True)
class Observation:
    """A labelled criterion that was scored.

    Attributes:
        label: the true level; ``truth`` the same as fine as it is known.
        score: the expected level; ``level`` the level shown.
        distribution: probability of each level, lowest first; empty for the overall score.
        confidence: 0 to 1, where the judge gives one.
        length: words of the answer.
    """

    row: str
    question: str
    criterion: str
    label: int
    truth: float
    score: float
    level: int
    distribution: tuple[float, ...]
    confidence: float | None
    length: int


def observed(results: Iterable[Result]) -> list[Observation]:
    """Every labelled criterion that has a score; what failed is left out, never averaged in."""
    found = [_observation(result, criterion) for result in results for criterion in result.row.labels]
    return [observation for observation in found if observation is not None]


def _observation(result: Result, criterion: str) -> Observation | None:
    judged = _judged(result, criterion)
    if judged is None:
        return None
    row, label = result.row, result.row.labels[criterion]
    score, level, distribution, confidence = judged
    return Observation(
        row=row.id,
        question=question_of(row),
        criterion=criterion,
        label=label.level,
        truth=label.truth,
        score=score,
        level=level,
        distribution=distribution,
        confidence=confidence,
        length=len(row.answer.split()),
    )


def _judged(result: Result, criterion: str) -> tuple[float, int, tuple[float, ...], float | None] | None:
    scored, score = result.scored(criterion), result.score(criterion)
    if scored is not None and score is not None:
        return score, scored.level, scored.distribution, scored.confidence
    total = result.grade.overall if result.grade and criterion == OVERALL else None
    return None if total is None else (total.score, total.level, (), total.confidence)


def score_of(result: Result, criterion: str) -> float | None:
    """The expected level of a criterion, or the overall score where that is asked for."""
    judged = _judged(result, criterion)
    return None if judged is None else judged[0]


def question_of(row: GoldenRow) -> str:
    """What rows are clustered by: the question's own words."""
    return " ".join(row.question.split())


def plain(results: Iterable[Result], variant: str) -> list[Result]:
    """A variant's plain results (no repeats); where a row was graded again after a break, the last counts."""
    return list({r.row.id: r for r in results if r.variant == variant and r.repeat == 0}.values())


def variants_of(results: Iterable[Result]) -> list[str]:
    """The variants in the order in which they occur; the first is the base."""
    return list(dict.fromkeys(result.variant for result in results))


@dataclass(frozen=True, slots=True)
class Columns:
    """Observations as arrays of one length."""

    questions: list[str]
    label: Ints
    truth: Floats
    score: Floats
    level: Ints
    length: Floats

    @classmethod
    def of(cls, observations: Sequence[Observation]) -> Columns:
        """The columns of some observations."""
        return cls(
            questions=[o.question for o in observations],
            label=np.array([o.label for o in observations], dtype=np.int64),
            truth=np.array([o.truth for o in observations], dtype=np.float64),
            score=np.array([o.score for o in observations], dtype=np.float64),
            level=np.array([o.level for o in observations], dtype=np.int64),
            length=np.array([o.length for o in observations], dtype=np.float64),
        )
