"""Rubrics as data: criteria, levels, weights, caps and bands, checked when they are loaded.

The level descriptors live in ``rubrics/*.yaml`` and nowhere else. A rubric version is immutable; its
``sha256`` goes into every receipt.
"""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from service.grading.errors import InvalidRubric

Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*([-_][a-z0-9]+)*$", max_length=64)]
Version = Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$", max_length=32)]
Line = Annotated[str, Field(min_length=1, max_length=200)]
Paragraph = Annotated[str, Field(min_length=1, max_length=1_000)]

MAX_CRITERIA = 12
MAX_PROBLEMS = 20
WEIGHT_TOLERANCE = 1e-6


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Level(_Part):
    """One step of a criterion: a short label and a descriptor of what can be seen in the text."""

    label: Line
    descriptor: Paragraph


class Criterion(_Part):
    """One thing the answer is judged on.

    Attributes:
        factual: the level hinges on facts, so a judge may ask about the central claim apart from the wording.
        guidance: hints for the judge that learners do not see.
    """

    id: Slug
    name: Line
    weight: Annotated[float, Field(gt=0, le=1, strict=False)]
    question: Paragraph
    levels: Annotated[tuple[Level, ...], Field(min_length=2, max_length=10, strict=False)]
    guidance: Paragraph | None = None
    factual: bool = False


class Cap(_Part):
    """When the level score of ``criterion`` is at or below ``at_most``, the overall score is at most ``overall``."""

    criterion: Slug
    at_most: Annotated[float, Field(ge=1, strict=False)]
    overall: Annotated[float, Field(ge=1, strict=False)]


class Aggregation(_Part):
    """How criterion scores become one: a weighted mean, then caps; ``bands`` label overall levels 1..K."""

    caps: Annotated[tuple[Cap, ...], Field(strict=False)] = ()
    bands: Annotated[tuple[Line, ...], Field(min_length=2, max_length=10, strict=False)]


class Rubric(_Part):
    """A whole rubric. Build it with :func:`parse_rubric`, which turns every fault into :class:`InvalidRubric`."""

    id: Slug
    version: Version
    title: Line
    audience: Paragraph
    criteria: Annotated[tuple[Criterion, ...], Field(min_length=1, max_length=MAX_CRITERIA, strict=False)]
    aggregation: Aggregation

    @property
    def levels(self) -> int:
        """K: the number of levels, the same for every criterion."""
        return len(self.criteria[0].levels)

    @property
    def reference(self) -> str:
        """``id@version``, the name under which a request can ask for exactly this rubric."""
        return f"{self.id}@{self.version}"

    @cached_property
    def sha256(self) -> str:
        """SHA-256 (hex) over the canonical JSON of the rubric: equal content, equal hash."""
        canonical = json.dumps(self.model_dump(mode="json"), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode("utf-8")).hexdigest()

    def criterion(self, criterion_id: str) -> Criterion:
        """The criterion with this id.

        Raises:
            KeyError: no criterion has it.
        """
        for criterion in self.criteria:
            if criterion.id == criterion_id:
                return criterion
        raise KeyError(criterion_id)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems = [*_criteria_problems(self), *_aggregation_problems(self)]
        if problems:
            raise ValueError("; ".join(problems))
        return self


def parse_rubric(data: Any) -> Rubric:
    """A rubric from parsed YAML or JSON.

    Raises:
        InvalidRubric: with every problem found, each naming its place (``criteria.0.levels: ...``).
    """
    try:
        return Rubric.model_validate(data)
    except ValidationError as error:
        problems = [_problem(detail) for detail in error.errors(include_input=False, include_url=False)]
        raise InvalidRubric("; ".join(problems[:MAX_PROBLEMS])) from None


def _problem(detail: Any) -> str:
    place = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        inside = place.rpartition(".")[0] or "the rubric"
        return f"{inside}: holds a member that is not known here"
    message = str(detail["msg"]).removeprefix("Value error, ")
    return f"{place}: {message}" if place else message


def _criteria_problems(rubric: Rubric) -> list[str]:
    problems = []
    ids = [criterion.id for criterion in rubric.criteria]
    if len(set(ids)) != len(ids):
        problems.append("criteria: two criteria share an id")
    if len({len(criterion.levels) for criterion in rubric.criteria}) > 1:
        problems.append("criteria: all criteria need the same number of levels")
    total = sum(criterion.weight for criterion in rubric.criteria)
    if abs(total - 1) > WEIGHT_TOLERANCE:
        problems.append(f"criteria: weights sum to {total:g}, not to 1")
    return problems


def _aggregation_problems(rubric: Rubric) -> list[str]:
    problems = []
    ids = {criterion.id for criterion in rubric.criteria}
    if len(rubric.aggregation.bands) != rubric.levels:
        problems.append(f"aggregation.bands: {rubric.levels} labels needed, one for each overall level")
    for index, cap in enumerate(rubric.aggregation.caps):
        if cap.criterion not in ids:
            problems.append(f"aggregation.caps.{index}: no criterion is called {cap.criterion}")
        if cap.overall >= rubric.levels or cap.at_most >= rubric.levels:
            problems.append(f"aggregation.caps.{index}: can never lower a score on {rubric.levels} levels")
    return problems
