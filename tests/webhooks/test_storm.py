"""The short form of the storm; the long one is ``python -m tests.webhooks.storm``."""

from __future__ import annotations

import pytest

from tests.webhooks.storm import Storm, rage

pytestmark = pytest.mark.anyio


async def test_nothing_is_lost_while_receivers_fail_and_senders_are_killed(url: str) -> None:
    """Every event arrived or lies on the dead list, and nothing is pending."""
    after = await rage(Storm(endpoints=10, events=40, kills=2, every=0.05), url)

    assert after.lost == []
    assert after.recorded == 40
    assert after.delivered > 0
    assert after.dead > 0
