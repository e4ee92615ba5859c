"""When a webhook is tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.webhooks.schedule import DELAYS, JITTER, next_delay, retry_after

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_the_schedule_is_the_specification_s() -> None:
    """Ten attempts over 75 hours 35 minutes and 5 seconds."""
    seconds = [0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]

    assert [delay.total_seconds() for delay in DELAYS] == seconds
    assert sum(DELAYS, timedelta(0)) == timedelta(hours=75, minutes=35, seconds=5)


@given(st.integers(min_value=1, max_value=9), st.randoms(use_true_random=False))
def test_a_delay_is_the_specification_s_give_or_take_a_tenth(attempts: int, random: Random) -> None:
    """Before the attempt after this many."""
    delay = next_delay(attempts, random)

    assert delay is not None
    assert DELAYS[attempts] * (1 - JITTER) <= delay <= DELAYS[attempts] * (1 + JITTER)


def test_after_the_tenth_attempt_there_is_none() -> None:
    """Nor after an eleventh, which a killed sender can have begun."""
    assert next_delay(10, Random(1)) is None
    assert next_delay(11, Random(1)) is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 0),
        ("", 0),
        ("120", 120),
        (" 120 ", 120),
        ("0", 0),
        ("-5", 0),
        ("1e9", 0),
        ("999999999", 86_400),
        ("99999999999999999999", 0),
        ("１２０", 0),
        ("soon", 0),
        ("Sun, 22 Nov 2026 12:10:00 GMT", 600),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0),
        ("Sun, 22 Nov 2026 13:10:00 +0100", 600),
        ("Sun, 22 Nov 2027 12:10:00 GMT", 86_400),
        ("Sun, 99 Nov 2026 12:10:00 GMT", 0),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_at_most_a_day(header: str | None, seconds: int) -> None:
    """What cannot be read asks for nothing."""
    assert retry_after(header, NOON) == timedelta(seconds=seconds)


@given(st.text(max_size=40))
def test_no_retry_after_breaks_the_schedule(header: str) -> None:
    """Whatever a receiver sends."""
    assert timedelta(0) <= retry_after(header, NOON) <= timedelta(hours=24)
