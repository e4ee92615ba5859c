"""`make scale-demo`: it shows what is promised, and says so when something is missing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evals.bench.scale import Found, main

SENT = ["a", "b", "c"]
WHOLE = Found(
    sent=SENT,
    status="completed",
    results=[("a", "grd_1"), ("b", "grd_2"), ("c", "grd_3")],
    refused=0,
    stored=["grd_3", "grd_2", "grd_1"],
    calls=5,
    surplus=2,
)


@pytest.mark.anyio
@pytest.mark.timeout(600)
async def test_a_batch_survives_the_death_of_one_of_two_workers_on_postgres(capsys: pytest.CaptureFixture[str]) -> None:
    """The demonstration itself, with 60 answers: all graded, once, in order."""
    code = await main(["--items", "60", "--concurrency", "8", "--latency", "0.1"])

    shown = capsys.readouterr().out
    assert code == 0, shown
    assert "60 of 60" in shown
    assert "kill -9" in shown


def test_a_whole_batch_keeps_every_promise() -> None:
    """Nothing missing, nothing doubled, a kill's worth of calls besides."""
    assert all(kept for _, _, kept in WHOLE.checks())


@pytest.mark.parametrize(
    ("broken", "promised"),
    [
        pytest.param({"status": "cancelled"}, "the batch completed", id="cancelled"),
        pytest.param({"results": WHOLE.results[:2]}, "every answer is graded", id="one missing"),
        pytest.param({"refused": 1}, "none is among the errors", id="one refused"),
        pytest.param({"results": WHOLE.results[::-1]}, "results in the order sent", id="out of order"),
        pytest.param({"results": [*WHOLE.results, ("c", "grd_4")]}, "one result for each", id="doubled"),
        pytest.param({"stored": [*WHOLE.stored, "grd_4"]}, "no grade besides", id="a stray grade"),
        pytest.param({"calls": 6}, "model calls beyond one an answer", id="too many calls"),
        pytest.param({"calls": 2}, "model calls beyond one an answer", id="a grade without a call"),
    ],
)
def test_what_is_broken_is_named(broken: dict[str, object], promised: str) -> None:
    """A demonstration that could not fail would show nothing."""
    found = replace(WHOLE, **broken)  # type: ignore[arg-type]

    assert promised in [name for name, _, kept in found.checks() if not kept]
