"""Limits of tenants and what is spent, on both databases."""

from __future__ import annotations

import asyncio

import pytest

from service.allowances import Allowance
from service.grading.errors import ModelMisconfigured, SpendingLimitReached
from service.grading.models import CallBudget, ChatReply, ChatRequest, Message, Tokens
from service.limiting import REMEMBERED_SECONDS, Limiting
from service.llm.retry import ResilientChat
from service.llm.scripted import RepliesInOrder
from service.ports import StoreUnavailable
from service.records import Tenant
from service.spending import Spending
from service.storage import Database, SqlAllowanceStore, open_migrated
from tests.clock import HeldClock

pytestmark = pytest.mark.anyio
MINE, YOURS = Tenant("mine"), Tenant("yours")
DAY = 24 * 3_600
NONE = Tokens()


@pytest.fixture
def clock() -> HeldClock:
    """A clock that stands still at noon."""
    return HeldClock()


class Failing(SqlAllowanceStore):
    """A store that cannot be written while it is told so."""

    fails = False

    async def spend(self, tenant: Tenant, day: int, usd: float) -> None:
        """Add to what was spent, or fail."""
        if self.fails:
            raise StoreUnavailable("down")
        await super().spend(tenant, day, usd)


@pytest.fixture
def limiting(database: Database, clock: HeldClock) -> Limiting:
    """The limits as one process sees them."""
    return Limiting(SqlAllowanceStore(database), clock, requests_per_minute=1_000)


def spending(limiting: Limiting, usd_per_day: float | None = None, *, priced: bool = True) -> Spending:
    """The purses."""
    return Spending(limiting, usd_per_day, priced)


async def test_what_was_set_is_what_holds(limiting: Limiting) -> None:
    """Nothing, some, and changed again; each tenant its own."""
    store, some = limiting.store, Allowance(10, None, 0.25)
    before = await store.allowance(MINE)
    await store.allow(MINE, Allowance(1, 2, 3.0))
    await store.allow(MINE, some)

    assert (before, await store.allowance(MINE), await store.allowance(YOURS)) == (Allowance(), some, Allowance())


async def test_a_changed_limit_is_noticed_in_other_processes_within_five_seconds(
    limiting: Limiting, clock: HeldClock
) -> None:
    """Until then the old one holds."""
    await limiting.allowance(MINE)
    await limiting.store.allow(MINE, Allowance(7))
    at_once = await limiting.allowance(MINE)
    clock.pass_(REMEMBERED_SECONDS)

    assert REMEMBERED_SECONDS < 5
    assert (at_once, await limiting.allowance(MINE)) == (Allowance(), Allowance(7))


async def test_requests_beyond_the_limit_do_not_fit_and_others_are_not_touched(limiting: Limiting) -> None:
    """The counts tell how far one is."""
    await limiting.store.allow(MINE, Allowance(requests_per_minute=5))

    fits = [await limiting.admit(MINE) for _ in range(50)]
    others = [await limiting.admit(YOURS) for _ in range(50)]

    assert 5 <= sum(fit for fit, _ in fits) <= 6
    assert all(fit for fit, _ in others)
    assert [quotas[0].remaining for _, quotas in fits[:3]] == [4, 3, 2]
    assert fits[-1][1][0].remaining == 0
    assert 0 < fits[-1][1][0].resets_in <= 60


async def test_tokens_used_are_counted_after_the_call(limiting: Limiting) -> None:
    """They may go over by what was under way, and are shown."""
    await limiting.store.allow(MINE, Allowance(tokens_per_minute=1_000))
    await limiting.used(MINE, 400)
    _, before = await limiting.admit(MINE)
    await limiting.used(MINE, 5_000)
    _, after = await limiting.admit(MINE)

    assert [quota.unit for quota in before] == ["requests", "tokens"]
    assert (before[1].remaining, after[1].remaining) == (600, 0)


async def test_money_is_counted_by_tenant_and_day_over_all_processes(limiting: Limiting, clock: HeldClock) -> None:
    """No cent is lost among many at once; a new day is a new purse."""
    await limiting.store.allow(MINE, Allowance(usd_per_day=1.0))
    two = [spending(limiting), spending(Limiting(limiting.store, clock, 1_000))]

    for _ in range(11):
        await asyncio.gather(*(two[n % 2].paid(MINE, NONE, 0.01) for n in range(9)))
    await two[0].check(MINE)
    await two[1].paid(MINE, NONE, 0.01)

    for process in two:
        with pytest.raises(SpendingLimitReached) as reached:
            await process.check(MINE)
        assert reached.value.retry_after == DAY / 2
    await two[0].check(YOURS)
    clock.pass_(DAY / 2)
    await two[0].check(MINE)


async def test_what_could_not_be_stored_is_stored_before_anything_else_is_spent(url: str, clock: HeldClock) -> None:
    """The store fails after the call; the price is not forgotten."""
    database = await open_migrated(url)
    failing = Failing(database)
    limiting = Limiting(failing, clock, 1_000)
    await failing.allow(MINE, Allowance(usd_per_day=1.0))
    failing.fails = True
    purses = spending(limiting)
    await purses.paid(MINE, NONE, 1.0)
    failing.fails = False

    with pytest.raises(SpendingLimitReached):
        await purses.check(MINE)
    await database.close()


async def test_all_tenants_together_have_a_limit_too(limiting: Limiting) -> None:
    """It holds for a tenant that spent nothing."""
    purses = spending(limiting, usd_per_day=0.02)
    await purses.paid(MINE, NONE, 0.02)

    with pytest.raises(SpendingLimitReached):
        await purses.check(YOURS)


async def test_without_a_known_price_no_call_is_made_under_a_limit(limiting: Limiting) -> None:
    """It could not be kept; without a limit the price does not matter."""
    purses = spending(limiting, priced=False)
    await purses.check(YOURS)
    await limiting.store.allow(MINE, Allowance(usd_per_day=1.0))

    with pytest.raises(ModelMisconfigured):
        await purses.check(MINE)


async def test_a_limit_is_overspent_by_at_most_one_call_for_each_made_at_once(limiting: Limiting) -> None:
    """Twenty grades of many calls at once, a limit of ten calls' price."""
    at_once, price, limit = 20, 0.125, 10
    await limiting.store.allow(MINE, Allowance(usd_per_day=limit * price))

    class Priced(RepliesInOrder):
        def cost_usd(self, tokens: Tokens) -> float | None:
            return price

    model = Priced([ChatReply("hello")] * 1_000)
    chat, purses = ResilientChat(model), spending(limiting)
    request = ChatRequest("judge", (Message("user", "?"),), max_tokens=10)

    async def grade() -> None:
        for _ in range(20):
            await chat.ask(request, lambda reply: reply.text, CallBudget(purse=purses.purse(MINE)))

    ended = await asyncio.gather(*(grade() for _ in range(at_once)), return_exceptions=True)

    assert all(isinstance(error, SpendingLimitReached) for error in ended)
    assert limit <= len(model.requests) <= limit + at_once
