"""Claims on Idempotency-Keys, on both databases."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from service.idempotency import KEPT, LEASE, Idempotency, OtherRequest, StillRunning
from service.keyed_requests import KeptAnswer, KeyClaim, KeyedRequest
from service.records import Tenant
from service.storage import Database, SqlIdempotencyStore
from tests.clock import HeldClock

pytestmark = pytest.mark.anyio
ASKED = KeyedRequest(Tenant("mine"), "k-1", "a" * 64)
ANSWER = KeptAnswer(201, (("content-type", "application/json"),), b'{"\xc3\xa9": "\x00"}', "/v1/batches/bat_1")


@pytest.fixture
def clock() -> HeldClock:
    """A clock that stands still."""
    return HeldClock()


@pytest.fixture
def idempotency(database: Database, clock: HeldClock) -> Idempotency:
    """What the service does with keys."""
    return Idempotency(SqlIdempotencyStore(database), clock)


async def claimed(idempotency: Idempotency, request: KeyedRequest = ASKED) -> KeyClaim:
    """A claim that was granted."""
    claim = await idempotency.claim(request)
    assert isinstance(claim, KeyClaim)
    return claim


async def test_of_many_copies_at_once_one_gets_the_key(idempotency: Idempotency) -> None:
    """The others are told that it runs."""
    results = await asyncio.gather(*(idempotency.claim(ASKED) for _ in range(20)), return_exceptions=True)

    assert sum(isinstance(result, KeyClaim) for result in results) == 1
    assert sum(isinstance(result, StillRunning) for result in results) == 19


async def test_a_kept_answer_is_given_back_byte_for_byte(idempotency: Idempotency) -> None:
    """Again and again."""
    await idempotency.keep(await claimed(idempotency), ANSWER)

    assert [await idempotency.claim(ASKED) for _ in range(3)] == [ANSWER] * 3


async def test_another_request_under_the_key_is_told_so(idempotency: Idempotency) -> None:
    """While the first runs, and after."""
    other = replace(ASKED, fingerprint="b" * 64)
    claim = await claimed(idempotency)

    with pytest.raises(OtherRequest):
        await idempotency.claim(other)
    await idempotency.keep(claim, ANSWER)
    with pytest.raises(OtherRequest):
        await idempotency.claim(other)


async def test_another_tenant_s_key_of_the_same_name_is_another_key(idempotency: Idempotency) -> None:
    """Independent in every way."""
    await idempotency.keep(await claimed(idempotency), ANSWER)

    assert (await claimed(idempotency, replace(ASKED, tenant=Tenant("yours")))).resumed is False


async def test_a_key_is_free_again_after_24_hours(idempotency: Idempotency, clock: HeldClock) -> None:
    """Not a second before."""
    first = await claimed(idempotency)
    await idempotency.keep(first, ANSWER)

    clock.pass_(KEPT.total_seconds() - 1)
    before = await idempotency.claim(ASKED)
    clock.pass_(1)
    after = await claimed(idempotency)

    assert before == ANSWER
    assert (after.resumed, after.effect != first.effect) == (False, True)


async def test_a_forgotten_key_starts_afresh(idempotency: Idempotency) -> None:
    """With another effect."""
    first = await claimed(idempotency)
    await idempotency.forget(first)

    again = await claimed(idempotency)

    assert (again.resumed, again.effect != first.effect) == (False, True)


async def test_after_a_crash_the_next_goes_on_with_the_same_effect(idempotency: Idempotency, clock: HeldClock) -> None:
    """Once the lease has ended; the one that was thought dead can no longer keep anything."""
    first = await claimed(idempotency)

    clock.pass_(LEASE.total_seconds() - 1)
    with pytest.raises(StillRunning):
        await idempotency.claim(ASKED)
    clock.pass_(1)
    second = await claimed(idempotency)
    await idempotency.keep(first, ANSWER)

    assert (second.resumed, second.effect) == (True, first.effect)
    with pytest.raises(StillRunning):
        await idempotency.claim(ASKED)


async def test_a_renewed_lease_holds(idempotency: Idempotency, clock: HeldClock) -> None:
    """However long the request takes."""
    claim = await claimed(idempotency)
    clock.pass_(LEASE.total_seconds() - 1)
    await idempotency.store.lease(claim, clock.now() + LEASE)

    clock.pass_(LEASE.total_seconds() - 1)

    with pytest.raises(StillRunning):
        await idempotency.claim(ASKED)


async def test_a_claim_handed_back_is_resumed_at_once(idempotency: Idempotency) -> None:
    """It is not known how far it came, so the effect stays."""
    first = await claimed(idempotency)
    await idempotency.hand_back(first)

    second = await claimed(idempotency)

    assert (second.resumed, second.effect) == (True, first.effect)
