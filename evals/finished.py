"""A finished run as the analysis reads it: the head of its manifest, and its results."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from evals.errors import CouldNotRun
from evals.results import Result, read_results
from evals.stats.observations import variants_of
from service.grading.grade import ArtefactRef

MANIFEST = "manifest.json"
RESULTS = "results.jsonl"


class UnreadableRun(CouldNotRun):
    """A folder holds no run that can be read; the message says what is missing."""


class _Part(BaseModel):
    """A part of the manifest; what the analysis does not need is passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class SuiteHead(_Part):
    """The suite: its name and the hash over its rows."""

    name: str = "unknown"
    sha256: str | None = None

    @property
    def title(self) -> str:
        """The name without the folders of a path: reports are passed on."""
        return Path(self.name).name or self.name


class VariantHead(_Part):
    """A variant: the prompt that differs, by name and hash, and the judge it was used with."""

    name: str
    sha256: str | None = None
    judge: str = "unknown"


class Spent(_Part):
    """What a variant's calls took when they were made, replayed ones included."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0
    seconds: float = 0.0


class Head(_Part):
    """What of a manifest the analysis uses.

    Attributes:
        created: when the run was started, as the runner wrote it.
        status: ``done``, or why the run is not complete.
        replayed: model calls answered from the store.
        in_full: what each variant took.
    """

    id: str = ""
    created: str = ""
    status: str = "done"
    suite: SuiteHead = SuiteHead()
    variants: tuple[VariantHead, ...] = ()
    model: str = "unknown"
    rubrics: tuple[ArtefactRef, ...] = ()
    replayed: int = 0
    in_full: dict[str, Spent] = {}

    def judge_of(self, variant: str) -> str:
        """The judge of a variant."""
        return next((v.judge for v in self.variants if v.name == variant), "unknown")

    def hashes(self) -> dict[str, str]:
        """SHA-256 of the suite, each variant's prompt and each rubric, by name."""
        named = [
            (f"suite {self.suite.title}", self.suite.sha256),
            *((f"prompt {v.name}", v.sha256) for v in self.variants),
        ]
        named += [(f"rubric {r.id}@{r.version}", r.sha256) for r in self.rubrics]
        return {name: value for name, value in named if value is not None}


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """One run. ``variants`` holds at least one; the first is the base."""

    folder: Path
    head: Head
    results: tuple[Result, ...]
    variants: tuple[str, ...]


def read_run(folder: Path) -> FinishedRun:
    """The run in a folder.

    Raises:
        UnreadableRun: no manifest or no results, a line that is no result, or no answer graded at all.
    """
    for name in (MANIFEST, RESULTS):
        if not (folder / name).is_file():
            raise UnreadableRun(f"{folder} holds no {name}: is it the folder of a run?")
    try:
        head = Head.model_validate_json((folder / MANIFEST).read_text(encoding="utf-8"))
        results = tuple(read_results(folder / RESULTS))
    except ValidationError as error:
        raise UnreadableRun(f"{folder} was written by another version: {error.error_count()} faults") from None
    if not results:
        raise UnreadableRun(f"{folder / RESULTS} holds no results yet")
    return FinishedRun(folder, head, results, _ordered(head, results))


def _ordered(head: Head, results: tuple[Result, ...]) -> tuple[str, ...]:
    """The variants as the manifest orders them: answers graded side by side come in any order."""
    found = variants_of(results)
    planned = [variant.name for variant in head.variants if variant.name in found]
    return tuple(dict.fromkeys([*planned, *found]))
