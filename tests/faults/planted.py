"""The runs in which one bug is planted, and what each of them has to turn red."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tests.faults.bugs import Bug
from tests.faults.campaign import Campaign
from tests.faults.drive import judged

_ALONE = Campaign(jobs=40, seed=2, postgres=False, workers=0, receiver_faults=0.0, tricks=0.0, drain_seconds=60.0)
_TWO = replace(_ALONE, postgres=True, workers=2, beat_seconds=0.5, concurrency=4)

PLANTED: Mapping[Bug, tuple[Campaign, str]] = {
    Bug.UNGUARDED: (replace(_TWO, pauses=1), "one result each"),
    Bug.EARLY: (replace(_ALONE, jobs=20, kills=1), "acknowledged is kept"),
    Bug.DEAF: (replace(_TWO, jobs=12, latency=8.0, concurrency=32), "calls are bounded"),
    Bug.TWICE: (replace(_ALONE, jobs=20, faults=0.3, call_seconds=2.0), "calls are bounded"),
    Bug.CREDULOUS: (replace(_ALONE, jobs=20, tricks=0.5), "quotes are the answer's"),
}
"""For each bug a small run that it cannot come through, and the promise that it has to break.

Workers that are not heard are given up after three seconds: a call takes longer, and whoever takes over has room.
"""


def found(bug: Bug | None, folder: Path, like: Bug | None = None) -> set[str]:
    """The promises that a bug breaks.

    Args:
        bug: to be planted; None plays the same run without it.
        folder: for what the run leaves.
        like: whose run to play where no bug is planted.
    """
    return asyncio.run(_found(bug, folder, like or bug))


async def _found(bug: Bug | None, folder: Path, like: Bug | None) -> set[str]:
    assert like is not None
    _, verdict = await judged(replace(PLANTED[like][0], bug=bug), folder)
    return verdict.broken
