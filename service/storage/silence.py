"""Telling a silent database from a slow one: nobody waits for a frozen server, however long statements may take.

A long statement is waited for as long as its server answers somebody else. So a transaction under way for
``WAIT_SECONDS`` has a new connection made; when neither that nor any other transaction is answered within
``ANSWER_SECONDS``, whoever waits is told so, and until the server is heard again the next to come is told at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from service.ports import StoreUnavailable
from service.telemetry import log

WAIT_SECONDS = 0.4
ANSWER_SECONDS = 1.5
BELIEVED_SECONDS = 1.0
"""How long a server that did not answer is not asked again. In all less than 2 s a request."""

LATE_SECONDS = 0.25
"""A timer this late says that the process itself had no time to listen; then it listens once more."""

T = TypeVar("T")


@dataclass(slots=True)
class Silence:
    """Bounds the wait for one server.

    Attributes:
        knock: returns or raises as soon as the server says anything on a new connection; a refusal is an answer.
        wait_seconds: how long a transaction is waited for before anybody wonders.
        answer_seconds: how long the server has to say something.
    """

    knock: Callable[[], Awaitable[None]]
    wait_seconds: float = WAIT_SECONDS
    answer_seconds: float = ANSWER_SECONDS
    _silent: bool = False
    _late: bool = False
    _asked: asyncio.Task[bool] | None = None
    _asked_at: float = 0.0
    _word: asyncio.Event = field(default_factory=asyncio.Event)
    _left: set[asyncio.Task[Any]] = field(default_factory=set)

    async def bounded(self, work: Coroutine[Any, Any, T]) -> T:
        """What ``work`` returns, as long as the server can be heard.

        Raises:
            StoreUnavailable: it cannot. What ``work`` began is undone, unless the server was frozen in its commit.
        """
        if self._silent and not await self._answers():
            work.close()
            raise self._unheard()
        task = asyncio.ensure_future(work)
        try:
            while not (await asyncio.wait({task}, timeout=self.wait_seconds))[0]:
                if not await self._answers() and not task.done():
                    self._leave(task)
                    raise self._unheard()
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait({task})
            raise
        result = task.result()
        self._word.set()
        return result

    async def _answers(self) -> bool:
        """Whether the server can be heard; all who wonder at the same moment ask once."""
        if self._asked is None or (self._asked.done() and time.monotonic() - self._asked_at > BELIEVED_SECONDS):
            self._asked = asyncio.ensure_future(self._ask())
        return await asyncio.shield(self._asked)

    async def _ask(self) -> bool:
        self._word.clear()
        signs: set[asyncio.Future[Any]] = {
            asyncio.ensure_future(self.knock()),
            asyncio.ensure_future(self._word.wait()),
        }
        heard = await self._heard(signs) or (self._late and await self._heard(signs))
        for sign in signs:
            self._leave(sign)
        if heard is self._silent:
            log("database_heard_again" if heard else "database_silent")
        self._silent, self._asked_at = not heard, time.monotonic()
        return heard

    async def _heard(self, signs: set[asyncio.Future[Any]]) -> bool:
        """Whether any sign came in time; notes when it was we who were late: a busy loop hears nobody."""
        began = time.monotonic()
        done, _ = await asyncio.wait(signs, timeout=self.answer_seconds, return_when=asyncio.FIRST_COMPLETED)
        self._late = time.monotonic() - began > self.answer_seconds + LATE_SECONDS
        return bool(done)

    def _leave(self, task: asyncio.Task[Any] | asyncio.Future[Any]) -> None:
        """Stop something without waiting for its connection to be closed, which a silent server delays."""
        task.cancel()
        left = asyncio.ensure_future(asyncio.wait({task}))
        self._left.add(left)
        left.add_done_callback(self._left.discard)
        task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())

    def _unheard(self) -> StoreUnavailable:
        return StoreUnavailable("the database cannot be used (it does not answer)")
