"""Examples of webhooks for the OpenAPI document."""

from __future__ import annotations

from typing import Any

ENDPOINT_EXAMPLE: dict[str, Any] = {
    "id": "whe_01KAP0J3V8T6W1Q9X4Z7B5C2D0",
    "object": "webhook_endpoint",
    "created_at": "2026-11-22T21:00:00Z",
    "url": "https://hooks.example.org/debrief",
    "events": ["grade.completed", "grade.review_needed"],
    "description": "the course's gradebook",
    "enabled": True,
    "disabled_reason": None,
    "previous_secret_until": None,
}
ENDPOINT_BODY: dict[str, Any] = {
    "url": "https://hooks.example.org/debrief",
    "events": ["grade.completed", "grade.review_needed"],
    "description": "the course's gradebook",
}
NEW_ENDPOINT_EXAMPLE: dict[str, Any] = {
    **ENDPOINT_EXAMPLE,
    "secret": "whsec_ZXhhbXBsZSBzZWNyZXQsIG5vdCBhIHJlYWwgb25lLi4=",
}
DELIVERY_EXAMPLE: dict[str, Any] = {
    "id": "whd_01KAP0J3V8T6W1Q9X4Z7B5C2D1",
    "object": "webhook_delivery",
    "endpoint": "whe_01KAP0J3V8T6W1Q9X4Z7B5C2D0",
    "event": {"id": "evt_01KAP0J3V8T6W1Q9X4Z7B5C2D2", "type": "grade.completed"},
    "created_at": "2026-11-22T21:00:00Z",
    "status": "pending",
    "attempts": 2,
    "next_attempt_at": "2026-11-22T21:05:06Z",
    "last_attempt_at": "2026-11-22T21:00:05Z",
    "last_status": 503,
    "last_error": "status",
}
DELIVERIES_EXAMPLE: dict[str, Any] = {"data": [DELIVERY_EXAMPLE], "next_cursor": None, "has_more": False}
GRADE_EVENT_EXAMPLE: dict[str, Any] = {
    "type": "grade.completed",
    "timestamp": "2026-11-22T21:00:00.000Z",
    "data": {"id": "grd_01KAP0J3V8T6W1Q9X4Z7B5C2D0", "object": "grade", "status": "graded"},
}
REVIEW_EVENT_EXAMPLE: dict[str, Any] = {
    "type": "grade.review_needed",
    "timestamp": "2026-11-22T21:00:00.000Z",
    "data": {"id": "grd_01KAP0J3V8T6W1Q9X4Z7B5C2D0", "object": "grade", "status": "needs_review"},
}
BATCH_EVENT_EXAMPLE: dict[str, Any] = {
    "type": "batch.completed",
    "timestamp": "2026-11-22T21:00:00.000Z",
    "data": {
        "id": "bat_01KAP0J3V8T6W1Q9X4Z7B5C2D0",
        "object": "batch",
        "status": "completed",
        "counts": {"total": 100, "graded": 97, "needs_review": 2, "ungraded": 1},
    },
}
