"""Canvas rubrics become ours: what bootcamps already have, as a rubric file to mend and use.

Reads the JSON of the Canvas REST API (a rubric, a list of them, or an assignment with its ``rubric``) and the CSV of
Canvas' rubric export and import template: one row a criterion, ratings as repeated name/description/points columns.
https://developerdocs.instructure.com/services/canvas/resources/rubrics
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from service.grading.rubric import MAX_CRITERIA, MAX_LEVELS, Rubric, parse_rubric

MAX_LINE = 200
MAX_PARAGRAPH = 1_000
AUDIENCE = "A candidate's answer to one interview question."

_TAG = re.compile(r"<[^>]{0,200}>")
_NOT_SLUG = re.compile(r"[^a-z0-9]+")
_COLUMNS = ("Rubric Name", "Criteria Name", "Criteria Description")


class InvalidCanvas(ValueError):
    """The file is not a Canvas rubric, or one that cannot become ours; the message says why."""


@dataclass(frozen=True, slots=True)
class Imported:
    """A rubric as made from Canvas', and what its author should look at."""

    rubric: Rubric
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Rating:
    label: str
    text: str
    points: float


@dataclass(frozen=True, slots=True)
class _Criterion:
    name: str
    text: str
    points: float
    ratings: tuple[_Rating, ...]


@dataclass(frozen=True, slots=True)
class _CanvasRubric:
    title: str
    criteria: tuple[_Criterion, ...]


def import_canvas(text: str) -> list[Imported]:
    """Every rubric of a Canvas file, lowest level first, weights by points.

    Canvas lets criteria differ in their number of ratings and we do not: a criterion with fewer gets levels in between,
    each named in the remarks.

    Raises:
        InvalidCanvas: saying what is wrong, without the text of the file.
    """
    found = list(_from_json(text) if text.lstrip()[:1] in ("{", "[") else _from_csv(text))
    if not found:
        raise InvalidCanvas("the file holds no rubric")
    return [_ours(rubric) for rubric in found]


def _from_json(text: str) -> Iterator[_CanvasRubric]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidCanvas("the file is not valid JSON") from None
    for item in data if isinstance(data, list) else [data]:
        if not isinstance(item, dict):
            raise InvalidCanvas("a rubric has to be a JSON object")
        criteria = item.get("data") or item.get("rubric") or item.get("criteria")
        settings = item.get("rubric_settings")
        title = settings.get("title") if isinstance(settings, dict) else None
        if not isinstance(criteria, list):
            raise InvalidCanvas('an object has no list of criteria under "data" or "rubric"')
        name = _clean(title or item.get("title") or item.get("name"))
        yield _CanvasRubric(name, tuple(_json_criterion(criterion) for criterion in criteria))


def _json_criterion(item: Any) -> _Criterion:
    if not isinstance(item, dict) or not isinstance(item.get("ratings"), list):
        raise InvalidCanvas("a criterion has no ratings: Canvas' free-form criteria have no levels to judge by")
    ratings = tuple(_json_rating(rating) for rating in item["ratings"] if isinstance(rating, dict))
    best = max((rating.points for rating in ratings), default=0.0)
    points = 0.0 if item.get("ignore_for_scoring") else _points(item.get("points", best))
    return _Criterion(_clean(item.get("description")), _clean(item.get("long_description")), points, ratings)


def _json_rating(item: dict[str, Any]) -> _Rating:
    return _Rating(_clean(item.get("description")), _clean(item.get("long_description")), _points(item.get("points")))


def _from_csv(text: str) -> Iterator[_CanvasRubric]:
    try:
        rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    except csv.Error as error:
        raise InvalidCanvas(f"the file is not valid CSV ({error})") from None
    header = [name.strip() for name in rows[0]] if rows else []
    if not set(_COLUMNS) <= set(header):
        raise InvalidCanvas(f"this is not Canvas' rubric template: the columns {', '.join(_COLUMNS)} are expected")
    places = {name: header.index(name) for name in _COLUMNS}
    first_rating = next((i for i, name in enumerate(header) if name.startswith("Rating Name")), len(header))
    criteria: dict[str, list[_Criterion]] = {}
    for row in rows[1:]:
        if any(cell.strip() for cell in row):
            title, name, description = (_clean(_cell(row, places[column])) for column in _COLUMNS)
            ratings = tuple(_csv_ratings(row[first_rating:]))
            points = max((rating.points for rating in ratings), default=0)
            criteria.setdefault(title, []).append(_Criterion(name, description, points, ratings))
    for title, found in criteria.items():
        yield _CanvasRubric(title, tuple(found))


def _csv_ratings(cells: Sequence[str]) -> Iterator[_Rating]:
    for start in range(0, len(cells), 3):
        label, text, points = (_cell(cells, start + step) for step in range(3))
        if label.strip() or text.strip() or points.strip():
            yield _Rating(_clean(label), _clean(text), _points(points))


def _cell(row: Sequence[str], place: int) -> str:
    return row[place] if place < len(row) else ""


def _clean(text: Any) -> str:
    """Text without the HTML that Canvas allows in descriptions."""
    return " ".join(_TAG.sub(" ", str(text or "")).split())


def _points(value: Any) -> float:
    try:
        points = float(str(value).strip().replace(",", "."))
    except ValueError:
        points = math.nan
    if not math.isfinite(points) or points < 0:
        raise InvalidCanvas("the points of a rating or criterion are not a number of 0 or more")
    return points


def _ours(canvas: _CanvasRubric) -> Imported:
    scored = [criterion for criterion in canvas.criteria if criterion.points > 0]
    remarks = [
        f'"{_short(criterion.name)}" counts no points in Canvas and was left out'
        for criterion in canvas.criteria
        if criterion.points <= 0
    ]
    if not 1 <= len(scored) <= MAX_CRITERIA:
        raise InvalidCanvas(f"a rubric needs 1 to {MAX_CRITERIA} criteria with points, and this one has {len(scored)}")
    size = max(len(criterion.ratings) for criterion in scored)
    if not 2 <= size <= MAX_LEVELS:
        raise InvalidCanvas(f"a criterion needs 2 to {MAX_LEVELS} ratings, and one has {size}")
    slug = _unique_slugs()
    weights = _weights([criterion.points for criterion in scored])
    criteria = [
        _criterion(criterion, size, weight, slug(criterion.name), remarks)
        for criterion, weight in zip(scored, weights, strict=True)
    ]
    data = {
        "id": _slug(canvas.title) or "imported",
        "version": "1.0.0",
        "title": _short(canvas.title) or "Imported rubric",
        "audience": AUDIENCE,
        "criteria": criteria,
        "aggregation": {"caps": [], "bands": _bands(criteria)},
    }
    remarks.append("no criterion is factual and there is no cap: add `factual: true` and a cap where facts decide")
    return Imported(parse_rubric(data), tuple(remarks))


def _criterion(criterion: _Criterion, size: int, weight: float, slug: str, remarks: list[str]) -> dict[str, Any]:
    name = _short(criterion.name) or slug
    ratings = sorted(criterion.ratings, key=lambda rating: rating.points)
    if len(ratings) < 2:
        raise InvalidCanvas(f'"{name}" needs at least 2 ratings and has {len(ratings)}')
    if bare := sum(not rating.text for rating in ratings):
        remarks.append(f'"{name}": {bare} of {len(ratings)} ratings have no description; their names stand for it')
    if len(ratings) < size:
        remarks.append(f'"{name}" has {len(ratings)} ratings where another has {size}: levels were put in between')
    while len(ratings) < size:
        ratings = _one_more(ratings)
    return {
        "id": slug,
        "name": name,
        "weight": weight,
        "question": _question(criterion, name),
        "levels": [
            {"label": _short(rating.label) or f"Level {number}", "descriptor": _descriptor(rating)}
            for number, rating in enumerate(ratings, 1)
        ],
    }


def _question(criterion: _Criterion, name: str) -> str:
    text = criterion.text[: MAX_PARAGRAPH - 60]
    if text.endswith("?"):
        return text
    return f"How far does the answer show this: {text.rstrip('.') or name}?"


def _descriptor(rating: _Rating) -> str:
    return (rating.text or rating.label or f"{rating.points:g} points")[:MAX_PARAGRAPH]


def _one_more(ratings: list[_Rating]) -> list[_Rating]:
    """One level more, in the widest gap of points."""
    place = max(range(1, len(ratings)), key=lambda index: ratings[index].points - ratings[index - 1].points)
    lower, upper = ratings[place - 1], ratings[place]
    between = _Rating(
        _short(f"Between {lower.label} and {upper.label}"),
        f"Goes beyond this: {_descriptor(lower)[:400]} Yet falls short of this: {_descriptor(upper)[:400]}",
        (lower.points + upper.points) / 2,
    )
    return [*ratings[:place], between, *ratings[place:]]


def _weights(points: Sequence[float]) -> list[float]:
    """Shares of the points to four places that add up to 1."""
    shares = [round(max(value / sum(points), 0.0001), 4) for value in points]
    largest = shares.index(max(shares))
    shares[largest] = round(shares[largest] + 1 - sum(shares), 4)
    return shares


def _bands(criteria: Sequence[dict[str, Any]]) -> list[str]:
    labels = [level["label"] for level in criteria[0]["levels"]]
    return (
        labels
        if len({label.casefold() for label in labels}) == len(labels)
        else [f"Level {number}" for number in range(1, len(labels) + 1)]
    )


def _unique_slugs() -> Callable[[str], str]:
    taken: set[str] = set()

    def slug(name: str) -> str:
        base = _slug(name) or "criterion"
        fresh = next(s for n in range(1, 100) if (s := base if n == 1 else f"{base}-{n}") not in taken)
        taken.add(fresh)
        return fresh

    return slug


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return _NOT_SLUG.sub("-", plain).strip("-").lstrip("0123456789-")[:60].strip("-")


def _short(text: str) -> str:
    return text if len(text) <= MAX_LINE else text[: MAX_LINE - 1] + "…"
