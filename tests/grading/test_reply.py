"""From a model's text to checked values."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.grading.errors import ModelError, ModelRefused, ReplyInvalid
from service.grading.levels import LevelDistribution
from service.grading.models import ChatReply
from service.grading.parts import points
from service.grading.reply import (
    read_brief,
    read_draft,
    read_key_points,
    read_levels,
    read_object,
)
from service.grading.reply_schema import Asked, brief_schema, commentary_schema
from tests.grading.helpers import tiny_rubric


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"a": 1}', id="bare"),
        pytest.param('```json\n{"a": 1}\n```', id="fenced"),
        pytest.param('Here you are:\n{"a": 1}\nGood luck!', id="chatter"),
        pytest.param("{'a': 1,}", id="python-like"),
        pytest.param('\ufeff {"a": 1}', id="byte order mark"),
    ],
)
def test_the_object_is_found_in_its_wrapping(text: str) -> None:
    """Models wrap JSON in many ways."""
    assert read_object(ChatReply(text)) == {"a": 1}


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        pytest.param(ChatReply(""), ReplyInvalid, id="empty"),
        pytest.param(ChatReply("I would say four."), ReplyInvalid, id="prose"),
        pytest.param(ChatReply("[1, 2]"), ReplyInvalid, id="a list"),
        pytest.param(ChatReply("<html>502</html>"), ReplyInvalid, id="html"),
        pytest.param(ChatReply('{"a": 1}', finish_reason="length"), ReplyInvalid, id="cut off"),
        pytest.param(ChatReply("", finish_reason="content_filter"), ModelRefused, id="filtered"),
    ],
)
def test_anything_else_is_refused(reply: ChatReply, error: type[ModelError]) -> None:
    """A reply that was cut off is never used, even if it parses."""
    with pytest.raises(error):
        read_object(reply)


@pytest.mark.parametrize(
    ("level", "read"),
    [
        (2, 2),
        ("2", 2),
        (2.0, 2),
        (0, None),
        (4, None),
        (2.5, None),
        (True, None),
        (None, None),
        ("two", None),
        (float("nan"), None),
        (10**400, None),
        ("²", None),
    ],
    ids=str,
)
def test_a_level_outside_the_scale_is_no_level(level: Any, read: int | None) -> None:
    """Scale 1 to 3: only whole numbers on it count."""
    levels = read_levels({"criteria": {"facts": {"level": level}}}, tiny_rubric())

    assert levels.get("facts") == read


def test_missing_and_malformed_coverage_is_unknown() -> None:
    """Never guessed."""
    read = read_key_points({"key_points": ["covered", "maybe"]}, points(["a", "b", "c"], None))

    assert [(p.point, p.covered) for p in read] == [("a", "covered"), ("b", "unknown"), ("c", "unknown")]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=12,
)
shapes = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("criteria", "facts", "summary", "next_steps", "rewrite", "before"), json_values)
)


@given(shapes)
def test_reading_never_fails_on_any_json(data: dict[str, Any]) -> None:
    """A model's reply is untrusted input."""
    decided = {"facts": LevelDistribution.point(1, 3)}

    draft = read_draft(data, tiny_rubric())
    brief = read_brief(data, tiny_rubric(), decided)

    assert set(draft.remarks) == {"facts", "form"}
    assert set(brief.remarks) == {"facts"}


@given(st.text(max_size=200))
def test_reading_any_text_gives_an_object_or_a_model_error(text: str) -> None:
    """Never another exception."""
    try:
        found = read_object(ChatReply(text))
    except ModelError:
        return
    assert isinstance(found, dict)


def test_a_model_s_text_loses_what_cannot_be_stored_or_seen() -> None:
    """Lone surrogates, NUL and invisible characters go, and length is bounded."""
    draft = read_draft({"summary": "a\ud800b\x00c\u202ed" + "x" * 5_000}, tiny_rubric())

    assert draft.summary.startswith("abcd")
    assert len(draft.summary) == 1_200


def test_the_schema_asks_for_evidence_before_the_level() -> None:
    """The order of members is the order of writing."""
    schema = commentary_schema(tiny_rubric(), Asked(levels=True, key_points=2))

    remarks = list(schema["$defs"]["remarks"]["properties"])
    assert remarks.index("evidence") < remarks.index("rationale") < remarks.index("level")
    assert schema["properties"]["criteria"]["required"] == ["facts", "form"]
    assert schema["$defs"]["remarks"]["properties"]["level"]["enum"] == [1, 2, 3]
    assert json.loads(json.dumps(schema)) == schema


def test_a_brief_reply_is_not_asked_for_improvements_on_the_top_level() -> None:
    """Nothing to invent a fault in."""
    top = {"form": LevelDistribution.point(3, 3)}
    low = {"form": LevelDistribution.point(1, 3)}

    asked_at_top = brief_schema(tiny_rubric(), top, ["one clause"])["properties"]["form"]["properties"]
    asked_below = brief_schema(tiny_rubric(), low, ["one clause"])["properties"]["form"]["properties"]

    assert "try_this" not in asked_at_top
    assert "try_this" in asked_below


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        pytest.param("It holds. But not always.", ("It holds.",), id="its first sentence"),
        pytest.param(None, (), id="no reference, no advice"),
    ],
)
def test_what_is_true_is_taken_from_the_reference_and_never_from_a_small_model(
    reference: str | None, says: tuple[str, ...]
) -> None:
    """On a factual criterion the model's own words are not used."""
    decided = {"facts": LevelDistribution.point(1, 3)}

    draft = read_brief({"facts": {"rationale": "R.", "try_this": "a falsehood"}}, tiny_rubric(), decided, reference)

    assert tuple(item.try_this for item in draft.remarks["facts"].improvements) == says
    assert draft.remarks["facts"].rationale == "It is low."
