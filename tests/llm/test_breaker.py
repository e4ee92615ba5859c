"""When calls to a model fail at once, and when they are let through again."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.grading.errors import (
    ModelError,
    ModelRateLimited,
    ModelRefused,
    ModelTimeout,
    ModelUnavailable,
    SpendingLimitReached,
)
from service.grading.models import CallBudget, ChatReply, ChatRequest, Message, Tokens
from service.llm.breaker import FAILURES, LASTING, PROBE_SECONDS, RETRY_AFTER, Breaker, ModelResting, Passage
from service.llm.retry import ATTEMPTS, ResilientChat, RetryPolicy
from service.llm.scripted import RepliesInOrder
from tests.clock import HeldClock

pytestmark = pytest.mark.anyio
CALL = 20.0
PATIENCE = 15.0
REQUEST = ChatRequest("judge", (Message("user", "?"),), max_tokens=10)


@pytest.fixture
def clock() -> HeldClock:
    """A clock that stands still."""
    return HeldClock()


@pytest.fixture
def breaker(clock: HeldClock) -> Breaker:
    """A closed breaker."""
    return Breaker("m", clock.monotonic, PATIENCE)


def fail(breaker: Breaker, times: int = FAILURES, error: ModelError | None = None, seconds: float = CALL) -> None:
    """Calls that fail one after the other."""
    for _ in range(times):
        breaker.leave(breaker.enter(), error or ModelUnavailable("down"), seconds)


def go_down(breaker: Breaker, clock: HeldClock) -> None:
    """Fail for as long as it takes."""
    fail(breaker, FAILURES - 1)
    clock.pass_(LASTING)
    fail(breaker, 1)


def rests(breaker: Breaker) -> bool:
    """Whether a call fails at once."""
    try:
        breaker.abandon(breaker.enter())
    except ModelResting:
        return True
    return False


def test_it_opens_after_failures_in_a_row_only(breaker: Breaker, clock: HeldClock) -> None:
    """One answer among them and it starts to count anew."""
    fail(breaker, FAILURES - 1)
    clock.pass_(LASTING)
    breaker.leave(breaker.enter(), None, CALL)
    fail(breaker, FAILURES - 1)
    clock.pass_(LASTING)
    before = rests(breaker)
    fail(breaker, 1)

    assert not before
    assert rests(breaker)


def test_a_moment_of_failures_opens_nothing(breaker: Breaker, clock: HeldClock) -> None:
    """A grade asks many things at once, and all fail together."""
    fail(breaker, 100 * FAILURES)
    clock.pass_(LASTING - 1)
    fail(breaker, FAILURES)

    assert not rests(breaker)


@given(st.lists(st.booleans(), min_size=100, max_size=100))
def test_a_provider_of_which_every_third_call_answers_is_never_left_alone(failing: list[bool]) -> None:
    """However its failures fall, at a call a second."""
    clock = HeldClock()
    breaker = Breaker("m", clock.monotonic, PATIENCE)
    for number, fails in enumerate(failing):
        clock.pass_(1)
        breaker.leave(breaker.enter(), ModelUnavailable("down") if fails and number % 3 else None, CALL)

    assert not breaker.is_open


@pytest.mark.parametrize("error", [ModelRateLimited("slow down"), ModelRefused("no")], ids=["429", "refusal"])
def test_an_answer_of_any_kind_is_an_answer(breaker: Breaker, clock: HeldClock, error: ModelError) -> None:
    """Somebody is there."""
    fail(breaker, 10 * FAILURES, error)
    clock.pass_(LASTING)
    fail(breaker, FAILURES, error)

    assert not rests(breaker)


def test_a_call_cut_short_by_its_grade_says_nothing(breaker: Breaker, clock: HeldClock) -> None:
    """Only time-outs of calls that were given long count."""
    fail(breaker, 10 * FAILURES, ModelTimeout("short"), seconds=1.0)
    clock.pass_(LASTING)
    fail(breaker, FAILURES, ModelTimeout("short"), seconds=1.0)
    before = rests(breaker)
    fail(breaker, FAILURES, ModelTimeout("long"))
    clock.pass_(LASTING)
    fail(breaker, 1, ModelTimeout("long"))

    assert not before
    assert rests(breaker)


def test_a_provider_that_hangs_is_noticed_within_twenty_seconds(breaker: Breaker, clock: HeldClock) -> None:
    """Before the first call times out; the calls that wait go on waiting."""
    for _ in range(FAILURES):
        breaker.enter()

    clock.pass_(PATIENCE - 1)
    before = rests(breaker)
    clock.pass_(1)

    assert not before
    assert rests(breaker)
    assert clock.monotonic() <= 20


def test_a_slow_provider_that_answers_is_not_taken_for_a_dead_one(breaker: Breaker, clock: HeldClock) -> None:
    """Calls of 18 seconds, one ending each second."""
    waiting = [breaker.enter()]
    for _ in range(120):
        clock.pass_(1)
        waiting.append(breaker.enter())
        if len(waiting) > 18:
            breaker.leave(waiting.pop(0), None, CALL)

    assert not rests(breaker)


def test_while_open_one_call_a_second_tries(breaker: Breaker, clock: HeldClock) -> None:
    """However many come, and however long the one before takes."""
    go_down(breaker, clock)
    let_through: list[Passage] = []
    for _ in range(100):
        clock.pass_(0.1)
        try:
            let_through.append(breaker.enter())
        except ModelResting:
            continue

    assert len(let_through) <= 10 / PROBE_SECONDS
    assert len(let_through) >= 9


def test_the_first_answer_closes_it(breaker: Breaker, clock: HeldClock) -> None:
    """And at once."""
    go_down(breaker, clock)
    clock.pass_(PROBE_SECONDS)
    breaker.leave(breaker.enter(), None, CALL)

    assert not rests(breaker)
    assert not rests(breaker)


async def test_a_resting_model_is_not_waited_for_nor_asked(breaker: Breaker, clock: HeldClock) -> None:
    """No second attempt, no record of a call, nothing to pay."""
    go_down(breaker, clock)
    model = RepliesInOrder([ChatReply("hello")])
    budget = CallBudget()
    chat = ResilientChat(model, RetryPolicy(base_wait=0.0), breaker=breaker)

    with pytest.raises(ModelResting) as refused:
        await chat.ask(REQUEST, lambda reply: reply.text, budget)

    assert (refused.value.code, refused.value.retry_after) == ("model_unavailable", RETRY_AFTER)
    assert (model.requests, budget.records) == ([], [])


async def test_a_dead_model_opens_the_breaker_and_a_living_one_closes_it(breaker: Breaker, clock: HeldClock) -> None:
    """Through the retry layer."""
    down = [ModelUnavailable("down")] * FAILURES
    model = RepliesInOrder([*down, ChatReply("hello")])
    chat = ResilientChat(model, RetryPolicy(base_wait=0.0), breaker=breaker)

    for _ in range(FAILURES // ATTEMPTS + 1):
        with pytest.raises(ModelUnavailable):
            await chat.ask(REQUEST, lambda reply: reply.text, CallBudget())
        clock.pass_(LASTING)
    opened = breaker.is_open
    clock.pass_(PROBE_SECONDS)
    text = await chat.ask(REQUEST, lambda reply: reply.text, CallBudget())

    assert (opened, breaker.is_open, text) == (True, False, "hello")
    assert len(model.requests) == len(down) + 1


async def test_a_cancelled_call_says_nothing(breaker: Breaker, clock: HeldClock) -> None:
    """It is not waited for in vain, either."""

    class Hanging(RepliesInOrder):
        all_begun = asyncio.Event()

        async def complete(self, request: ChatRequest, seconds: float) -> ChatReply:
            self.requests.append(request)
            if len(self.requests) == FAILURES:
                self.all_begun.set()
            await asyncio.Event().wait()
            raise AssertionError

    model = Hanging([])
    chat = ResilientChat(model, breaker=breaker)
    calls = [asyncio.create_task(chat.ask(REQUEST, lambda reply: reply.text, CallBudget())) for _ in range(FAILURES)]
    await model.all_begun.wait()

    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    clock.pass_(PATIENCE)

    assert not rests(breaker)


async def test_an_empty_purse_stops_before_the_call_and_a_call_is_paid_after_it() -> None:
    """Failed ones, too: they may have cost something."""

    class Two:
        """Pays for two calls."""

        def __init__(self) -> None:
            self.paid = 0

        async def open(self) -> None:
            if self.paid == 2:
                raise SpendingLimitReached("empty", retry_after=60.0)

        async def pay(self, tokens: Tokens, cost_usd: float | None) -> None:
            self.paid += 1

    model = RepliesInOrder([ModelUnavailable("down"), ChatReply("hello"), ChatReply("hello")])
    chat, purse = ResilientChat(model, RetryPolicy(base_wait=0.0)), Two()
    first = await chat.ask(REQUEST, lambda reply: reply.text, CallBudget(purse=purse))

    with pytest.raises(SpendingLimitReached):
        await chat.ask(REQUEST, lambda reply: reply.text, CallBudget(purse=purse))

    assert (first, purse.paid, len(model.requests)) == ("hello", 2, 2)
