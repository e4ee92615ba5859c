"""The short form of the fault runs; the long one is ``make faults``. Each prints its seed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.campaign import KILLS, Campaign, Strike
from tests.faults.drive import judged
from tests.faults.requesting import Requesting, requested

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(600)]

_ON_SQLITE = Campaign(jobs=60, seed=11, kills=3, postgres=False, workers=0)
_ON_POSTGRES = Campaign(
    jobs=120, seed=12, kills=4, pauses=1, stops=1, freezes=1, halts=1, steps=2, down_seconds=3.0, beat_seconds=0.5
)


@pytest.mark.parametrize("campaign", [_ON_SQLITE, _ON_POSTGRES], ids=["sqlite", "postgres"])
async def test_whatever_is_struck_nothing_acknowledged_is_lost_and_nothing_is_done_twice(
    campaign: Campaign, tmp_path: Path
) -> None:
    """Kills, a worker thought dead that goes on, SIGTERM, Postgres frozen and gone, clocks set: all promises hold."""
    played, verdict = await judged(campaign, tmp_path)

    assert verdict.holds, f"{campaign}\n{verdict.report}"
    assert played.settled
    assert None not in played.exits


async def test_each_request_to_a_failing_model_ends_in_a_grade_or_says_why_not(tmp_path: Path) -> None:
    """200 requests, 30 % of the calls with one of fourteen kinds of fault; time-outs shortened."""
    wanted = Requesting(200, seed=13, at_once=16, call_seconds=5.0, grade_seconds=20.0)

    outcome = await requested(wanted, tmp_path)

    assert outcome.fine, f"seed {wanted.seed}: {outcome.in_words()} {outcome.unfit[:3]} {outcome.invalid[:3]}"


def test_the_same_seed_strikes_alike_and_half_of_the_kills_hit_the_server() -> None:
    """A failing run can be repeated; at least half of its kills wait for a moment."""
    campaign = Campaign(jobs=2_000, seed=7, kills=50)

    strikes = campaign.strikes()

    at_any_moment = {Strike.KILL_WORKER, Strike.KILL_SERVER}
    assert strikes == Campaign(jobs=2_000, seed=7, kills=50).strikes()
    assert strikes != Campaign(jobs=2_000, seed=8, kills=50).strikes()
    assert set(strikes) == KILLS
    assert sum("server" in strike.value for strike in strikes) == 25
    assert sum(strike in at_any_moment for strike in strikes) <= 25
