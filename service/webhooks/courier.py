"""The loop that sends: claims what is due, posts it signed, and writes down what became of it.

A claim is a lease in the database, so any number of senders can run and one that is killed loses nothing: what it
held is sent again, under the same id, once the lease has run out. At least once, never at most once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from ulid import ULID

from service.ports import Clock, StoreUnavailable
from service.telemetry import LOGGER, Metrics, log
from service.webhook_ports import DeliveryQueue
from service.webhook_records import Claimed, DeliveryId, DeliveryStatus, FailureCode, Verdict
from service.webhooks.lanes import Lanes
from service.webhooks.schedule import next_delay, retry_after
from service.webhooks.signing import SecretChanged, Signer
from service.webhooks.transport import Answered, NotAnswered, Outcome, Session, Transport

LEASE = timedelta(seconds=30)
POLL_SECONDS = 1.0
STOP_SECONDS = 5.0
TIDY_EVERY = timedelta(hours=1)
KEEP_DELIVERED = timedelta(days=7)
KEEP_DEAD = timedelta(days=30)


@dataclass(slots=True)
class Courier:
    """Sends the deliveries of a database, as one of any number of senders.

    Attributes:
        stop_seconds: how long a stopped sender lets finish what is under way.
    """

    queue: DeliveryQueue
    transport: Transport
    signer: Signer
    clock: Clock
    metrics: Metrics
    random: Random = field(default_factory=Random)
    lanes: Lanes = field(default_factory=Lanes)
    stop_seconds: float = STOP_SECONDS
    _owner: str = field(default_factory=lambda: str(ULID()))
    _under_way: dict[DeliveryId, asyncio.Task[None]] = field(default_factory=dict)
    _tidied: datetime | None = None

    async def run(self) -> None:
        """Send for ever; when cancelled, let what is under way finish for a moment and give back the rest."""
        async with self.transport.session() as session:
            try:
                while True:
                    if not await self._take_on(session):
                        await self._pause()
            finally:
                await self._stop()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The loop beside whatever is done inside: ``async with courier.running(): ...``."""
        task = asyncio.create_task(self.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def send_due(self) -> int:
        """Send what is due now, wait until it is done, and return how many deliveries that were."""
        sent = 0
        async with self.transport.session() as session:
            while taken := await self._claim(session):
                sent += taken
                await asyncio.gather(*self._under_way.values())
        return sent

    async def _take_on(self, session: Session) -> int:
        """Begin what is due and fits; zero when there was nothing, or the store cannot be used now."""
        try:
            await self._tidy()
            return await self._claim(session)
        except StoreUnavailable:
            log("webhooks_wait_for_the_store", logging.WARNING)
        except Exception as error:  # noqa: BLE001 - the loop must outlive its faults; each is logged
            LOGGER.error("webhook_loop_failed", exc_info=error)
        return 0

    async def _claim(self, session: Session) -> int:
        room = self.lanes.room()
        if not room.total:
            return 0
        now = self.clock.now()
        claimed = await self.queue.claim(self._owner, now, now + LEASE, room)
        fresh = [each for each in claimed if each.delivery not in self._under_way]
        for each in fresh:
            self.lanes.enter(each.endpoint.id)
            self._under_way[each.delivery] = asyncio.create_task(self._deliver(session, each))
        return len(fresh)

    async def _pause(self) -> None:
        """Until something is done or it is time to look again."""
        if self._under_way:
            await asyncio.wait(self._under_way.values(), timeout=POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        else:
            await asyncio.sleep(POLL_SECONDS)

    async def _deliver(self, session: Session, claimed: Claimed) -> None:
        answered = False
        try:
            verdict = await self._attempt(session, claimed)
            answered = verdict.error is None
            self.metrics.webhooks.labels(verdict.error or "delivered").inc()
            await self.queue.settle(self._owner, claimed.delivery, verdict)
            _report(claimed, verdict)
        except StoreUnavailable:
            log("webhook_outcome_not_kept", logging.WARNING, delivery=claimed.delivery)
        except Exception as error:  # noqa: BLE001 - one delivery's fault is not the others'; its lease runs out
            LOGGER.error("webhook_attempt_failed", exc_info=error)
        finally:
            del self._under_way[claimed.delivery]
            self.lanes.leave(claimed.endpoint.id, answered=answered)

    async def _attempt(self, session: Session, claimed: Claimed) -> Verdict:
        endpoint = claimed.endpoint
        if not endpoint.enabled:
            return Verdict(DeliveryStatus.DEAD, self.clock.now(), error="endpoint_disabled")
        try:
            headers = self.signer.headers(claimed, self.clock.now())
        except SecretChanged:
            outcome: Outcome = NotAnswered("secret_changed")
        else:
            outcome = await session.post(endpoint.url, claimed.body, headers)
        return verdict_on(outcome, claimed.attempts, self.clock.now(), self.random)

    async def _tidy(self) -> None:
        """Once an hour, forget what was delivered or has been dead for long."""
        now = self.clock.now()
        if self._tidied is not None and now - self._tidied < TIDY_EVERY:
            return
        self._tidied = now
        await self.queue.forget(delivered_before=now - KEEP_DELIVERED, dead_before=now - KEEP_DEAD)

    async def _stop(self) -> None:
        tasks = list(self._under_way.values())
        if tasks:
            _, unfinished = await asyncio.wait(tasks, timeout=self.stop_seconds)
            for task in unfinished:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        try:
            await self.queue.give_back(self._owner, self.clock.now())
        except StoreUnavailable:
            log("webhooks_not_given_back", logging.WARNING)


def verdict_on(outcome: Outcome, attempts: int, now: datetime, random: Random) -> Verdict:
    """What an outcome means: 2xx delivered, 410 the end of the endpoint, all else another attempt while there is one.

    Args:
        outcome: of the attempt.
        attempts: attempts begun, this one included.
        now: when it ended.
        random: for the jitter.
    """
    code = outcome.status if isinstance(outcome, Answered) else None
    error = _error(outcome)
    if error is None:
        return Verdict(DeliveryStatus.DELIVERED, now, code=code)
    if error == "gone":
        return Verdict(DeliveryStatus.DEAD, now, code=code, error=error, disable="gone")
    delay = next_delay(attempts, random)
    if delay is None:
        return Verdict(DeliveryStatus.DEAD, now, code=code, error=error)
    asked = retry_after(outcome.retry_after, now) if isinstance(outcome, Answered) else timedelta(0)
    return Verdict(DeliveryStatus.PENDING, now, due=now + max(delay, asked), code=code, error=error)


def _error(outcome: Outcome) -> FailureCode | None:
    if isinstance(outcome, NotAnswered):
        return outcome.error
    if 200 <= outcome.status < 300:
        return None
    if outcome.status == 410:
        return "gone"
    return "redirect" if 300 <= outcome.status < 400 else "status"


def _report(claimed: Claimed, verdict: Verdict) -> None:
    if verdict.error is None:
        return
    log(
        "webhook_dead" if verdict.status is DeliveryStatus.DEAD else "webhook_attempt_failed",
        delivery=claimed.delivery,
        endpoint=claimed.endpoint.id,
        attempt=claimed.attempts,
        status=verdict.code,
        error=verdict.error,
    )
