"""A slow database is waited for, a silent one is not."""

from __future__ import annotations

import asyncio
import time

import pytest

from service.ports import StoreUnavailable
from service.storage.silence import LATE_SECONDS, Silence

pytestmark = pytest.mark.anyio


class Server:
    """A server that answers those who knock, or not, and counts them."""

    def __init__(self, *, answering: bool) -> None:
        self.answering = asyncio.Event()
        self.knocks = 0
        self.knocked = asyncio.Event()
        if answering:
            self.answering.set()
        self.silence = Silence(self.knock, wait_seconds=0.01, answer_seconds=0.05)

    async def knock(self) -> None:
        """Wait for an answer."""
        self.knocks += 1
        self.knocked.set()
        await self.answering.wait()

    async def refuse(self) -> None:
        """Answer with an error."""
        self.knocks += 1
        self.knocked.set()
        raise ConnectionRefusedError


async def test_a_slow_transaction_is_waited_for_while_the_server_answers_others() -> None:
    """However often somebody has to wonder."""
    server, go_on = Server(answering=True), asyncio.Event()

    async def slow() -> int:
        await go_on.wait()
        return 7

    waiting = asyncio.create_task(server.silence.bounded(slow()))
    await server.knocked.wait()
    go_on.set()

    assert await waiting == 7


async def test_a_refused_connection_is_an_answer() -> None:
    """Such a server is not silent; what is done on it fails or not by itself."""
    server = Server(answering=False)
    server.silence.knock = server.refuse

    async def slow() -> int:
        await server.knocked.wait()
        return 7

    assert await server.silence.bounded(slow()) == 7


async def test_who_waits_for_a_silent_server_is_told_and_its_transaction_is_stopped() -> None:
    """All who wait at the same moment knock once."""
    server, stopped = Server(answering=False), 0

    async def frozen() -> int:
        nonlocal stopped
        try:
            await asyncio.Event().wait()
        finally:
            stopped += 1
        return 0

    outcomes = await asyncio.gather(*(server.silence.bounded(frozen()) for _ in range(20)), return_exceptions=True)
    await asyncio.sleep(0)

    assert [type(outcome) for outcome in outcomes] == [StoreUnavailable] * 20
    assert (server.knocks, stopped) == (1, 20)


async def test_while_it_is_silent_nothing_is_begun_and_once_it_is_heard_again_all_is_as_before() -> None:
    """The next to come is told without its transaction being tried; the first answer ends that."""
    server = Server(answering=False)
    begun = 0

    async def counted() -> int:
        nonlocal begun
        begun += 1
        return 7

    with pytest.raises(StoreUnavailable):
        await server.silence.bounded(asyncio.Event().wait())
    with pytest.raises(StoreUnavailable):
        await server.silence.bounded(counted())
    server.answering.set()
    server.silence._asked_at -= 60
    after = await server.silence.bounded(counted())

    assert (after, begun) == (7, 1)


async def test_who_stops_waiting_stops_the_transaction() -> None:
    """A caller that goes away leaves nothing running behind it."""
    server, begun, stopped = Server(answering=True), asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    waiting = asyncio.create_task(server.silence.bounded(slow()))
    await begun.wait()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    assert stopped.is_set()


async def test_a_server_that_answers_another_transaction_is_not_silent() -> None:
    """A machine so busy that new connections take long is overloaded, not dead: nobody is sent away."""
    server, go_on = Server(answering=False), asyncio.Event()

    async def slow() -> int:
        await go_on.wait()
        return 7

    async def quick() -> None:
        return None

    waiting = asyncio.create_task(server.silence.bounded(slow()))
    await server.knocked.wait()
    await server.silence.bounded(quick())
    server.answering.set()
    go_on.set()

    assert await waiting == 7


async def test_a_process_that_had_no_time_to_listen_listens_once_more() -> None:
    """Its own loop was held for longer than the server has to answer: that says nothing about the server."""
    server, loop = Server(answering=False), asyncio.get_running_loop()

    def hold_the_loop() -> None:
        time.sleep(server.silence.answer_seconds + 2 * LATE_SECONDS)
        loop.call_later(server.silence.answer_seconds / 2, server.answering.set)

    async def knock() -> None:
        loop.call_soon(hold_the_loop)
        await server.knock()

    async def slow() -> int:
        await server.answering.wait()
        return 7

    server.silence.knock = knock

    assert await server.silence.bounded(slow()) == 7
