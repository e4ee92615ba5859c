"""What is left of a row when the answer it belongs to expires, for tables that keep some of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.expiry import expired_appeal, expired_review
from service.reviews import Appeal, PersonReview


def review_without_words(row: Mapping[str, Any]) -> dict[str, str]:
    """A person's levels without the note."""
    return {"text": expired_review(PersonReview.model_validate_json(row["text"])).model_dump_json()}


def appeal_without_words(row: Mapping[str, Any]) -> dict[str, str]:
    """An appeal's outcome without its reason, and the second grade without commentary and raw replies."""
    return {"text": expired_appeal(Appeal.model_validate_json(row["text"])).model_dump_json()}
