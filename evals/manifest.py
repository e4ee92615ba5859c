"""What a run was made of and what it took: ``manifest.json`` beside ``results.jsonl``."""

from __future__ import annotations

import platform
import shutil
import subprocess
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from evals.errors import CouldNotRun
from service import __version__
from service.grading.grade import ArtefactRef
from service.grading.models import CallRecord

MANIFEST = "manifest.json"
RESULTS = "results.jsonl"
_LIBRARIES = ("xllamacpp", "litellm", "openai")


class _Value(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Plan(_Value):
    """What was asked for; enough to go on with a stopped run.

    Attributes:
        suite: name or path.
        data: path of a public set, if the suite is one.
        mapping: ``--map`` options, and ``where`` the ``--where`` ones.
        labelled_only: the rubric is cut down to the criteria that have labels.
        members, escalate_below: of a panel or a cascade; all ask the one model.
        repeats: further gradings of each row, for the noise floor.
    """

    suite: str
    data: str | None = None
    mapping: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    rubric: str | None = None
    labelled_only: bool = False
    limit: int | None = None
    seed: int = 0
    prompts: tuple[str, ...] = ()
    judge: str = "auto"
    members: tuple[str, ...] = ()
    escalate_below: float | None = None
    model: str
    samples: int = 1
    repeats: int = 0
    explain: bool = False


class SourceRef(_Value):
    """Where human-scored data came from, and what its licence is."""

    name: str
    licence: str
    url: str
    sha256: str


class SuiteRef(_Value):
    """Which rows: ``sha256`` over their content, ``n`` of them."""

    name: str
    sha256: str
    n: int
    source: SourceRef | None = None


class VariantRef(_Value):
    """One side of the comparison: the prompt that differs and the judge and coach prompt it was used with."""

    name: str
    sha256: str
    judge: str
    coach: str
    deterministic: bool


class Totals(_Value):
    """Sums over model calls.

    Attributes:
        cost_usd: None as soon as one price is unknown.
        seconds: of all calls, each with its wait for a turn, so calls made at once count more than once.
    """

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0
    seconds: float = 0.0

    def plus(self, calls: Iterable[CallRecord]) -> Self:
        """These totals and some calls more."""
        calls = list(calls)
        costs = [self.cost_usd, *(call.cost_usd for call in calls)]
        return self.model_copy(
            update={
                "calls": self.calls + len(calls),
                "input_tokens": self.input_tokens + sum(call.tokens.input for call in calls),
                "output_tokens": self.output_tokens + sum(call.tokens.output for call in calls),
                "cost_usd": None if None in costs else sum(cost for cost in costs if cost is not None),
                "seconds": round(self.seconds + sum(call.seconds for call in calls), 3),
            }
        )


class GitRef(_Value):
    """The commit that was checked out, and whether files differed from it."""

    commit: str
    dirty: bool


class Manifest(_Value):
    """One run.

    Attributes:
        status: ``stopped``: by Ctrl-C, or an error; ``over_budget``: by ``--budget-usd``. Both can be resumed.
        replayed: calls answered from the store.
        totals: what this run itself spent.
        in_full: by variant, what its calls took when they were made, replayed ones included.
    """

    id: str
    created: str
    status: Literal["running", "done", "stopped", "over_budget"] = "running"
    command: tuple[str, ...] = ()
    plan: Plan
    suite: SuiteRef
    variants: tuple[VariantRef, ...]
    model: str
    model_identity: str
    rubrics: tuple[ArtefactRef, ...]
    versions: dict[str, str]
    git: GitRef | None = None
    replayed: int = 0
    totals: Totals = Totals()
    in_full: dict[str, Totals] = {}

    def write(self, run_dir: Path) -> None:
        """Write it into a run's folder, whole or not at all."""
        beside = run_dir / f"{MANIFEST}.tmp"
        beside.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")
        beside.replace(run_dir / MANIFEST)

    def differences(self, other: Manifest) -> list[str]:
        """What differs of that which may not change while a run is stopped."""
        parts = ("suite", "variants", "model", "model_identity", "rubrics")
        return [part for part in parts if getattr(self, part) != getattr(other, part)]


def read_manifest(run_dir: Path) -> Manifest:
    """The manifest of a run.

    Raises:
        CouldNotRun: there is none, or it cannot be read.
    """
    try:
        return Manifest.model_validate_json((run_dir / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CouldNotRun(f"there is no run at {run_dir}. Look into the folder that --out names.") from None
    except ValidationError:
        raise CouldNotRun(f"{run_dir / MANIFEST} cannot be read: it is of another version.") from None


def versions() -> dict[str, str]:
    """Versions of what can change a model's reply."""
    found = {"debrief": __version__, "python": platform.python_version(), "system": platform.system()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def git_state(folder: Path) -> GitRef | None:
    """The commit of the checkout whose top is ``folder``; None where there is none."""
    if not (folder / ".git").exists():
        return None
    commit, changes = _git(folder, "rev-parse", "HEAD"), _git(folder, "status", "--porcelain")
    return GitRef(commit=commit.strip(), dirty=bool(changes)) if commit and changes is not None else None


def _git(folder: Path, *arguments: str) -> str | None:
    program = shutil.which("git")
    if program is None:
        return None
    done = subprocess.run([program, "-C", str(folder), *arguments], capture_output=True, text=True, check=False)  # noqa: S603 - fixed
    return done.stdout if done.returncode == 0 else None
