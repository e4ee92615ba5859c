"""Examples of reviews, appeals and the queue for the OpenAPI document."""

from __future__ import annotations

from typing import Any

from service.api.examples import GRADE_EXAMPLE

_REVIEW: dict[str, Any] = {
    "id": "rev_01KAP0K9N4F2M7Q0R5S8T1V3W6",
    "object": "review",
    "created_at": "2026-11-23T08:30:00Z",
    "reviewer": "maria",
    "levels": {"correctness": 2, "clarity": 3},
    "note": "The second half is right; only the definition is not.",
    "golden": False,
    "settles": [],
    "overall": {"score": 2.02, "level": 2, "label": "Weak", "capped_by": None},
}
_APPEAL: dict[str, Any] = {
    "id": "apl_01KAP0M3B8C2D6E1F4G7H9J5K0",
    "object": "appeal",
    "created_at": "2026-11-23T07:10:00Z",
    "reason": "My definition does assume the null hypothesis: see the second sentence.",
    "status": "differed",
    "differences": [
        {"criterion": "correctness", "first": {"level": 1, "score": 1.32}, "second": {"level": 3, "score": 2.71}}
    ],
    "second": {
        "how": "other_model",
        "judge": "single_call",
        "models": [{"role": "judge", "requested": "openai/gpt-4o-mini", "reported": "gpt-4o-mini-2024-07-18"}],
        "overall": {**GRADE_EXAMPLE["overall"], "score": 2.1, "summary": None},
        "criteria": [],
    },
    "detail": None,
    "settled_by": None,
}
_WAITING: dict[str, Any] = {"status": "needs_review", "review": {"needed": True, "reasons": ["appeal"]}}

REVIEWED_EXAMPLE: dict[str, Any] = {**GRADE_EXAMPLE, "reviews": [_REVIEW]}
APPEALED_EXAMPLE: dict[str, Any] = {**GRADE_EXAMPLE, **_WAITING, "appeals": [_APPEAL]}
QUEUE_EXAMPLE: dict[str, Any] = {
    "data": [
        {
            "object": "review_item",
            "opened_at": "2026-11-23T07:10:00Z",
            "reasons": ["appeal"],
            "grade": APPEALED_EXAMPLE,
        }
    ],
    "next_cursor": None,
    "has_more": False,
    "waiting": 1,
    "agreement": {
        "reviewed": 40,
        "criteria": [
            {
                "rubric": "ds-interview",
                "criterion": "correctness",
                "n": 40,
                "exact": 0.55,
                "adjacent": 0.9,
                "qwk": 0.71,
            }
        ],
    },
}
