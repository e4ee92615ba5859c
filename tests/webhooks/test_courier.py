"""Sending, on both databases, to real receivers: at least once, on schedule, and nobody waits for anybody else."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from standardwebhooks import Webhook, WebhookVerificationError

from service.records import Tenant
from service.storage import Database, open_migrated
from service.storage.webhook_tables import WEBHOOK_EVENTS
from service.webhook_records import DeliveryStatus, EndpointId, Room, Verdict
from service.webhooks.courier import KEEP_DEAD, KEEP_DELIVERED, LEASE
from service.webhooks.endpoints import EndpointChange, EndpointDisabled
from service.webhooks.lanes import Lanes
from service.webhooks.schedule import DELAYS, JITTER
from tests.webhooks.conftest import MINE, Post
from tests.webhooks.receiver import close, hang, in_turn, raw, receiver, status

pytestmark = pytest.mark.anyio
DELIVERED, DEAD, PENDING = DeliveryStatus.DELIVERED, DeliveryStatus.DEAD, DeliveryStatus.PENDING
SECOND = timedelta(seconds=1)


def within_jitter(moments: list[timedelta], delays: list[timedelta]) -> bool:
    """Whether the gaps between moments are the delays, give or take the jitter."""
    gaps = [later - earlier for earlier, later in zip([timedelta(0), *moments], moments, strict=False)]
    return len(gaps) == len(delays) and all(
        delay * (1 - JITTER) <= gap <= delay * (1 + JITTER) for gap, delay in zip(gaps, delays, strict=True)
    )


async def test_an_event_is_delivered_once_to_each_endpoint_that_asked_for_its_kind(post: Post) -> None:
    """Signed so that the reference library accepts it; other kinds and other tenants' endpoints get nothing."""
    post.clock.time = datetime.now(UTC)
    async with receiver() as wants, receiver() as other_kind, receiver() as stranger:
        endpoint, secret = await post.register(wants.url(), ("grade.completed",))
        await post.register(other_kind.url(), ("batch.completed",))
        await post.register(stranger.url(), tenant=Tenant("yours"))

        await post.record()
        sent = await post.courier.send_due() + await post.courier.send_due()

    (received,) = wants.received
    payload = Webhook(secret).verify(received.body, received.headers)
    assert payload["type"] == "grade.completed"
    assert payload["data"] == {"id": "grd_1", "object": "grade", "status": "graded"}
    assert set(payload) == {"type", "timestamp", "data"}
    assert len(received.body) < 20_000
    assert (sent, other_kind.connections, stranger.connections) == (1, 0, 0)
    delivery = await post.delivery(endpoint)
    assert (delivery.status, delivery.attempts, delivery.last_status) == (DELIVERED, 1, 204)
    assert received.headers["webhook-id"] == delivery.event


async def test_a_failing_receiver_is_tried_ten_times_on_the_specification_s_schedule(post: Post) -> None:
    """Under one id, each attempt with its own time; then the delivery is dead, visible and can be replayed."""
    async with receiver(status(500)) as here:
        endpoint, _ = await post.register(here.url())
        await post.record()

        moments = await post.send_until_idle()
        dead = await post.deliveries(endpoint, DEAD)
        post.clock.pass_(SECOND)
        here.behaviour = status(200)
        replayed = await post.webhooks.replay(MINE, endpoint.id, dead[0].id)
        await post.courier.send_due()

    assert within_jitter(moments, list(DELAYS))
    assert (dead[0].attempts, dead[0].last_status, dead[0].last_error) == (10, 500, "status")
    assert replayed is not None
    assert (replayed.status, replayed.attempts) == (PENDING, 0)
    assert (await post.delivery(endpoint)).status is DELIVERED
    assert {each.headers["webhook-id"] for each in here.received} == {dead[0].event}
    assert len({each.headers["webhook-timestamp"] for each in here.received}) == 11


@pytest.mark.parametrize(
    "behaviour", [status(503), close, status(302), raw("nonsense")], ids=["503", "close", "302", "x"]
)
async def test_after_a_failure_the_next_attempt_gets_through(post: Post, behaviour: object) -> None:
    """Five seconds later, the same id and the same body."""
    async with receiver(in_turn(behaviour, status(200))) as here:  # type: ignore[arg-type]
        endpoint, _ = await post.register(here.url())
        await post.record()

        moments = await post.send_until_idle()

    assert within_jitter(moments, list(DELAYS[:2]))
    first, second = here.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert (await post.delivery(endpoint)).status is DELIVERED


async def test_retry_after_is_waited_for(post: Post) -> None:
    """Where it is longer than the schedule's delay, and no jitter takes from it."""
    async with receiver(in_turn(status(429, "Retry-After: 3600"), status(200))) as here:
        await post.register(here.url())
        await post.record()

        moments = await post.send_until_idle()

    assert moments == [timedelta(0), timedelta(hours=1)]


async def test_410_disables_the_endpoint_and_what_was_pending_is_on_the_dead_list(post: Post) -> None:
    """Nothing is recorded for it any more until it is enabled; what died can then be replayed."""
    async with receiver(in_turn(status(500), status(410), status(200))) as here:
        endpoint, _ = await post.register(here.url())
        await post.record()
        await post.courier.send_due()
        post.clock.pass_(SECOND)
        await post.record()
        await post.courier.send_due()
        await post.record()
        disabled = await post.webhooks.endpoint(MINE, endpoint.id)
        dead = await post.deliveries(endpoint)
        with pytest.raises(EndpointDisabled):
            await post.webhooks.replay(MINE, endpoint.id, dead[0].id)

        await post.webhooks.change(MINE, endpoint.id, EndpointChange(enabled=True))
        await post.webhooks.replay(MINE, endpoint.id, dead[0].id)
        await post.courier.send_due()

    assert disabled is not None
    assert (disabled.enabled, disabled.disabled_reason) == (False, "gone")
    assert {(each.status, each.last_error) for each in dead} == {(DEAD, "gone"), (DEAD, "endpoint_disabled")}
    assert [each.status for each in await post.deliveries(endpoint)].count(DELIVERED) == 1
    assert here.connections == 3


async def test_what_a_sender_holds_for_an_endpoint_disabled_meanwhile_dies_unsent(post: Post) -> None:
    """The sweep that a sender does for what was claimed when the endpoint was disabled."""
    async with receiver() as here:
        endpoint, _ = await post.register(here.url())
        await post.record()
        await post.queue.claim("a killed sender", post.clock.now(), post.clock.now() + LEASE, Room(10, 10))
        await post.webhooks.change(MINE, endpoint.id, EndpointChange(enabled=False))
        post.clock.pass_(LEASE)
        await post.courier.send_due()

    delivery = await post.delivery(endpoint)
    assert (delivery.status, delivery.last_error, here.connections) == (DEAD, "endpoint_disabled", 0)


async def test_during_a_rotation_a_receiver_can_verify_with_either_secret(post: Post) -> None:
    """For 24 hours; then only with the new one."""
    post.clock.time = datetime.now(UTC) - timedelta(hours=24)
    async with receiver() as here:
        endpoint, old = await post.register(here.url())
        rotated = await post.webhooks.rotate(MINE, endpoint.id)
        assert rotated is not None
        post.clock.time = datetime.now(UTC) - SECOND
        assert post.clock.time < (rotated[0].previous_until or post.clock.time)
        await post.record()
        await post.courier.send_due()
        post.clock.time = datetime.now(UTC) + SECOND
        await post.record()
        await post.courier.send_due()

    during, after = here.received
    for secret in (old, rotated[1]):
        Webhook(secret).verify(during.body, during.headers)
    Webhook(rotated[1]).verify(after.body, after.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(after.body, after.headers)


async def test_a_changed_instance_secret_is_reported_and_not_signed_with(database: Database) -> None:
    """A wrong signature would look like an attack to the receiver."""
    post = Post(database)
    async with receiver() as here:
        endpoint, _ = await post.register(here.url())
        await post.record()
        later = Post(database, clock=post.clock)
        later.courier.signer = type(post.signer)(b"another secret")
        await later.courier.send_due()

    delivery = await post.delivery(endpoint)
    assert (delivery.status, delivery.last_error, here.connections) == (PENDING, "secret_changed", 0)


async def test_senders_with_connections_of_their_own_share_the_work_and_send_each_delivery_once(
    post: Post, url: str
) -> None:
    """However they interleave, as processes do."""
    others = [await open_migrated(url) for _ in range(2)]
    async with receiver() as here:
        endpoint, _ = await post.register(here.url())
        for number in range(40):
            await post.record(data={"id": f"grd_{number}", "object": "grade", "status": "graded"})

        senders = [post, *(Post(database, clock=post.clock) for database in others)]
        await asyncio.gather(*(each.courier.send_due() for each in senders))
        await post.courier.send_due()
    for database in others:
        await database.close()

    assert here.connections == 40
    assert {each.status for each in await post.deliveries(endpoint)} == {DELIVERED}


async def test_what_a_vanished_sender_held_is_sent_when_its_lease_has_run_out(post: Post) -> None:
    """Not before; and the vanished one, should it come back, changes nothing."""
    async with receiver() as here:
        endpoint, _ = await post.register(here.url())
        await post.record()
        (held,) = await post.queue.claim("gone", post.clock.now(), post.clock.now() + LEASE, Room(10, 10))

        post.clock.pass_(LEASE - SECOND)
        before = await post.courier.send_due()
        post.clock.pass_(SECOND)
        after = await post.courier.send_due()
        kept = await post.queue.settle("gone", held.delivery, Verdict(DEAD, post.clock.now(), error="timeout"))

    assert (before, after, here.connections, kept) == (0, 1, 1, False)
    assert (await post.delivery(endpoint)).status is DELIVERED
    assert here.received[0].headers["webhook-id"] == held.event


SENDER = """
import asyncio, sys
from datetime import datetime, timedelta
from service.storage import open_migrated
from tests.clock import HeldClock
from tests.webhooks.conftest import Post
async def main():
    database = await open_migrated(sys.argv[1])
    await Post(database, clock=HeldClock(datetime.fromisoformat(sys.argv[2])), seconds=60).courier.send_due()
asyncio.run(main())
"""


async def test_a_sender_killed_between_sending_and_writing_it_down_sends_again_under_the_same_id(
    post: Post, url: str
) -> None:
    """A real process, killed while the receiver holds its answer back."""
    async with receiver(in_turn(hang, status(200))) as here:
        endpoint, _ = await post.register(here.url())
        await post.record()
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", SENDER, url, post.clock.now().isoformat())
        arrived, died = asyncio.ensure_future(here.has(1)), asyncio.ensure_future(process.wait())
        await asyncio.wait([arrived, died], return_when=asyncio.FIRST_COMPLETED)
        assert not died.done()
        process.kill()
        await process.wait()
        held = await post.delivery(endpoint)

        post.clock.pass_(LEASE)
        sent = await post.courier.send_due()

    assert (held.status, held.attempts, sent) == (PENDING, 1, 1)
    first, second = here.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert (await post.delivery(endpoint)).status is DELIVERED


async def test_a_stopped_sender_gives_back_what_it_could_not_finish(post: Post) -> None:
    """For the next one to send at once; the attempt that was cut off does not count."""
    async with receiver(in_turn(hang, status(200))) as here:
        endpoint, _ = await post.register(here.url())
        await post.record()
        async with post.courier.running():
            await here.has(1)
        left = await post.delivery(endpoint)
        await post.sender().send_due()

    assert (left.status, left.attempts, left.next_attempt_at) == (PENDING, 0, post.clock.now())
    assert (await post.delivery(endpoint)).status is DELIVERED


async def test_hanging_endpoints_hold_up_nobody_else(database: Database) -> None:
    """Three endpoints hang, with backlogs, before 8 slots: those that answer have all their events meanwhile."""
    post = Post(database, seconds=20.0)
    async with receiver() as healthy, receiver(hang) as hanging:
        for number in range(3):
            await post.register(hanging.url(), tenant=Tenant(f"slow{number}"))
            await post.register(healthy.url(), tenant=Tenant(f"fast{number}"))
        for number in range(3):
            for _ in range(5):
                await post.record(tenant=Tenant(f"slow{number}"))
                await post.record(tenant=Tenant(f"fast{number}"))
        async with post.sender(Lanes(total=8, each=2)).running():
            await healthy.has(15)
            still_hanging = hanging.open

    assert still_hanging == hanging.most_open == 6


async def test_a_sender_opens_no_more_connections_than_its_slots(database: Database) -> None:
    """However much is due to however many."""
    post = Post(database, seconds=0.5)
    async with receiver(hang) as hanging:
        for number in range(10):
            await post.register(hanging.url(), tenant=Tenant(f"t{number}"))
            await post.record(tenant=Tenant(f"t{number}"))
        async with post.sender(Lanes(total=4, each=2)).running():
            await hanging.has(10)

    assert hanging.most_open <= 4


def test_the_troubled_have_one_slot_each_and_half_of_all_together() -> None:
    """The other half stays with those that answer, however many are in trouble."""
    lanes, new = Lanes(total=8, each=4), EndpointId("whe_new")
    names = [EndpointId(f"whe_{number}") for number in range(20)]
    for name in names:
        lanes.enter(name)
        lanes.leave(name, answered=False)

    free = lanes.room()
    for name in names[:4]:
        lanes.enter(name)
    half = lanes.room()

    assert (free.most(new), free.most(names[0]), free.most(names[0], taken=4, of_troubled=4)) == (4, 1, 0)
    assert (free.most(new, taken=6), free.full()) == (2, frozenset())
    assert (half.most(new), half.full()) == (4, frozenset(names))


async def test_idle_troubled_endpoints_keep_no_slot_from_another_in_trouble(database: Database) -> None:
    """Five failed, two may be tried at once, and only the last has something due."""
    post = Post(database)
    courier = post.sender(Lanes(total=4, each=2))
    async with receiver(status(500)) as here:
        for number in range(5):
            endpoint, _ = await post.register(here.url(), tenant=Tenant(f"t{number}"))
            await post.record(tenant=Tenant(f"t{number}"))
        await courier.send_due()
        waiting = await post.delivery(endpoint)
        await post.webhooks.replay(endpoint.tenant, endpoint.id, waiting.id)

        assert await courier.send_due() == 1


def test_an_endpoint_that_answers_again_has_its_slots_back() -> None:
    """After one success."""
    lanes, name = Lanes(total=8, each=4), EndpointId("whe_1")
    for answered in (False, True):
        lanes.enter(name)
        lanes.leave(name, answered=answered)

    assert lanes.room().most(name) == 4


async def test_old_deliveries_are_forgotten_and_events_with_them(post: Post) -> None:
    """Delivered ones after a week, dead ones after a month; pending ones stay."""
    async with receiver(in_turn(status(200), status(410))) as here:
        endpoint, _ = await post.register(here.url())
        for _ in range(2):
            await post.record()
            await post.courier.send_due()
        kept = [len(await post.deliveries(endpoint))]
        for age in (KEEP_DELIVERED, KEEP_DEAD):
            now = post.clock.now() + age + SECOND
            await post.queue.forget(delivered_before=now - KEEP_DELIVERED, dead_before=now - KEEP_DEAD)
            kept.append(len(await post.deliveries(endpoint)))

    assert kept == [2, 1, 0]


async def test_nothing_is_written_for_a_tenant_without_an_endpoint(database: Database) -> None:
    """Nor for one whose endpoints are disabled or asked for other kinds."""
    post = Post(database)
    async with receiver() as here:
        await post.record()
        endpoint, _ = await post.register(here.url(), ("batch.completed",))
        await post.record()
        await post.webhooks.change(MINE, endpoint.id, EndpointChange(enabled=False))
        await post.record("batch.completed")
        rows = await database.read(
            lambda connection: connection.execute(sa.select(sa.func.count()).select_from(WEBHOOK_EVENTS)).scalar()
        )

    assert rows == 0


async def test_an_event_too_large_to_be_sent_is_refused_where_it_is_made(post: Post) -> None:
    """Standard Webhooks: less than 20 kB."""
    async with receiver() as here:
        await post.register(here.url())
        with pytest.raises(ValueError, match="at most"):
            await post.record(data={"id": "x" * 20_000})


async def test_a_batch_s_event_says_how_many_of_which(post: Post) -> None:
    """What the engine records when a batch has ended."""
    counts = {"total": 3, "graded": 2, "needs_review": 1, "ungraded": 0}
    async with receiver() as here:
        await post.register(here.url())
        await post.record(
            "batch.completed", {"id": "bat_1", "object": "batch", "status": "completed", "counts": counts}
        )
        await post.courier.send_due()

    assert json.loads(here.received[0].body)["data"]["counts"] == counts
