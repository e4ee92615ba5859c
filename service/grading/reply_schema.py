"""The JSON schemas of what a model is asked to write; :mod:`service.grading.reply` reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.grading.grade import Coverage
from service.grading.levels import LevelDistribution
from service.grading.models import JsonSchema
from service.grading.rubric import Rubric

COVERAGE: tuple[Coverage, ...] = ("covered", "partly", "missing")
STORY = ("context", "method", "result", "impact")
"""The parts of the story map, in the order a listener hears them."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a commentary is asked for beside its remarks.

    Attributes:
        levels: a level per criterion, after its evidence and rationale.
        key_points: coverage of so many points; with ``quotes`` each with its words, and all before the levels.
        misconceptions: yes or no for so many.
        story: a quote for each part of the story map.
    """

    levels: bool = False
    key_points: int = 0
    quotes: bool = False
    misconceptions: int = 0
    story: bool = False


def commentary_schema(rubric: Rubric, asked: Asked = Asked()) -> JsonSchema:
    """The JSON schema of a commentary; the rubric's criteria become the required members of ``criteria``."""
    text: dict[str, Any] = {"type": "string"}
    remarks: dict[str, Any] = {
        "evidence": _array(_object(quote=text, sign={"type": "string", "enum": ["strength", "gap"]}, comment=text)),
        "rationale": text,
        **({"level": {"type": "integer", "enum": list(range(1, rubric.levels + 1))}} if asked.levels else {}),
        "improvements": _array(_object(what=text, why=text, try_this=text)),
    }
    criteria = {"criteria": _object(**{criterion.id: {"$ref": "#/$defs/remarks"} for criterion in rubric.criteria})}
    members: dict[str, Any] = {
        **({**_heard(asked), **criteria} if asked.quotes else {**criteria, **_heard(asked)}),
        "summary": text,
        "next_steps": _array(text),
        "follow_up_question": text,
        "rewrite": _object(before=text, after=text),
        **({"story": _object(**dict.fromkeys(STORY, text))} if asked.story else {}),
    }
    return {**_object(**members), "$defs": {"remarks": _object(**remarks)}}


def _heard(asked: Asked) -> dict[str, Any]:
    """What the answer says of points and misconceptions: found out before the levels that depend on it."""
    covered: dict[str, Any] = {"type": "string", "enum": list(COVERAGE)}
    point = _object(quote={"type": "string"}, covered=covered) if asked.quotes else covered
    return {
        **({"key_points": _array(point)} if asked.key_points else {}),
        **({"misconceptions": _array({"type": "string", "enum": ["yes", "no"]})} if asked.misconceptions else {}),
    }


def brief_schema(
    rubric: Rubric, decided: Mapping[str, LevelDistribution], passages: Sequence[str], *, story: bool = False
) -> JsonSchema:
    """The JSON schema of a small model's commentary: one quote, one reason, one thing to say a criterion.

    Nothing is asked that is settled already: a quote is one of the answer's own passages, its sign follows from
    the level, the top level has nothing to improve, and what is true is not a small model's to say.
    """
    quote = {"type": "string", "enum": list(passages)}
    members: dict[str, Any] = {}
    for criterion in rubric.criteria:
        if criterion.id in decided:
            top = decided[criterion.id].median == len(criterion.levels)
            words = {} if criterion.factual else {"rationale": _short(160)}
            words |= {} if criterion.factual or top else {"try_this": _short(160)}
            members[criterion.id] = _object(quote=quote, **words)
    members |= {
        "summary": _short(160),
        "next_step": _short(120),
        "follow_up_question": _short(120),
        "before": quote,
        "after": _short(180),
        **({"story": _object(**{part: {**quote, "enum": ["", *passages]} for part in STORY})} if story else {}),
    }
    return _object(**members)


def _short(limit: int) -> dict[str, Any]:
    return {"type": "string", "maxLength": limit}


def _array(items: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": dict(items)}


def _object(**members: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": members,
        "required": list(members),
        "additionalProperties": False,
    }
