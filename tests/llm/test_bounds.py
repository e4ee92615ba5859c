"""Texts and lists that end, whatever a small model does."""

from __future__ import annotations

import jsonschema  # type: ignore[import-untyped]
import pytest

from service.grading.reply_schema import Asked, commentary_schema
from service.llm.bounds import MOST_CHARACTERS, MOST_ITEMS, bounded
from tests.grading.helpers import tiny_rubric

SCHEMA = commentary_schema(tiny_rubric(), Asked(levels=True, key_points=2, quotes=True, misconceptions=1, story=True))


def reply(rationale: str = "Well said.", points: int = 1) -> dict[str, object]:
    """A reply to the schema."""
    remarks = {"evidence": [], "rationale": rationale, "level": 2, "improvements": []}
    return {
        "key_points": [{"quote": "so", "covered": "partly"}] * points,
        "misconceptions": ["no"],
        "criteria": {criterion.id: remarks for criterion in tiny_rubric().criteria},
        "summary": "",
        "next_steps": [],
        "follow_up_question": "",
        "rewrite": {"before": "", "after": ""},
        "story": dict.fromkeys(("context", "method", "result", "impact"), ""),
    }


def test_what_ends_by_itself_fits_with_bounds_as_without() -> None:
    """Nothing else changes: members, enums and what is required."""
    for schema in (SCHEMA, bounded(SCHEMA)):
        jsonschema.validate(reply(), schema)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**reply(), "more": 1}, schema)


@pytest.mark.parametrize(
    "endless", [reply(rationale="x" * (MOST_CHARACTERS + 1)), reply(points=MOST_ITEMS + 1)], ids=["text", "list"]
)
def test_what_does_not_end_fits_only_without_bounds(endless: dict[str, object]) -> None:
    """Also behind a reference, in items of lists and in members of members."""
    jsonschema.validate(endless, SCHEMA)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(endless, bounded(SCHEMA))


def test_bounds_of_a_schema_s_own_are_kept_and_a_choice_has_none() -> None:
    """Tighter or wider: whoever wrote the schema knows."""
    own = {"type": "array", "maxItems": 3, "items": {"type": "string", "maxLength": 900}}

    assert bounded(own) == own
    assert bounded({"type": "string", "enum": ["a"]}) == {"type": "string", "enum": ["a"]}
