"""Examples of batches for the OpenAPI document."""

from __future__ import annotations

import json
from typing import Any

from service.api.examples import GRADE_EXAMPLE

_ID = "bat_01KAP0J3V8T6W1Q9X4Z7B5C2D0"
_LINES = [
    {"custom_id": "anna-1", "question_id": "p-value-meaning", "answer": "The probability, under the null, of ..."},
    {"custom_id": "anna-2", "question": "What is a p-value?", "answer": "It is the chance that we are wrong."},
]
BATCH_BODIES: dict[str, Any] = {
    "application/jsonl": {
        "schema": {"type": "string", "description": "A `BatchLine` in each line: a grade request and a `custom_id`."},
        "example": "\n".join(json.dumps(line) for line in _LINES) + "\n",
    },
    "application/json": {
        "schema": {"type": "array", "items": {"type": "object"}, "description": "The same as one array."},
        "example": _LINES,
    },
}
BATCH_EXAMPLE: dict[str, Any] = {
    "id": _ID,
    "object": "batch",
    "status": "in_progress",
    "created_at": "2026-11-22T21:00:00Z",
    "finished_at": None,
    "counts": {"total": 2, "graded": 1, "needs_review": 0, "ungraded": 0, "in_progress": 1, "invalid": 0},
    "queue_position": None,
    "cost_usd": 0.0021,
    "max_cost_usd": 5.0,
    "reason": None,
}
BATCH_LIST_EXAMPLE: dict[str, Any] = {"data": [BATCH_EXAMPLE], "next_cursor": None, "has_more": False}
_ERRORS: list[dict[str, Any]] = [
    {
        "line": 3,
        "custom_id": "anna-3",
        "errors": [{"pointer": "#/answer", "detail": "is empty"}],
        "grade_id": None,
        "reason": None,
    },
    {
        "line": 9,
        "custom_id": "anna-9",
        "errors": [],
        "grade_id": "grd_01KAP0J3V8T6W1Q9X4Z7B5C2D0",
        "reason": {"code": "model_refused", "detail": "the model declined to answer", "retryable": False},
    },
]
ESTIMATE_EXAMPLE: dict[str, Any] = {
    "object": "batch_estimate",
    "items": 2,
    "invalid": 1,
    "input_tokens": 5120,
    "output_tokens": 4800,
    "cost_usd": 0.0037,
    "errors": _ERRORS[:1],
}
RESULTS_EXAMPLE = json.dumps({"line": 1, "custom_id": "anna-1", "grade": GRADE_EXAMPLE}) + "\n"
ERRORS_EXAMPLE = "\n".join(json.dumps(line) for line in _ERRORS) + "\n"
