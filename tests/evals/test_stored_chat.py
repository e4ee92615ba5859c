"""The backend that looks into the store first."""

from __future__ import annotations

import asyncio

import pytest

from evals.replies import ModelCard, ReplyStore
from evals.stored_chat import NotRecorded, StoredChat
from service.grading.errors import InputTooLong, ModelError, ModelUnavailable, ReplyInvalid
from service.grading.models import CallBudget, ChatReply, ChatRequest, Message, Tokens
from service.llm.backend import ChatBackend
from service.llm.retry import ResilientChat, RetryPolicy
from service.llm.scripted import CAPABLE, RepliesInOrder

pytestmark = pytest.mark.anyio

CARD = ModelCard(name="m", identity="m", capabilities=CAPABLE)
REQUEST = ChatRequest("judge", (Message("user", "u"),), max_tokens=5, seed=2)
YES, NO = ChatReply("yes", tokens=Tokens(7, 1)), ChatReply("no")
AT_ONCE = RetryPolicy(base_wait=0.0)


def model(*replies: ChatReply | ModelError) -> RepliesInOrder:
    """A model with prepared replies."""
    return RepliesInOrder(replies)


def chat(store: ReplyStore, backend: ChatBackend | None = None, repeat: int = 0) -> StoredChat:
    """The chat of one grade."""
    return StoredChat(store, CARD, repeat, backend)


async def test_a_call_is_made_once_and_replayed_ever_after() -> None:
    """The replayed call says what the real one took."""
    store, backend = ReplyStore(), model(YES, NO)
    first, second = chat(store, backend), chat(store, backend)

    replies = [await first.complete(REQUEST, 1), await second.complete(REQUEST, 1)]

    assert replies == [YES, YES]
    assert len(backend.requests) == 1
    assert (len(first.live), len(first.replayed)) == (1, 0)
    assert (len(second.live), len(second.replayed)) == (0, 1)
    assert second.replayed[0].tokens == Tokens(7, 1)


async def test_without_a_model_a_miss_says_so_and_is_noted() -> None:
    """Nothing is invented."""
    lonely = chat(ReplyStore())

    with pytest.raises(NotRecorded):
        await lonely.complete(REQUEST, 1)

    assert len(lonely.missing) == 1


async def test_a_repeat_is_a_fresh_throw_with_a_seed_of_its_own() -> None:
    """A provider that honours seeds would otherwise give the same sample again."""
    store, backend = ReplyStore(), model(YES, NO)

    replies = [await chat(store, backend, repeat).complete(REQUEST, 1) for repeat in (0, 1, 0, 1)]

    assert replies == [YES, NO, YES, NO]
    assert [request.seed for request in backend.requests] == [2, 1002]


async def test_a_reply_that_cannot_be_used_is_not_replayed_within_the_same_grade() -> None:
    """The retry of a call is a call of its own, on the first run and on every replay."""
    store = ReplyStore()

    def read(reply: ChatReply) -> str:
        if reply.text == "no":
            raise ReplyInvalid("say yes")
        return reply.text

    live = ResilientChat(chat(store, model(NO, YES)), AT_ONCE)
    replay = ResilientChat(chat(store), AT_ONCE)

    assert [await c.ask(REQUEST, read, CallBudget()) for c in (live, replay)] == ["yes", "yes"]


async def test_a_call_that_failed_leaves_no_gap_in_the_record() -> None:
    """What came after the failure is found where the replay looks first."""
    store = ReplyStore()
    live = chat(store, model(ModelUnavailable("down"), YES))

    recovered = await ResilientChat(live, AT_ONCE).ask(REQUEST, lambda r: r.text, CallBudget())
    replayed = await chat(store).complete(REQUEST, 1)

    assert (recovered, replayed) == ("yes", YES)
    assert len(live.live) == 2


async def test_a_refusal_for_good_is_replayed_as_one() -> None:
    """Asking again would not change it."""
    store = ReplyStore()
    with pytest.raises(InputTooLong):
        await chat(store, model(InputTooLong("too long for m"))).complete(REQUEST, 1)

    with pytest.raises(InputTooLong, match="too long for m"):
        await chat(store).complete(REQUEST, 1)


async def test_equal_requests_in_flight_share_one_call() -> None:
    """Two prompts that say the same of a row cost one call."""
    store, backend = ReplyStore(), model(YES, NO)

    replies = await asyncio.gather(*(chat(store, backend).complete(REQUEST, 1) for _ in range(3)))

    assert replies == [YES, YES, YES]
    assert len(backend.requests) == 1
