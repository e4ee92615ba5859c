"""What grading took: calls, tokens, money, seconds. Replayed grades took nothing and are left out of the means."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evals.results import Result
from evals.stats.number import Number, missing
from evals.stats.observations import question_of
from evals.stats.outcomes import Outcome, mean_of

REPLAYED = "every grade was replayed or settled by rule: nothing was spent"


def effort(results: Sequence[Result]) -> dict[str, Number]:
    """Means per answer, the 95th percentile of latency, and the total cost (US dollars)."""
    asked = [r for r in results if r.usage.model_calls > 0]
    return {
        "calls": _mean(asked, "calls", [r.usage.model_calls for r in asked]),
        "tokens_in": _mean(asked, "tokens_in", [r.usage.input_tokens for r in asked]),
        "tokens_out": _mean(asked, "tokens_out", [r.usage.output_tokens for r in asked]),
        "latency": _mean(asked, "latency", [r.usage.latency_ms / 1000 for r in asked]),
        "latency_p95": _percentile(asked),
        "cost": _cost(asked),
    }


def _mean(asked: Sequence[Result], metric: str, values: Sequence[float]) -> Number:
    pairs = zip(asked, values, strict=True)
    return mean_of([Outcome(metric, "", r.row.id, question_of(r.row), float(v)) for r, v in pairs], REPLAYED)


def _percentile(asked: Sequence[Result]) -> Number:
    if not asked:
        return missing(REPLAYED)
    seconds = [result.usage.latency_ms / 1000 for result in asked]
    return Number(value=float(np.percentile(seconds, 95)), n=len(asked), questions=_questions(asked))


def _cost(asked: Sequence[Result]) -> Number:
    if not asked:
        return missing(REPLAYED)
    costs = [result.usage.cost_usd for result in asked]
    known = [cost for cost in costs if cost is not None]
    if len(known) < len(costs):
        return missing(f"the price of {len(costs) - len(known)} answers is not known", len(asked), _questions(asked))
    return Number(value=float(np.sum(known)), n=len(asked), questions=_questions(asked))


def _questions(results: Sequence[Result]) -> int:
    return len({question_of(result.row) for result in results})
