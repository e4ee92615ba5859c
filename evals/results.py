"""What an evaluation run keeps: one line of JSON for each answer graded, with the production grade as it came."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from evals.golden import GoldenRow
from service.grading.grade import Grade, ScoredCriterion, Usage


class Result(BaseModel):
    """One golden row graded once by one variant.

    Attributes:
        row: what was graded, with its labels.
        variant: what is compared, e.g. the judge prompt ``judge-readout@3``.
        repeat: 0 for the plain run; further numbers are fresh samples or perturbed copies of the same row.
        perturbation: the meaning-preserving change that was made (``criterion-order``, ...), if any.
        grade: as the service would return it; None where grading broke off.
        usage: calls, tokens, cost and seconds of this grade; nothing where it was replayed.
        probes: what the judge's side questions said of each criterion, by name, as in a receipt: what weights are
            fitted on.
        error: why there is no grade.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    row: GoldenRow
    variant: str
    repeat: Annotated[int, Field(ge=0)] = 0
    perturbation: str | None = None
    grade: Grade | None
    usage: Usage
    probes: dict[str, dict[str, float]] = {}
    error: str | None = None

    def score(self, criterion: str) -> float | None:
        """The expected level of a criterion as the distribution gives it, unrounded; None where it is not scored."""
        scored = self.scored(criterion)
        if scored is None:
            return None
        return sum(level * p for level, p in enumerate(scored.distribution, 1)) / sum(scored.distribution)

    def scored(self, criterion: str) -> ScoredCriterion | None:
        """The grade of a criterion; None where it is unscored, not applicable or missing."""
        for part in self.grade.criteria if self.grade else ():
            if part.id == criterion and isinstance(part, ScoredCriterion):
                return part
        return None


def read_results(path: Path) -> Iterator[Result]:
    """The results of a ``results.jsonl``; a last line cut short by a crash is left out."""
    for line in path.read_text(encoding="utf-8").split("\n")[:-1]:
        if line:
            yield Result.model_validate_json(line)


def criteria_of(results: Iterable[Result]) -> list[str]:
    """The criterion ids that occur in grades, in rubric order."""
    seen: dict[str, None] = {}
    for result in results:
        for part in result.grade.criteria if result.grade else ():
            seen.setdefault(part.id)
    return list(seen)
