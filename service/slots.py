"""A bounded number of places, given to the urgent before the patient."""

from __future__ import annotations

import asyncio
from collections import deque


class Slots:
    """Places among what is done at once. Who is urgent never waits behind who is patient.

    Args:
        count: how many places there are.
    """

    def __init__(self, count: int) -> None:
        self._free = count
        self._urgent: deque[asyncio.Future[None]] = deque()
        self._patient: deque[asyncio.Future[None]] = deque()

    async def acquire(self, *, patient: bool) -> None:
        """Return with a place, which has to be released."""
        if self._free:
            self._free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        (self._patient if patient else self._urgent).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.release()
            raise

    def release(self) -> None:
        """Hand the place to who waits, the urgent first."""
        for queue in (self._urgent, self._patient):
            while queue:
                turn = queue.popleft()
                if not turn.done():
                    turn.set_result(None)
                    return
        self._free += 1
