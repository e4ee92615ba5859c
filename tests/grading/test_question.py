"""The question bank's rules."""

from __future__ import annotations

from typing import Any

import pytest

from service.grading.errors import InvalidQuestion
from service.grading.question import Stage, parse_topic


def topic(**changes: Any) -> dict[str, Any]:
    """The parsed YAML of a topic with one question, with changes to the question."""
    question = {
        "id": "q-1",
        "text": "What?",
        "stage": "onsite",
        "difficulty": "basic",
        "reference": "This.",
        "key_points": ["a", "b", "c"],
        "misconceptions": ["x", "y"],
        "follow_up": "And then?",
        **changes,
    }
    return {"topic": "t", "title": "T", "questions": [question]}


def test_an_industry_adds_what_changes_there_to_the_reference() -> None:
    """And only there."""
    (question,) = parse_topic(topic(industries={"finance": "Give reasons."})).questions

    assert question.reference_in("finance") == "This.\n\nIn finance: Give reasons."
    assert question.reference_in("retail") == question.reference_in(None) == "This."


@pytest.mark.parametrize(
    "change",
    [
        {"key_points": ["a", "b"]},
        {"key_points": ["a", "b", "A "]},
        {"key_points": ["a", "b", ""]},
        {"misconceptions": ["x"]},
        {"stage": "lunch"},
        {"difficulty": "hard"},
        {"industries": {"space": "x"}},
        {"reference": ""},
        {"id": "Q 1"},
        {"score": 1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_faulty_question_is_refused_with_its_place(change: dict[str, Any]) -> None:
    """When the bank is loaded."""
    with pytest.raises(InvalidQuestion, match=r"questions\.0"):
        parse_topic(topic(**change))


def test_two_questions_of_a_topic_may_not_share_an_id() -> None:
    """Answers are asked for by id."""
    data = topic()
    data["questions"] *= 2

    with pytest.raises(InvalidQuestion, match="q-1"):
        parse_topic(data)


def test_every_stage_has_a_rubric_name_and_words() -> None:
    """A mixed onsite is judged by the default rubric."""
    assert Stage.ONSITE.rubric == "ds-interview"
    assert Stage.SQL_WHITEBOARD.rubric == "sql-whiteboard"
    assert Stage.TECHNICAL_PHONE_SCREEN.spoken == "technical phone screen"
