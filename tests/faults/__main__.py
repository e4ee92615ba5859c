"""``make faults``: the long form of the fault runs. ``ARGS="--kills 50 --jobs 2000 --seed 7"``.

Without ARGS: 50 kills over 2,000 jobs on Postgres; SIGTERMs, outages and clock steps; 5,000 requests to a model
with faults; the planted bugs. The same seed strikes alike. Exit code 0 only if every promise held and every bug was
found.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.faults.campaign import Campaign, Strike
from tests.faults.drive import Played, Verdict, judged
from tests.faults.planted import PLANTED, found
from tests.faults.requesting import Requesting, requested

console = Console(soft_wrap=True)


class Bar:
    """Shows how far a run is: a bar on a terminal, a line a strike elsewhere."""

    def __init__(self, progress: Progress, jobs: int) -> None:
        self._progress = progress
        self._task = progress.add_task("starting", total=jobs)

    def on_strike(self, number: int, strike: Strike) -> None:
        """A strike is about to be made."""
        self._progress.update(self._task, description=f"{number + 1}: {strike.value}")
        if not console.is_terminal:
            console.print(f"  {number + 1}: {strike.value}")

    def on_progress(self, cases: int) -> None:
        """So many answers were asked about."""
        self._progress.update(self._task, completed=cases)


def campaign(options: argparse.Namespace) -> Campaign:
    """The run that the options ask for."""
    postgres = not options.sqlite
    return Campaign(
        jobs=options.jobs,
        seed=options.seed,
        kills=options.kills,
        pauses=options.pauses,
        stops=options.stops,
        freezes=options.freezes,
        halts=options.halts,
        steps=options.steps,
        down_seconds=options.down,
        faults=options.faults,
        postgres=postgres,
        workers=options.workers if postgres else 0,
        drain_seconds=options.drain,
    )


def run(wanted: Campaign, folder: Path) -> bool:
    """Play one run and print what came of it; whether all promises held."""
    strikes = wanted.strikes()
    where = "Postgres" if wanted.postgres else "SQLite"
    console.print(f"[bold]seed {wanted.seed}[/bold]: {len(strikes)} strikes over {wanted.jobs} jobs on {where}")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        played, verdict = asyncio.run(judged(wanted, folder, Bar(progress, wanted.jobs)))
    report(played, verdict)
    if not verdict.holds:
        console.print(f"[bold red]broken[/bold red]; the same again: --seed {wanted.seed} and the same numbers")
    return verdict.holds and played.settled


def report(played: Played, verdict: Verdict) -> None:
    """What came of a run, in figures."""
    replies = ", ".join(f"{count} x {status}" for status, count in sorted(played.statuses.items()))
    console.print(f"{played.seconds:.0f} s until all was settled; replies to what was sent: {replies}")
    for what, seconds in played.slowest.items():
        console.print(f"Postgres {what}: at most {seconds:.2f} s")
    console.print(verdict.report.strip(), markup=False)


def planted(folder: Path) -> bool:
    """Plant each bug in turn; whether each was found."""
    all_found = True
    for bug, (_, expected) in PLANTED.items():
        broken = found(bug, folder / bug.value)
        fine = expected in broken
        all_found &= fine
        console.print(f"{'found' if fine else 'MISSED'} {bug.value}: red are {sorted(broken) or 'none'}", markup=False)
    return all_found


def requests(options: argparse.Namespace, folder: Path) -> bool:
    """Send requests to a model with faults; whether each ended as promised."""
    outcome = asyncio.run(requested(Requesting(options.requests, options.seed), folder))
    console.print(f"[bold]seed {options.seed}[/bold]: {outcome.in_words()}")
    return outcome.fine


def _long(options: argparse.Namespace) -> list[Callable[[Path], bool]]:
    given = vars(options)
    others = argparse.Namespace(**{**given, "kills": 0, "stops": 20, "freezes": 1, "halts": 1, "steps": 4, "jobs": 600})
    return [
        lambda folder: run(campaign(options), folder / "kills"),
        lambda folder: run(campaign(others), folder / "others"),
        lambda folder: requests(options, folder / "requests"),
        lambda folder: planted(folder / "planted"),
    ]


def parts(options: argparse.Namespace, given: list[str]) -> list[Callable[[Path], bool]]:
    """What is to be done."""
    if options.planted:
        return [planted]
    if any(arg.startswith("--requests") for arg in given):
        return [lambda folder: requests(options, folder)]
    return [lambda folder: run(campaign(options), folder)] if given else _long(options)


def main() -> int:
    """0 when all held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--kills", type=int, default=50, help="kill -9 of workers and server by turns")
    parser.add_argument("--pauses", type=int, default=0, help="workers stopped until they are thought dead")
    parser.add_argument("--stops", type=int, default=0, help="SIGTERM to a process under load")
    parser.add_argument("--freezes", type=int, default=0, help="Postgres frozen under load")
    parser.add_argument("--halts", type=int, default=0, help="Postgres stopped and started again under load")
    parser.add_argument("--down", type=float, default=60.0, help="seconds for which Postgres is frozen or away")
    parser.add_argument("--steps", type=int, default=0, help="clocks set ten minutes forwards or backwards")
    parser.add_argument("--faults", type=float, default=0.0, help="share of model calls with a fault")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--sqlite", action="store_true", help="one process on a SQLite file")
    parser.add_argument("--drain", type=float, default=300.0, help="seconds until everything has to be settled")
    parser.add_argument("--requests", type=int, default=5_000, help="only this: requests to a model with faults")
    parser.add_argument("--planted", action="store_true", help="only this: five bugs, each of which has to be found")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        held = [part(Path(folder) / str(number)) for number, part in enumerate(parts(options, sys.argv[1:]))]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
