"""Evaluation runs as their folders tell them: what was run, how far machine and labels agree, and the reports.

The pages stand below the evaluation and do not import it; a run's folder is the seam: ``manifest.json``,
``results.jsonl``, ``report.html`` and, where two runs were compared, ``diff/report.html``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from service.grading.agreement import quadratic_kappa, share_within, total

MANIFEST = "manifest.json"
RESULTS = "results.jsonl"
REPORTS = {"report": "report.html", "diff": "diff/report.html", "migrate": "migrate/report.html"}
MOST_RUNS = 50
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}")


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Suite(_Part):
    """What was graded."""

    name: str = "unknown"

    @property
    def title(self) -> str:
        """The name without the folders of a path."""
        return Path(self.name).name or self.name


class Variant(_Part):
    """What was compared: a prompt, and the judge it was used with."""

    name: str
    judge: str = "unknown"


class Head(_Part):
    """The head of a manifest."""

    created: str = ""
    status: str = "done"
    suite: Suite = Suite()
    variants: tuple[Variant, ...] = ()
    model: str = "unknown"


class _Label(_Part):
    level: int


class _Row(_Part):
    labels: dict[str, _Label] = {}


class _Criterion(_Part):
    id: str
    level: int | None = None


class _Grade(_Part):
    criteria: tuple[_Criterion, ...] = ()


class _Result(_Part):
    row: _Row
    variant: str
    repeat: int = 0
    perturbation: str | None = None
    grade: _Grade | None = None


@dataclass(frozen=True, slots=True)
class Agreement:
    """Machine and labels on one criterion of one variant. ``exact``: the share of equal levels."""

    variant: str
    criterion: str
    n: int
    exact: float
    kappa: float | None


@dataclass(frozen=True, slots=True)
class Run:
    """One run. ``reports``: which of its reports there are."""

    name: str
    head: Head
    reports: tuple[str, ...]


class Runs:
    """The runs in a folder; one that is not there has none."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def newest(self) -> list[Run]:
        """Runs that can be read, newest first."""
        if not self.folder.is_dir():
            return []
        found = [run for path in self.folder.iterdir() if (run := self.find(path.name)) is not None]
        return sorted(found, key=lambda run: (run.head.created, run.name), reverse=True)[:MOST_RUNS]

    def find(self, name: str) -> Run | None:
        """A run by the name of its folder."""
        if not _NAME.fullmatch(name):
            return None
        path = self.folder / name
        try:
            head = Head.model_validate_json((path / MANIFEST).read_text(encoding="utf-8"))
        except (OSError, ValidationError, UnicodeDecodeError):
            return None
        return Run(name, head, tuple(kind for kind, file in REPORTS.items() if (path / file).is_file()))

    def report(self, run: Run, kind: str) -> bytes | None:
        """A report's HTML, as the evaluation wrote it."""
        return (self.folder / run.name / REPORTS[kind]).read_bytes() if kind in run.reports else None

    def agreement(self, run: Run) -> tuple[Agreement, ...]:
        """How far machine and labels agree, by variant and criterion; repeats and perturbed copies are left out."""
        counts: dict[tuple[str, str], Counter[tuple[int, int]]] = {}
        for result in self._results(run):
            for criterion, pair in _pairs(result):
                counts.setdefault((result.variant, criterion), Counter())[pair] += 1
        return tuple(
            Agreement(variant, criterion, total(found), share_within(found, 0), quadratic_kappa(found))
            for (variant, criterion), found in counts.items()
        )

    def _results(self, run: Run) -> Iterator[_Result]:
        try:
            lines = (self.folder / run.name / RESULTS).read_text(encoding="utf-8").splitlines()
        except OSError:
            return
        for line in lines:
            try:
                yield _Result.model_validate_json(line)
            except ValidationError:
                continue


def _pairs(result: _Result) -> Iterator[tuple[str, tuple[int, int]]]:
    """Machine's level and label of each criterion that has both."""
    if result.repeat or result.perturbation or result.grade is None:
        return
    for criterion in result.grade.criteria:
        label = result.row.labels.get(criterion.id)
        if label is not None and criterion.level is not None:
            yield criterion.id, (criterion.level, label.level)


def by_criterion(found: tuple[Agreement, ...]) -> Mapping[str, list[Agreement]]:
    """The same, criterion by criterion."""
    grouped: dict[str, list[Agreement]] = {}
    for agreement in found:
        grouped.setdefault(agreement.criterion, []).append(agreement)
    return grouped
