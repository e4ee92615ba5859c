"""A provider that says "slow down" is left alone by everybody until the moment it named."""

from __future__ import annotations

import asyncio
import random

JITTER = 0.1
"""Share of a pause by which those who waited come back apart, so that the end of a pause is no burst."""


class Pause:
    """Until when one model is not asked; shared by all who ask it in this process."""

    def __init__(self) -> None:
        self._until = 0.0

    def extend(self, seconds: float) -> None:
        """Ask nothing for so long; a longer pause that is running already stands."""
        self._until = max(self._until, asyncio.get_running_loop().time() + seconds)

    @property
    def left(self) -> float:
        """Seconds until the model may be asked; 0 when it may be now."""
        return max(0.0, self._until - asyncio.get_running_loop().time())

    async def over(self) -> None:
        """Return once the model may be asked, a little apart from the others."""
        if left := self.left:
            await asyncio.sleep(left * random.uniform(1.0, 1.0 + JITTER))
            await self.over()
