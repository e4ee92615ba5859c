"""Rubrics as data: criteria, levels, weights, caps and bands, checked when they are loaded.

The level descriptors live in ``rubrics/*.yaml`` and nowhere else. A rubric version is immutable; its
``sha256`` goes into every receipt.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from service.grading.errors import InvalidRubric, faults_of
from service.grading.hashing import content_hash

Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*([-_][a-z0-9]+)*$", max_length=64)]
Version = Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$", max_length=32)]
Line = Annotated[str, Field(min_length=1, max_length=200)]
Paragraph = Annotated[str, Field(min_length=1, max_length=1_000)]

DEFAULT_RUBRIC = "ds-interview"
MAX_CRITERIA = 12
MAX_LEVELS = 10
MAX_SIGNS = 6
WEIGHT_TOLERANCE = 1e-6
BIGGEST = 1e9


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Level(_Part):
    """One step of a criterion: a short label and a descriptor of what can be seen in the text."""

    label: Line
    descriptor: Paragraph


_LATER: Mapping[str, Any] = {"applies_when": None, "signs": [], "readability": False}
"""Fields criteria were given later: where they are unused, a rubric from before keeps its hash."""


class AppliesWhen(_Part):
    """What an answer must hold for a criterion to be judged at all.

    Attributes:
        answer: ``prose`` - at least a few sentences beside code, so that a bare query is not asked for a story.
    """

    answer: Literal["prose"]


class Criterion(_Part):
    """One thing the answer is judged on.

    Attributes:
        factual: the level hinges on facts, so a judge may ask about the central claim apart from the wording.
        guidance: hints for the judge that learners do not see.
        signs: what can be seen in an answer at a high level, each a yes/no question; a judge may ask them one by one
            and weigh them in place of asking for the level (checklists, CheckEval, arXiv 2403.18771).
        readability: the level hinges on how easily the prose reads, so a judge may weigh its readability index with
            the signs.
        applies_when: without it the criterion always applies; where it does not hold, the criterion is
            ``not_applicable`` and its weight goes to the others.
    """

    id: Slug
    name: Line
    weight: Annotated[float, Field(gt=0, le=1, strict=False)]
    question: Paragraph
    levels: Annotated[tuple[Level, ...], Field(min_length=2, max_length=10, strict=False)]
    guidance: Paragraph | None = None
    factual: bool = False
    signs: Annotated[tuple[Line, ...], Field(max_length=MAX_SIGNS, strict=False)] = ()
    readability: bool = False
    applies_when: AppliesWhen | None = None


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

    @property
    def version_key(self) -> tuple[int, ...]:
        """The version as numbers, so that 1.10.0 comes after 1.9.0."""
        return tuple(int(part) for part in self.version.split("."))

    @cached_property
    def sha256(self) -> str:
        """SHA-256 (hex) over the canonical JSON of the rubric: equal content, equal hash."""
        content = self.model_dump(mode="json")
        for criterion in content["criteria"]:
            for name, absent in _LATER.items():
                if criterion[name] == absent:
                    del criterion[name]
        return content_hash(content)

    def criterion(self, criterion_id: str) -> Criterion:
        """The criterion with this id.

        Raises:
            KeyError: no criterion has it.
        """
        for criterion in self.criteria:
            if criterion.id == criterion_id:
                return criterion
        raise KeyError(criterion_id)

    def only(self, criteria: Iterable[Criterion]) -> Rubric:
        """This rubric with some of its criteria, their weights renormalised and without caps; what a judge is shown."""
        kept = tuple(criteria)
        total = sum(criterion.weight for criterion in kept)
        shares = tuple(c.model_copy(update={"weight": c.weight / total}) for c in kept)
        aggregation = self.aggregation.model_copy(update={"caps": ()})
        fields = {name: getattr(self, name) for name in Rubric.model_fields}
        return Rubric(**{**fields, "criteria": shares, "aggregation": aggregation})

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems = [f"{fault.where}: {fault.what}" for fault in contradictions(self.model_dump())]
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
        raise InvalidRubric(faults_of(error, naming=False)) from None


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that makes a rubric unusable: the rule, the place as a path into the data, and what is wrong."""

    rule: str
    path: tuple[str | int, ...]
    what: str

    @property
    def where(self) -> str:
        """The path with dots, as in messages."""
        return ".".join(map(str, self.path))


def contradictions(data: Mapping[str, Any]) -> Iterator[Fault]:
    """Faults between parts that are fine by themselves: shared ids, weights, numbers of levels, caps, bands.

    Works on parsed YAML or JSON of any shape and looks only at parts that have the right type, so that a checker can
    report these together with all other faults.
    """
    criteria = [(index, item) for index, item in enumerate(_list(data, "criteria")) if isinstance(item, Mapping)]
    yield from _criteria_faults(criteria)
    sizes = {len(levels) for _, item in criteria if (levels := _list(item, "levels"))}
    if criteria and sizes and all(item.get("applies_when") for _, item in criteria):
        yield Fault("applies-when", ("criteria",), "at least one criterion has to apply to every answer")
    if len(sizes) == 1:
        yield from _aggregation_faults(data.get("aggregation"), criteria, sizes.pop())
    elif sizes:
        yield Fault("levels", ("criteria",), "all criteria need the same number of levels")


def _criteria_faults(criteria: list[tuple[int, Mapping[str, Any]]]) -> Iterator[Fault]:
    seen: set[str] = set()
    for index, item in criteria:
        name = item.get("id")
        if isinstance(name, str) and name in seen:
            yield Fault("shared-id", ("criteria", index, "id"), f"two criteria share an id: {name}")
        elif isinstance(name, str):
            seen.add(name)
    weights = [item.get("weight") for _, item in criteria]
    numbers = [float(weight) for weight in weights if isinstance(weight, int | float) and _is_number(weight)]
    if weights and len(numbers) == len(weights) and abs(sum(numbers) - 1) > WEIGHT_TOLERANCE:
        yield Fault("weights", ("criteria",), f"weights sum to {sum(numbers):g}, not to 1")


def _aggregation_faults(
    aggregation: Any, criteria: list[tuple[int, Mapping[str, Any]]], levels: int
) -> Iterator[Fault]:
    if not isinstance(aggregation, Mapping):
        return
    bands = _list(aggregation, "bands")
    if bands and len(bands) != levels:
        yield Fault("bands", ("aggregation", "bands"), f"{levels} labels needed, one for each overall level")
    elif len({str(band).casefold() for band in bands}) != len(bands):
        yield Fault("bands", ("aggregation", "bands"), "two overall levels have the same label")
    weights = {name: item.get("weight") for _, item in criteria if isinstance(name := item.get("id"), str)}
    earlier: list[tuple[str, float, float]] = []
    for index, cap in enumerate(_list(aggregation, "caps")):
        path = ("aggregation", "caps", index)
        if not isinstance(cap, Mapping) or not _is_number(cap.get("at_most")) or not _is_number(cap.get("overall")):
            continue
        name, at_most, limit = str(cap.get("criterion")), float(cap["at_most"]), float(cap["overall"])
        if name not in weights:
            yield Fault("cap-unknown", path, f"no criterion is called {name}")
        elif why := _never_fires(weights[name], at_most, limit, levels):
            yield Fault("cap-never-fires", path, why)
        elif any(other == name and at_most <= most and limit >= lower for other, most, lower in earlier):
            yield Fault("cap-never-fires", path, f"can never lower a score that an earlier cap on {name} has not")
        elif any(other == name and at_most >= most and limit <= lower for other, most, lower in earlier):
            yield Fault("cap-never-fires", path, f"leaves an earlier cap on {name} nothing to lower")
        earlier.append((name, at_most, limit))


def _never_fires(weight: Any, at_most: float, limit: float, levels: int) -> str | None:
    if limit >= levels or at_most >= levels:
        return f"can never lower a score on {levels} levels"
    if at_most < 1:
        return "can never apply: no score is below 1"
    if _is_number(weight) and (best := weight * at_most + (1 - weight) * levels) <= limit:
        return f"can never lower a score: with at most {at_most:g} on it no overall score is above {best:g}"
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= BIGGEST


def _list(data: Mapping[str, Any], name: str) -> list[Any]:
    value = data.get(name)
    return list(value) if isinstance(value, (list, tuple)) else []
