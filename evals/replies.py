"""The model-call store: what a model replied, under a hash of everything that reaches it.

A re-run costs nothing, and a changed prompt, rubric, model or parameter misses by construction. Two layers: files
recorded with the golden answers (``evals/golden/replies/*.jsonl.gz``, read-only, what a fresh clone has) and below
them one SQLite file in the user's cache, which grows with every call.
"""

from __future__ import annotations

import asyncio
import gzip
import re
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from evals.errors import CouldNotRun
from evals.golden import GOLDEN
from service.grading.hashing import content_hash
from service.grading.models import Capabilities, ChatReply, ChatRequest

RECORDED = GOLDEN / "replies"
MAX_RECORDED_BYTES = 5_000_000
RECORD_AGAIN = "Record them with: make eval-record (or debrief eval run --record)"


class _Value(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="constants")


class ModelCard(_Value):
    """What has to be known of a model to replay it: nothing is opened, fetched or asked for that.

    Attributes:
        name: as configured, e.g. ``embedded``.
        identity: tells weights apart that share a name; part of every key.
    """

    name: str
    identity: str
    capabilities: Capabilities


class StoredReply(_Value):
    """One call as it went: the reply, or the refusal that asking again would not change.

    Attributes:
        seconds: wall time of the call when it was made.
        cost_usd: what it cost then; None where the price was unknown.
    """

    reply: ChatReply | None = None
    refusal: Literal["model_refused", "input_too_long"] | None = None
    detail: str = ""
    seconds: float
    cost_usd: float | None


class _Header(_Value):
    format: Literal[1] = 1
    model: ModelCard


class _Line(_Value):
    key: str
    stored: StoredReply


def key_of(identity: str, request: ChatRequest, repeat: int, asked_before: int) -> str:
    """The name under which a reply is kept.

    Args:
        identity: the model's.
        request: purpose and cache family are left out, since the model sees neither.
        repeat: number of the fresh sample; 0 for the plain run.
        asked_before: how often the same grade has already asked exactly this (a retry is a new throw).
    """
    return content_hash(
        {
            "model": identity,
            "messages": [[message.role, message.content] for message in request.messages],
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            "schema": [request.schema_name, request.schema],
            "top_logprobs": request.top_logprobs,
            "seed": request.seed,
            "repeat": repeat,
            "asked_before": asked_before,
        }
    )


class ReplyStore:
    """Replies by key. Keeps track of what was used, so that exactly this can be recorded.

    Args:
        recorded: files to read below the cache.
        cache: the SQLite file that new replies go to; None keeps them for this run only.

    Raises:
        CouldNotRun: a file cannot be used; the message names it.
    """

    def __init__(self, recorded: Iterable[Path] = (), cache: Path | None = None) -> None:
        self._replies: dict[str, StoredReply] = {}
        self._cards: dict[str, ModelCard] = {}
        for path in recorded:
            card, replies = read_recorded(path)
            self._cards[card.identity] = card
            self._replies.update(replies)
        self._cache_path = cache
        self._cache = _open_cache(cache) if cache else None
        self._turns: dict[str, asyncio.Lock] = {}
        self.used: dict[str, StoredReply] = {}

    def card(self, identity: str) -> ModelCard | None:
        """What was recorded of a model, if anything was."""
        return self._cards.get(identity)

    def get(self, key: str) -> StoredReply | None:
        """The reply under a key."""
        stored = self._replies.get(key) or self._cached(key)
        if stored is not None:
            self.used[key] = stored
        return stored

    def put(self, key: str, stored: StoredReply) -> None:
        """Keep a new reply."""
        self._replies[key] = self.used[key] = stored
        if self._cache is not None:
            with self._cache:
                self._cache.execute("INSERT OR REPLACE INTO replies VALUES (?, ?)", (key, stored.model_dump_json()))

    def turn(self, key: str) -> asyncio.Lock:
        """Held while a key is looked up and asked for, so that equal requests in flight share one call."""
        return self._turns.setdefault(key, asyncio.Lock())

    def close(self) -> None:
        """Close the cache."""
        if self._cache is not None:
            self._cache.close()

    def _cached(self, key: str) -> StoredReply | None:
        if self._cache is None:
            return None
        try:
            found = self._cache.execute("SELECT stored FROM replies WHERE key = ?", (key,)).fetchone()
            return StoredReply.model_validate_json(found[0]) if found else None
        except (sqlite3.DatabaseError, ValidationError):
            raise CouldNotRun(f"the cache {self._cache_path} is damaged. Delete the file and start again.") from None


def _open_cache(path: Path) -> sqlite3.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        cache = sqlite3.connect(path, timeout=30)
        cache.execute("PRAGMA journal_mode = WAL")
        cache.execute("CREATE TABLE IF NOT EXISTS replies (key TEXT PRIMARY KEY, stored TEXT NOT NULL)")
    except (sqlite3.DatabaseError, OSError) as error:
        raise CouldNotRun(f"the cache {path} cannot be used ({error}). Delete the file or free its folder.") from None
    return cache


def recorded_path(suite: str, model: str, folder: Path = RECORDED) -> Path:
    """The file that the replies of a suite and a model are recorded in."""
    return folder / f"{_slug(suite)}-{_slug(model)}.jsonl.gz"


def recorded_for(model: str, folder: Path = RECORDED) -> list[Path]:
    """Every recorded file of a model, whatever the suite."""
    return sorted(folder.glob(f"*-{_slug(model)}.jsonl.gz"))


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-").lower()


def write_recorded(path: Path, card: ModelCard, replies: Mapping[str, StoredReply]) -> int:
    """Write a recorded file, the same bytes for the same replies; returns its size in bytes.

    Raises:
        CouldNotRun: it would be too large for a repository.
    """
    lines = [_Header(model=card).model_dump_json()]
    lines += [_Line(key=key, stored=replies[key]).model_dump_json() for key in sorted(replies)]
    content = BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=content, mtime=0) as packed:
        packed.write("".join(f"{line}\n" for line in lines).encode())
    data = content.getvalue()
    if len(data) > MAX_RECORDED_BYTES:
        raise CouldNotRun(
            f"{path.name} would take {len(data) / 1e6:.1f} MB, over the {MAX_RECORDED_BYTES / 1e6:.0f} MB "
            "a repository should carry. Record a smaller suite, or fewer prompts."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".tmp")
    beside.write_bytes(data)
    beside.replace(path)
    return len(data)


def read_recorded(path: Path) -> tuple[ModelCard, dict[str, StoredReply]]:
    """A recorded file's model and replies.

    Raises:
        CouldNotRun: it is damaged or of another format.
    """
    with suppress(OSError, EOFError, ValueError, StopIteration):
        lines = iter(gzip.decompress(path.read_bytes()).decode().removesuffix("\n").split("\n"))
        card = _Header.model_validate_json(next(lines)).model
        return card, {line.key: line.stored for line in map(_Line.model_validate_json, lines)}
    raise CouldNotRun(f"{path} is damaged or of another version. {RECORD_AGAIN}")
