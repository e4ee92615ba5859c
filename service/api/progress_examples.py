"""The example of a learner's progress in the API document."""

from __future__ import annotations

from typing import Any

_GRADE = "grd_01KAP0J3V8T6W1Q9X4Z7B5C2D0"
_AT = "2026-11-22T21:00:00Z"
_OPEN = {
    "kind": "key_point",
    "id": "Says that a small p-value does not by itself mean a large or important effect",
    "text": "Says that a small p-value does not by itself mean a large or important effect",
}
_FIXED = {
    "kind": "misconception",
    "id": "The p-value is the probability that the null hypothesis is true.",
    "text": "The p-value is the probability that the null hypothesis is true.",
}

PROGRESS_EXAMPLE: dict[str, Any] = {
    "object": "progress",
    "learner": "cohort-7-ada",
    "attempts": 2,
    "criteria": [
        {
            "id": "correctness",
            "name": "Correctness",
            "levels": 5,
            "now": 2.57,
            "direction": "too_few",
            "points": [
                {"grade_id": "grd_01KAP0J3V8T6W1Q9X4Z7B5C2CZ", "at": "2026-11-21T20:00:00Z", "level": 1, "score": 1.42},
                {"grade_id": _GRADE, "at": _AT, "level": 4, "score": 3.72},
            ],
        }
    ],
    "questions": [
        {
            "question_id": "p-value-meaning",
            "question": "Can you explain what a p-value is?",
            "topic": "statistics-inference",
            "attempts": 2,
            "first_score": 2.3,
            "last_score": 3.95,
            "max_score": 5,
            "last_grade": _GRADE,
            "last_at": _AT,
            "open": [_OPEN],
            "gaps": {"fixed": [_FIXED], "still_open": [_OPEN], "new": []},
            "due": "2026-11-23T21:00:00Z",
        }
    ],
    "practise_next": [
        {
            "kind": "again",
            "question_id": "p-value-meaning",
            "question": "Can you explain what a p-value is?",
            "grade_id": _GRADE,
            "why": "1 gap still open, last answered on 22 November.",
        }
    ],
}
