"""From a model's text to checked values; :mod:`service.grading.reply_schema` asks for them.

Tolerant of the wrapping (code fences, chatter around the object, a trailing comma), strict about the
content: a level outside the scale is no level.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from json_repair import repair_json

from service.grading.errors import ModelRefused, ReplyInvalid
from service.grading.fence import visible
from service.grading.grade import Coverage, KeyPoint, Misconception
from service.grading.judgement import Draft, DraftEvidence, DraftImprovement, DraftRemarks
from service.grading.levels import LevelDistribution
from service.grading.models import ChatReply
from service.grading.parts import Point
from service.grading.reply_schema import COVERAGE, STORY
from service.grading.rubric import Criterion, Rubric

MAX_TEXT = 1_200
MAX_QUOTE = 600

_FIRST_SENTENCE = re.compile(r"\s*(?:.{0,300}?[.!?](?=\s|$)|.{0,300})", re.DOTALL)
_FENCE = re.compile(r"```(?:json)?\s*(.*?)```", re.DOTALL)


def read_object(reply: ChatReply) -> dict[str, Any]:
    """The JSON object in a reply.

    Raises:
        ModelRefused: the provider's filter stopped the reply.
        ReplyInvalid: cut off, empty, or no JSON object.
    """
    if reply.finish_reason == "content_filter":
        raise ModelRefused("the model declined to answer")
    if reply.finish_reason == "length":
        raise ReplyInvalid("the reply was cut off before it was complete; be briefer")
    text = reply.text.strip()
    if not text:
        raise ReplyInvalid("the reply was empty")
    for candidate in (text, *(match.strip() for match in _FENCE.findall(text)), _braced(text)):
        try:
            found = json.loads(candidate)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            return found
    repaired = repair_json(_braced(text), return_objects=True) if "{" in text else None
    if isinstance(repaired, dict) and repaired:
        return repaired
    raise ReplyInvalid("the reply was not a JSON object")


def _braced(text: str) -> str:
    start, end = text.find("{"), text.rfind("}")
    return text[start : end + 1] if 0 <= start < end else text


def read_levels(data: Mapping[str, Any], rubric: Rubric) -> dict[str, int]:
    """The levels a reply gives, by criterion; criteria without a usable level are left out."""
    found = {}
    for criterion in rubric.criteria:
        level = _as_level(_remarks_of(data, criterion.id).get("level"))
        if level is not None and 1 <= level <= len(criterion.levels):
            found[criterion.id] = level
    return found


def _as_level(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
        return int(value) if len(value.strip()) <= 2 else None
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return int(value)
    return None


def read_key_points(data: Mapping[str, Any], points: Sequence[Point]) -> tuple[KeyPoint, ...]:
    """The coverage a reply gives for each point, in order; ``unknown`` where it gives none."""
    given = [item.get("covered") if isinstance(item, dict) else item for item in _list(data.get("key_points"))]
    read: dict[int, Coverage] = {i: c for i, v in enumerate(given) for c in COVERAGE if v == c}
    return tuple(
        KeyPoint(point=point.text, covered=read.get(i, "unknown"), marks=point.marks) for i, point in enumerate(points)
    )


def read_misconceptions(data: Mapping[str, Any], texts: Sequence[str]) -> tuple[Misconception, ...]:
    """Whether a reply hears each misconception, in order; ``unknown`` where it does not say."""
    given = dict(enumerate(_list(data.get("misconceptions"))))
    heard = (given.get(i) for i in range(len(texts)))
    return tuple(
        Misconception(misconception=text, voiced="yes" if said == "yes" else "no" if said == "no" else "unknown")
        for text, said in zip(texts, heard, strict=True)
    )


def read_draft(data: Mapping[str, Any], rubric: Rubric) -> Draft:
    """The commentary a reply holds; missing or malformed parts are simply absent."""
    rewrite = data.get("rewrite")
    rewrite = rewrite if isinstance(rewrite, dict) else {}
    return Draft(
        remarks={c.id: _read_remarks(_remarks_of(data, c.id)) for c in rubric.criteria},
        summary=_text(data.get("summary")),
        next_steps=tuple(filter(None, map(_text, _list(data.get("next_steps")))))[:2],
        follow_up_question=_text(data.get("follow_up_question")),
        rewrite_before=_text(rewrite.get("before"), MAX_QUOTE),
        rewrite_after=_text(rewrite.get("after")),
        points=tuple(
            _text(item.get("quote"), MAX_QUOTE) if isinstance(item, dict) else ""
            for item in _list(data.get("key_points"))
        ),
        story=_read_story(data),
    )


def _read_story(data: Mapping[str, Any]) -> dict[str, str]:
    story = data.get("story")
    return {part: _text(story.get(part), MAX_QUOTE) for part in STORY} if isinstance(story, dict) else {}


def _remarks_of(data: Mapping[str, Any], criterion_id: str) -> Mapping[str, Any]:
    criteria = data.get("criteria")
    remarks = criteria.get(criterion_id) if isinstance(criteria, dict) else data.get(criterion_id)
    return remarks if isinstance(remarks, dict) else {}


def _read_remarks(data: Mapping[str, Any]) -> DraftRemarks:
    return DraftRemarks(
        rationale=_text(data.get("rationale")),
        evidence=tuple(filter(None, map(_read_evidence, _list(data.get("evidence")))))[:4],
        improvements=tuple(filter(None, map(_read_improvement, _list(data.get("improvements")))))[:2],
    )


def _read_evidence(data: Any) -> DraftEvidence | None:
    if not isinstance(data, dict) or data.get("sign") not in ("strength", "gap"):
        return None
    quote = _text(data.get("quote"), MAX_QUOTE)
    return DraftEvidence(quote=quote, sign=data["sign"], comment=_text(data.get("comment"))) if quote else None


def _read_improvement(data: Any) -> DraftImprovement | None:
    if not isinstance(data, dict) or not _text(data.get("what")):
        return None
    return DraftImprovement(what=_text(data["what"]), why=_text(data.get("why")), try_this=_text(data.get("try_this")))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any, limit: int = MAX_TEXT) -> str:
    """A model's sentence, without invisible characters or lone surrogates, cut at a sane length."""
    if not isinstance(value, str):
        return ""
    clean = visible(value).encode("utf-8", "ignore").decode("utf-8")
    return clean.strip()[:limit].rstrip()


def read_brief(
    data: Mapping[str, Any], rubric: Rubric, decided: Mapping[str, LevelDistribution], reference: str | None = None
) -> Draft:
    """The commentary of a brief reply.

    A quote in the upper half of the levels is a strength, else a gap; an improvement aims at the next level, and
    that level's descriptor says why. On a factual criterion the decided level's descriptor is the rationale, and what
    to say comes from the reference alone.
    """
    first = _FIRST_SENTENCE.match(reference or "")
    says = _text(first.group() if first else "", MAX_QUOTE)
    step = _ended(data.get("next_step"))
    return Draft(
        remarks={
            c.id: _read_brief_remarks(_remarks_of(data, c.id), c, decided[c.id].median, says)
            for c in rubric.criteria
            if c.id in decided
        },
        summary=_ended(data.get("summary")),
        next_steps=(step,) if step else (),
        follow_up_question=_ended(data.get("follow_up_question")),
        rewrite_before=_text(data.get("before"), MAX_QUOTE),
        rewrite_after=_ended(data.get("after")),
        story=_read_story(data),
    )


def _read_brief_remarks(data: Mapping[str, Any], criterion: Criterion, level: int, true: str) -> DraftRemarks:
    quote = _text(data.get("quote"), MAX_QUOTE)
    words = true if criterion.factual else _ended(data.get("try_this"))
    sign: Literal["strength", "gap"] = "strength" if 2 * level > len(criterion.levels) + 1 else "gap"
    improvements: tuple[DraftImprovement, ...] = ()
    if words and level < len(criterion.levels):
        higher = criterion.levels[level]
        improvements = (DraftImprovement(what=higher.label, why=higher.descriptor, try_this=words),)
    return DraftRemarks(
        rationale=criterion.levels[level - 1].descriptor if criterion.factual else _ended(data.get("rationale")),
        evidence=(DraftEvidence(quote=quote, sign=sign, comment=""),) if quote else (),
        improvements=improvements,
    )


def _ended(value: Any) -> str:
    """A model's sentence; one that ran into its length limit says so."""
    text = _text(value)
    return f"{text} ..." if text and text[-1].isalnum() else text
