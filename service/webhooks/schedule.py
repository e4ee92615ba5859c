"""When a webhook is tried again: the schedule of Standard Webhooks 1.0, with jitter, and Retry-After."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from random import Random

DELAYS: tuple[timedelta, ...] = (
    timedelta(0),
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""What is waited before each attempt, counted from the one before."""

JITTER = 0.1
"""A delay is stretched or shortened by up to this share, so that failures together are not retried together."""

LONGEST_RETRY_AFTER = timedelta(hours=24)
_SECONDS = re.compile(r"\d{1,9}", re.ASCII)


def next_delay(attempts: int, random: Random) -> timedelta | None:
    """How long to wait after this many attempts; None after the last."""
    if attempts >= len(DELAYS):
        return None
    return DELAYS[attempts] * random.uniform(1 - JITTER, 1 + JITTER)


def retry_after(header: str | None, now: datetime) -> timedelta:
    """What a Retry-After header (RFC 9110, 10.2.3) asks for: seconds or a date; zero when it cannot be read.

    At most a day, so that a receiver cannot park an event for ever.
    """
    wanted = _parsed(header.strip(), now) if header else timedelta(0)
    return min(max(wanted, timedelta(0)), LONGEST_RETRY_AFTER)


def _parsed(text: str, now: datetime) -> timedelta:
    if _SECONDS.fullmatch(text):
        return timedelta(seconds=int(text))
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return timedelta(0)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now
