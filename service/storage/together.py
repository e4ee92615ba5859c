"""Transactions that wait for a connection at the same moment share one, and so one commit, when they get it.

Few connections are kept busy instead of many waiting on each other: a process that does a hundred things at once
needs one round trip for ``BEGIN`` and one for ``COMMIT``, not a hundred. When nobody waits, nobody shares.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Connection

from service.ports import StoreUnavailable

T = TypeVar("T")
Work = Callable[[Connection], Any]
_Waiting = tuple[Work, asyncio.Future[Any]]


@dataclass(slots=True)
class Together:
    """The transactions of one kind of one process.

    Attributes:
        run: does one transaction.
        at_once: how many transactions there are at the same time.
        most: how many of those that wait share one.
    """

    run: Callable[[Work], Awaitable[Any]]
    at_once: int
    most: int
    _waiting: deque[_Waiting] = field(default_factory=deque)
    _running: set[asyncio.Task[None]] = field(default_factory=set)

    async def do(self, work: Callable[[Connection], T]) -> T:
        """What ``work`` returns. If one that shared its transaction fails, each is done again by itself.

        Raises:
            StoreUnavailable: nothing of the transaction was kept.
        """
        outcome: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((work, outcome))
        if len(self._running) < self.at_once:
            task = asyncio.create_task(self._while_any_wait())
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return await outcome

    async def end(self) -> None:
        """Return when what was begun is through."""
        if self._running:
            await asyncio.wait(set(self._running))

    async def _while_any_wait(self) -> None:
        while self._waiting:
            taken = [self._waiting.popleft() for _ in range(min(self.most, len(self._waiting)))]
            group = [(work, outcome) for work, outcome in taken if not outcome.done()]
            if len(group) > 1 and await self._shared(group):
                continue
            for work, outcome in group:
                await self._alone(work, outcome)

    async def _shared(self, group: list[_Waiting]) -> bool:
        """Whether a group is settled: by one transaction, or because the database cannot be used at all."""
        try:
            results = await self.run(lambda connection: [work(connection) for work, _ in group])
        except StoreUnavailable as error:
            for _, outcome in group:
                _fail(outcome, error)
            return True
        except Exception:  # noqa: BLE001 - nothing was kept; each finds its own error by itself
            return False
        for (_, outcome), result in zip(group, results, strict=True):
            if not outcome.done():
                outcome.set_result(result)
        return True

    async def _alone(self, work: Work, outcome: asyncio.Future[Any]) -> None:
        try:
            result = await self.run(work)
        except Exception as error:  # noqa: BLE001 - it is raised where the outcome is awaited
            _fail(outcome, error)
        else:
            if not outcome.done():
                outcome.set_result(result)


def _fail(outcome: asyncio.Future[Any], error: Exception) -> None:
    if not outcome.done():
        outcome.set_exception(error)
