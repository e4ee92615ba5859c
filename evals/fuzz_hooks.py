"""What Schemathesis has to be told: how a batch's lines are written."""

from __future__ import annotations

import json
from typing import Any

import schemathesis


@schemathesis.serializer("application/jsonl")
def json_lines(_context: schemathesis.SerializationContext, value: Any) -> Any:
    """Text as it is, a list as one line for each entry."""
    if isinstance(value, list):
        return "\n".join(json.dumps(line) for line in value).encode()
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else json.dumps(value).encode()
