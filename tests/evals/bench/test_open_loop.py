"""What load tests print is counted from when each request was meant to be sent."""

from __future__ import annotations

import aiohttp
import pytest

from evals.bench.open_loop import Numbers, Outcome, accepted, arriving, in_words, percentile

pytestmark = pytest.mark.anyio


async def test_a_server_that_is_not_there_is_counted_and_not_raised() -> None:
    """Every request that was to arrive has an outcome."""
    async with aiohttp.ClientSession() as session:
        outcomes = await arriving(session, "http://127.0.0.1:9", 200, 0.05, Numbers())

    assert [outcome.status for outcome in outcomes] == [0] * 10
    assert all(outcome.seconds >= 0 for outcome in outcomes)


def test_percentiles_are_of_what_was_graded() -> None:
    """Refusals are quick and must not make grades look so."""
    outcomes = [Outcome(201, float(n)) for n in range(1, 101)] + [Outcome(503, 0.001, told=True)] * 3

    assert percentile(accepted(outcomes), 0.5) == 51
    assert percentile([], 0.99) == 0
    assert in_words(outcomes) == (
        "100 of 103 graded, p50 51.00 s, p99 100.00 s; refused 3 x 503, 3 with Retry-After, p99 0.00 s"
    )
