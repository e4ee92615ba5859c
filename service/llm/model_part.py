"""A model file on its way to the disk: what its sources append to, and how its progress is shown.

A :class:`PartFile` is at all times a prefix of the wanted bytes, so its length is the whole state of a
download: any source can go on where another one, or an earlier run, stopped. Whether the bytes are the right
ones is not decided here but by the hash, in :mod:`service.llm.model_files`.

:class:`SourceError` means "try the next source"; an ``OSError`` is always the disk's, never the network's.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol, Self, TextIO

BLOCK = 1 << 16
LONGEST_REASON = 300


class SourceError(Exception):
    """A source did not deliver; the message is the reason in one line."""

    def __init__(self, reason: str) -> None:
        super().__init__(" ".join(reason.split())[:LONGEST_REASON])


class Progress(Protocol):
    """What a caller sees of a long step: one ``start``, many ``advance``, one ``finish``; then again."""

    def start(self, label: str, total: int | None) -> None:
        """Begin a step of ``total`` bytes (None: unknown)."""

    def advance(self, n: int) -> None:
        """``n`` more bytes are done."""

    def finish(self) -> None:
        """The step ended, well or badly."""


class NoProgress:
    """Shows nothing."""

    def start(self, label: str, total: int | None) -> None:
        """Do nothing."""

    def advance(self, n: int) -> None:
        """Do nothing."""

    def finish(self) -> None:
        """Do nothing."""


class RichProgress:
    """A bar with bytes, speed and time left; where there is no terminal, a line at every tenth.

    Args:
        stream: where to write; standard error by default.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, TimeRemainingColumn, TransferSpeedColumn
        from rich.progress import Progress as Bar

        numbers = (DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
        self._console = Console(file=stream, stderr=stream is None)
        self._bar = Bar(BarColumn(), *numbers, console=self._console, transient=True)
        self._task = self._bar.add_task("")
        self._total: int | None = None
        self._done = 0

    def start(self, label: str, total: int | None) -> None:
        """Begin a step of ``total`` bytes (None: unknown)."""
        self._total, self._done = total, 0
        self._say(label)  # on a line of its own: beside the bar it would leave no room for the numbers
        if self._console.is_terminal:
            self._bar.reset(self._task, total=total)
            self._bar.start()

    def advance(self, n: int) -> None:
        """``n`` more bytes are done."""
        before, self._done = self._done, self._done + n
        if self._console.is_terminal:
            self._bar.advance(self._task, n)
        elif self._total and before * 10 // self._total < self._done * 10 // self._total:
            self._say(f"{self._done * 10 // self._total * 10:4d} % of {self._total / 1e6:,.1f} MB")

    def finish(self) -> None:
        """The step ended, well or badly."""
        if self._console.is_terminal:
            self._bar.stop()

    def _say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def shown(progress: Progress, label: str, total: int | None) -> Iterator[None]:
    """Show the body as one step of ``progress``, finished even when it raises."""
    progress.start(label, total)
    try:
        yield
    finally:
        progress.finish()


def _free_bytes(directory: Path) -> int:
    return shutil.disk_usage(directory).free


def _open_for_append(path: Path) -> IO[bytes]:
    return path.open("ab")


@dataclass(frozen=True, slots=True)
class Disk:
    """The two things asked of the disk that a test may want to answer itself."""

    free_bytes: Callable[[Path], int] = _free_bytes
    open_for_append: Callable[[Path], IO[bytes]] = _open_for_append


class PartFile:
    """``length`` of ``total`` bytes, at ``path``. Open inside ``with``; the bytes stay when it is left."""

    def __init__(self, path: Path, total: int, progress: Progress, disk: Disk) -> None:
        self.path = path
        self.total = total
        self.length = path.stat().st_size if path.exists() else 0
        self.received = 0
        self._progress = progress
        self._disk = disk

    def __enter__(self) -> Self:
        self._file = self._disk.open_for_append(self.path)
        if self.length > self.total:
            self.cut(0)
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def shown(self, label: str) -> AbstractContextManager[None]:
        """Show what is still missing as one step of the progress."""
        resumed = f", resuming at {self.length / 1e6:,.1f} MB" if self.length else ""
        return shown(self._progress, label + resumed, self.total - self.length)

    def append(self, block: bytes) -> None:
        """Add ``block``. Bytes past ``total`` are refused with :class:`SourceError`."""
        if self.length + len(block) > self.total:
            raise SourceError(f"it sent more than the expected {self.total:,} bytes")
        self._file.write(block)
        self.length += len(block)
        self.received += len(block)
        self._progress.advance(len(block))

    def cut(self, length: int) -> None:
        """Forget everything after the first ``length`` bytes."""
        self._file.flush()
        self._file.truncate(length)
        self.length = length


class Source(Protocol):
    """A place that has the file; ``str()`` of it is its name in messages."""

    @property
    def scratch_bytes(self) -> int:
        """Disk space needed beside the file itself while fetching."""

    def fill(self, part: PartFile) -> None:
        """Append what ``part`` lacks; raise :class:`SourceError` when that cannot be had."""
