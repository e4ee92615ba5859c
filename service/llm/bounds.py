"""A schema whose texts and lists end, for models that do not end them by themselves.

Held to a grammar, a small model may write one sentence over and over until its tokens are used up (the embedded one:
3,000 tokens of one rationale). A grammar with bounds closes the text and goes on with the next member.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MOST_CHARACTERS = 300
MOST_ITEMS = 20
"""As many as a request may name key points."""


def bounded(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON schema with a longest length for each text and list that has none of its own; enums are left alone."""
    limits: dict[str, Any] = {}
    if schema.get("type") == "string" and "enum" not in schema:
        limits = {"maxLength": MOST_CHARACTERS}
    elif schema.get("type") == "array":
        limits = {"maxItems": MOST_ITEMS}
    return limits | {name: _part(name, value) for name, value in schema.items()}


def _part(name: str, value: Any) -> Any:
    if name in ("properties", "$defs"):
        return {member: bounded(part) for member, part in value.items()}
    return bounded(value) if name == "items" else value
