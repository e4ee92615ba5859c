"""The model-call store."""

from __future__ import annotations

import gzip
import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.errors import CouldNotRun
from evals.replies import (
    ModelCard,
    ReplyStore,
    StoredReply,
    key_of,
    read_recorded,
    recorded_for,
    recorded_path,
    write_recorded,
)
from service.grading.models import Capabilities, ChatReply, ChatRequest, Message, Tokens

REQUEST = ChatRequest("judge", (Message("system", "s"), Message("user", "u")), max_tokens=1, top_logprobs=20, seed=1)
CARD = ModelCard(name="m", identity="m:1", capabilities=Capabilities(json_schema=True, top_logprobs=20))
TEXT = st.text(st.characters(codec="utf-8"))
STORED = StoredReply(
    reply=ChatReply("4", first_token=(("4", -0.1), ("3", -2.4)), tokens=Tokens(9, 1, 3), reported="m-2026"),
    seconds=0.25,
    cost_usd=0.001,
)


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(replace(REQUEST, messages=(Message("system", "s"), Message("user", "u."))), id="text"),
        pytest.param(replace(REQUEST, messages=(Message("user", "s"), Message("user", "u"))), id="role"),
        pytest.param(replace(REQUEST, max_tokens=2), id="max tokens"),
        pytest.param(replace(REQUEST, temperature=0.1), id="temperature"),
        pytest.param(replace(REQUEST, schema={"type": "object"}), id="schema"),
        pytest.param(replace(REQUEST, top_logprobs=0), id="log-probabilities"),
        pytest.param(replace(REQUEST, seed=2), id="seed"),
    ],
)
def test_whatever_reaches_the_model_changes_the_key(changed: ChatRequest) -> None:
    """A changed prompt, rubric or parameter misses by construction."""
    assert key_of("m", changed, 0, 0) != key_of("m", REQUEST, 0, 0)


def test_model_repeat_and_retry_change_the_key_and_what_the_model_never_sees_does_not() -> None:
    """A cache family is no part of the question."""
    cases = [("m", 0, 0), ("n", 0, 0), ("m", 1, 0), ("m", 0, 1)]

    assert len({key_of(model, REQUEST, repeat, asked) for model, repeat, asked in cases}) == 4
    assert key_of("m", replace(REQUEST, purpose="coach", family="other"), 0, 0) == key_of("m", REQUEST, 0, 0)


def test_a_reply_outlives_the_process_in_the_cache(tmp_path: Path) -> None:
    """Log-probabilities and all."""
    store = ReplyStore(cache=tmp_path / "new" / "cache.sqlite")
    store.put("k", STORED)
    store.close()

    assert ReplyStore(cache=tmp_path / "new" / "cache.sqlite").get("k") == STORED
    assert ReplyStore().get("k") is None


def test_a_recorded_file_is_read_below_the_cache(tmp_path: Path) -> None:
    """With the model's card, so that nothing has to be opened."""
    path = recorded_path("smoke", "openai/gpt-4o", tmp_path)
    write_recorded(path, CARD, {"k": STORED})

    store = ReplyStore(recorded_for("openai/gpt-4o", tmp_path), tmp_path / "cache.sqlite")

    assert path.name == "smoke-openai-gpt-4o.jsonl.gz"
    assert store.get("k") == STORED
    assert store.card("m:1") == CARD
    assert store.used == {"k": STORED}


def test_the_same_replies_give_the_same_bytes(tmp_path: Path) -> None:
    """Whatever order they came in, so that recording again shows no change where there is none."""
    other = STORED.model_copy(update={"seconds": 9.0})

    write_recorded(tmp_path / "1", CARD, {"a": STORED, "b": other})
    write_recorded(tmp_path / "2", CARD, {"b": other, "a": STORED})

    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


@given(TEXT, st.lists(st.tuples(TEXT, st.floats(max_value=0, allow_nan=False))))
def test_any_reply_survives_being_recorded(
    tmp_path_factory: pytest.TempPathFactory, text: str, first: list[tuple[str, float]]
) -> None:
    """Line separators of every alphabet included."""
    path = tmp_path_factory.mktemp("recorded") / "x.jsonl.gz"
    stored = StoredReply(reply=ChatReply(text, first_token=tuple(first)), seconds=0.0, cost_usd=None)

    write_recorded(path, CARD, {"k": stored})

    assert read_recorded(path) == (CARD, {"k": stored})


@pytest.mark.parametrize(
    "content",
    [b"", b"no gzip", gzip.compress(b""), gzip.compress(b'{"format": 2}\n')],
    ids=["nothing", "no gzip", "empty gzip", "another format"],
)
def test_a_damaged_record_is_named_with_the_way_out(tmp_path: Path, content: bytes) -> None:
    """Cut off, of another format, or no such file at all."""
    path = tmp_path / "smoke-m.jsonl.gz"
    path.write_bytes(content)

    with pytest.raises(CouldNotRun, match=r"smoke-m\.jsonl\.gz is damaged.*make eval-record"):
        read_recorded(path)


def test_a_damaged_cache_is_named_with_the_way_out(tmp_path: Path) -> None:
    """It can be deleted without loss."""
    path = tmp_path / "cache.sqlite"
    path.write_bytes(b"this is not a database" * 100)

    with pytest.raises(CouldNotRun, match=r"cache\.sqlite cannot be used.*Delete"):
        ReplyStore(cache=path)


def test_a_record_too_large_for_a_repository_is_refused(tmp_path: Path) -> None:
    """Before anything is written."""
    ideographs = "".join(map(chr, range(0x4E00, 0x9000)))
    text = "".join(random.Random(1).choices(ideographs, k=3_000_000))

    with pytest.raises(CouldNotRun, match="smaller suite"):
        write_recorded(tmp_path / "x.jsonl.gz", CARD, {"k": StoredReply(reply=ChatReply(text), seconds=0, cost_usd=0)})

    assert not list(tmp_path.iterdir())
