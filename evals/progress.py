"""How a run shows itself: a bar with time left and cost on a terminal, a line now and then elsewhere."""

from __future__ import annotations

from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from evals.results import Result

LINES = 10
"""Lines a run prints where there is no terminal."""


class Watcher(Protocol):
    """Told how a run goes."""

    def started(self, total: int, done: int) -> None:
        """So many gradings in all, so many of them already there."""

    def graded(self, result: Result, cost_usd: float | None) -> None:
        """One more, and what the run has cost so far."""

    def ended(self) -> None:
        """No more will come."""


class Bar:
    """A progress bar for a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[cost]}"),
            console=console,
        )

    def started(self, total: int, done: int) -> None:
        """Show the bar."""
        self._task = self._progress.add_task("grading", total=total, completed=done, cost="$ 0.00")
        self._progress.start()

    def graded(self, result: Result, cost_usd: float | None) -> None:
        """Move it on; a failure stays above it."""
        if result.error:
            self._console.print(_failure(result), soft_wrap=True)
        self._progress.update(self._task, advance=1, cost=in_dollars(cost_usd))

    def ended(self) -> None:
        """Leave the bar as it is."""
        self._progress.stop()


class Lines:
    """Plain lines, for logs: one for each tenth of the run, and each failure."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._total = self._done = 0

    def started(self, total: int, done: int) -> None:
        """Say how much there is to do."""
        self._total, self._done = total, done
        self._console.print(Text(f"grading {total - done} of {total}"))

    def graded(self, result: Result, cost_usd: float | None) -> None:
        """Say something when another tenth is done."""
        if result.error:
            self._console.print(_failure(result), soft_wrap=True)
        before, self._done = self._done, self._done + 1
        if self._done * LINES // self._total > before * LINES // self._total:
            self._console.print(Text(f"{self._done}/{self._total} graded, {in_dollars(cost_usd)}"))

    def ended(self) -> None:
        """Nothing more to say."""


def watcher(console: Console) -> Watcher:
    """The way of showing progress that fits where the output goes."""
    return Bar(console) if console.is_terminal else Lines(console)


def in_dollars(cost_usd: float | None) -> str:
    """An amount as shown."""
    return "cost unknown" if cost_usd is None else f"$ {cost_usd:.2f}"


def _failure(result: Result) -> Text:
    again = f", repeat {result.repeat}" if result.repeat else ""
    return Text(f"not graded: {result.row.id} with {result.variant}{again}: {result.error}", style="yellow")
