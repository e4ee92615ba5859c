"""What a call costs, from the price list that LiteLLM ships, read without importing LiteLLM."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson

from service.grading.models import Tokens

PRICE_LIST = "model_prices_and_context_window_backup.json"


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per token."""

    input: float
    output: float
    cached: float

    def of(self, tokens: Tokens) -> float:
        """The price of one call; ``tokens.cached`` are part of ``tokens.input``."""
        fresh = max(tokens.input - tokens.cached, 0)
        return fresh * self.input + tokens.cached * self.cached + tokens.output * self.output


FREE = Price(0.0, 0.0, 0.0)


def price_of(model: str) -> Price | None:
    """The list price of a model by its LiteLLM name (``openai/gpt-4o-mini``); None when it is not listed."""
    listed = _price_list()
    entry = listed.get(model) or listed.get(model.partition("/")[2])
    if not isinstance(entry, dict) or "input_cost_per_token" not in entry:
        return None
    per_input = float(entry["input_cost_per_token"])
    cached = entry.get("cache_read_input_token_cost")
    return Price(
        input=per_input,
        output=float(entry.get("output_cost_per_token", 0.0)),
        cached=per_input if cached is None else float(cached),
    )


def _price_list() -> dict[str, Any]:
    found = find_spec("litellm")
    for folder in (found.submodule_search_locations or []) if found else []:
        path = Path(folder) / PRICE_LIST
        if path.is_file():
            listed: dict[str, Any] = orjson.loads(path.read_bytes())
            return listed
    return {}
