"""The one retry layer."""

from __future__ import annotations

import asyncio

import pytest

from service.grading.errors import (
    ModelError,
    ModelMisconfigured,
    ModelRateLimited,
    ModelRefused,
    ModelTimeout,
    ModelUnavailable,
    MustStayHere,
    ReplyInvalid,
)
from service.grading.models import CallBudget, ChatReply, ChatRequest, Message, Place, Tokens
from service.llm.retry import ATTEMPTS, ResilientChat, RetryPolicy
from service.llm.scripted import RepliesInOrder

pytestmark = pytest.mark.anyio
REQUEST = ChatRequest("judge", (Message("user", "?"),), 10, repair=lambda problem: f"Mend: {problem}")
GOOD = ChatReply("good", tokens=Tokens(10, 2, 5), reported="m-1")
AT_ONCE = RetryPolicy(base_wait=0.0)


def read_good(reply: ChatReply) -> str:
    """Only "good" is usable."""
    if reply.text != "good":
        raise ReplyInvalid("it was not good")
    return reply.text


class Hanging(RepliesInOrder):
    """A model that never answers."""

    async def complete(self, request: ChatRequest, seconds: float) -> ChatReply:
        """Wait for ever."""
        await asyncio.Event().wait()
        raise AssertionError


async def ask(
    *replies: ChatReply | ModelError, policy: RetryPolicy = AT_ONCE, budget: CallBudget | None = None
) -> tuple[str | ModelError, RepliesInOrder, CallBudget]:
    """What comes of asking a model with prepared replies."""
    model, budget = RepliesInOrder(replies), budget or CallBudget()
    try:
        return await ResilientChat(model, policy).ask(REQUEST, read_good, budget), model, budget
    except ModelError as error:
        return error, model, budget


@pytest.mark.parametrize(
    "failure",
    [ModelUnavailable("503"), ModelTimeout("slow"), ModelRateLimited("429", retry_after=0.0), ChatReply("bad")],
    ids=["unavailable", "time-out", "rate limit", "unreadable"],
)
async def test_passing_failures_are_asked_again(failure: ChatReply | ModelError) -> None:
    """Twice failed, then good."""
    result, model, _ = await ask(failure, failure, GOOD)

    assert result == "good"
    assert len(model.requests) == 3


@pytest.mark.parametrize("failure", [ModelRefused("no"), ModelMisconfigured("401")], ids=["refusal", "configuration"])
async def test_what_cannot_get_better_is_not_asked_again(failure: ModelError) -> None:
    """One call."""
    result, model, _ = await ask(failure, GOOD)

    assert result is failure
    assert len(model.requests) == 1


async def test_repairs_count_as_attempts_and_tell_the_model_what_was_wrong() -> None:
    """One failure and two unreadable replies make three."""
    result, model, _ = await ask(ModelUnavailable("503"), ChatReply("bad"), ChatReply("worse"), GOOD)

    assert isinstance(result, ReplyInvalid)
    assert len(model.requests) == ATTEMPTS == 3
    assert [message.content for message in model.requests[2].messages] == ["?", "bad", "Mend: it was not good"]


async def test_every_call_is_recorded_with_its_outcome_and_tokens() -> None:
    """Failed and unreadable ones too."""
    _, _, budget = await ask(ModelUnavailable("503"), ChatReply("bad", tokens=Tokens(7, 1)), GOOD)

    assert [(r.outcome, r.tokens.input, r.cost_usd) for r in budget.records] == [
        ("model_unavailable", 0, 0.0),
        ("model_reply_invalid", 7, 0.0),
        ("ok", 10, 0.0),
    ]
    assert budget.records[-1].raw == "good"


async def test_a_wait_longer_than_allowed_ends_the_attempts_and_is_passed_on() -> None:
    """Retry-After of an hour is the caller's business."""
    result, model, _ = await ask(ModelRateLimited("429", retry_after=3_600.0), GOOD)

    assert isinstance(result, ModelRateLimited)
    assert result.retry_after == 3_600.0
    assert len(model.requests) == 1


async def test_no_wait_goes_past_the_deadline() -> None:
    """Two seconds to wait, one left."""
    budget = CallBudget(deadline=asyncio.get_running_loop().time() + 1)

    result, model, _ = await ask(ModelRateLimited("429", retry_after=2.0), GOOD, budget=budget)

    assert isinstance(result, ModelRateLimited)
    assert len(model.requests) == 1


async def test_a_hanging_call_is_given_up_and_recorded() -> None:
    """Within the time of one call."""
    budget = CallBudget()
    chat = ResilientChat(Hanging([]), RetryPolicy(call_seconds=0.01, base_wait=0.0))

    with pytest.raises(ModelTimeout):
        await chat.ask(REQUEST, read_good, budget)

    assert [record.outcome for record in budget.records] == ["model_timeout"] * 3
    assert not chat.healthy


async def test_a_spent_deadline_makes_no_call() -> None:
    """Time is up before the first one."""
    budget = CallBudget(deadline=asyncio.get_running_loop().time() - 1)

    result, model, _ = await ask(GOOD, budget=budget)

    assert isinstance(result, ModelTimeout)
    assert model.requests == []


async def test_calls_at_the_same_time_are_bounded() -> None:
    """Ten asked, never more than two under way."""

    class Counting(RepliesInOrder):
        now = most = 0

        async def complete(self, request: ChatRequest, seconds: float) -> ChatReply:
            self.now += 1
            self.most = max(self.most, self.now)
            await asyncio.sleep(0)
            self.now -= 1
            return GOOD

    model = Counting([])
    chat = ResilientChat(model, RetryPolicy(concurrency=2))

    await asyncio.gather(*(chat.ask(REQUEST, read_good, CallBudget()) for _ in range(10)))

    assert model.most == 2


async def test_a_text_that_must_stay_here_reaches_no_model_elsewhere() -> None:
    """Whatever checked before: the call itself is refused, is not tried again and is not counted."""

    class Elsewhere(RepliesInOrder):
        async def place(self) -> Place:
            return Place(local=False)

    model, budget = Elsewhere([ChatReply("x")]), CallBudget(local_only=True)

    with pytest.raises(MustStayHere):
        await ResilientChat(model).ask(ChatRequest("judge", (Message("user", "u"),), 5), lambda reply: reply, budget)

    assert model.requests == []
    assert budget.records == []


async def test_a_429_pauses_the_model_for_everybody_and_holds_no_slot() -> None:
    """While one waits out its Retry-After nobody else asks, and whoever has no time for it is told at once."""
    asked = asyncio.Event()

    class Telling(RepliesInOrder):
        async def complete(self, request: ChatRequest, seconds: float) -> ChatReply:
            asked.set()
            return await super().complete(request, seconds)

    model = Telling([ModelRateLimited("429", retry_after=0.05), GOOD])
    chat = ResilientChat(model, RetryPolicy(base_wait=0.0, concurrency=1))

    first = asyncio.create_task(chat.ask(REQUEST, read_good, CallBudget()))
    await asked.wait()
    hurried = CallBudget(deadline=asyncio.get_running_loop().time() + 0.001)
    with pytest.raises(ModelRateLimited) as told:
        await chat.ask(REQUEST, read_good, hurried)
    second = await chat.ask(REQUEST, read_good, CallBudget())

    assert (await first, second) == ("good", "good")
    assert told.value.retry_after is not None
    assert hurried.records == []
    assert len(model.requests) == 3


async def test_a_longer_pause_is_not_shortened_and_a_long_one_is_not_waited_for() -> None:
    """Another's shorter Retry-After changes nothing; the caller hears how long."""
    model = RepliesInOrder([ModelRateLimited("429", retry_after=3_600.0), GOOD])
    chat = ResilientChat(model, AT_ONCE)

    with pytest.raises(ModelRateLimited):
        await chat.ask(REQUEST, read_good, CallBudget())
    chat.pause.extend(1.0)
    with pytest.raises(ModelRateLimited) as told:
        await chat.ask(REQUEST, read_good, CallBudget())

    assert told.value.retry_after == pytest.approx(3_600, abs=60)
    assert len(model.requests) == 1
