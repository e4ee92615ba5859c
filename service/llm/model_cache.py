"""One model in the cache directory: is it there and right, who may fetch it, when does it get its name?

<cache>/models/<name>             the model, whole and verified
<cache>/models/<name>.verified    what was verified, so that a start does not read a gigabyte again
<cache>/models/<name>.part        what was fetched so far; the next run resumes it, whatever its source
<cache>/models/<name>.lock        held while fetching: one process fetches, the others find the result
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from filelock import FileLock, Timeout

from service.llm.model_part import Progress, shown

HASH_BLOCK = 1 << 20

_log = logging.getLogger(__name__)


class CachedModel:
    """A model's place in the cache; ``file`` exists only whole.

    Args:
        file: its final path.
        sha256: what the file's hash must be; hexadecimal, lower case.
        size: what its size must be, in bytes.
        progress: sees hashing and waiting.
    """

    def __init__(self, file: Path, *, sha256: str, size: int, progress: Progress) -> None:
        self.file = file
        self.part = self._beside("part")
        self._sidecar = self._beside("verified")
        self._sha256 = sha256
        self._size = size
        self._progress = progress

    def verified(self) -> bool:
        """Whether the file is there and right: by its sidecar while it is unchanged, else by its hash."""
        try:
            return self.file.stat().st_size == self._size and (self._remembered() or self._hashed())
        except FileNotFoundError:
            return False

    def discard_wrong(self) -> None:
        """Remove a cached file that was found wrong."""
        self._sidecar.unlink(missing_ok=True)
        if self.file.exists():
            _log.warning("%s has the wrong size or SHA-256: removed, it is fetched again", self.file)
            self.file.unlink()

    def hash_of(self, path: Path) -> str:
        """The SHA-256 of ``path``, shown as it goes."""
        digest = sha256()
        with path.open("rb") as file, shown(self._progress, f"Checking {self.file.name}", self._size):
            while block := file.read(HASH_BLOCK):
                digest.update(block)
                self._progress.advance(len(block))
        return digest.hexdigest()

    def publish(self) -> None:
        """Give the partial file, found right, its final name once its bytes are safely on the disk."""
        with self.part.open("rb+") as file:
            os.fsync(file.fileno())
        self.part.replace(self.file)
        self._remember(self._fingerprint())

    @contextmanager
    def only_one(self) -> Iterator[None]:
        """Hold the model's lock; show it when another process has it first."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self._beside("lock"))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            with shown(self._progress, f"Waiting for another process that fetches {self.file.name}", None):
                lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def _beside(self, ending: str) -> Path:
        return self.file.with_name(f"{self.file.name}.{ending}")

    def _fingerprint(self) -> str:
        """What has to be unchanged for a verification to still hold."""
        status = self.file.stat()
        return json.dumps({"sha256": self._sha256, "size": status.st_size, "mtime_ns": status.st_mtime_ns})

    def _remembered(self) -> bool:
        """Whether this very file was found right before."""
        with suppress(OSError, UnicodeDecodeError):
            return self._sidecar.read_text(encoding="utf-8") == self._fingerprint()
        return False

    def _hashed(self) -> bool:
        """Whether the file's hash is right, remembered if so."""
        seen = self._fingerprint()
        right = self.hash_of(self.file) == self._sha256
        if right:
            self._remember(seen)
        return right

    def _remember(self, fingerprint: str) -> None:
        """Write the sidecar. Where that fails (a read-only cache) the next start only hashes again."""
        with suppress(OSError):
            self._sidecar.write_text(fingerprint, encoding="utf-8")
