"""``debrief eval report | gate | accept | diff | table | noise | calibrate | migrate``: read finished runs.

Exit codes: 0 pass, 1 something got worse, 2 it could not be found out.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from evals.console import COULD_NOT_RUN, explained, give_up
from service.terminal import out

if TYPE_CHECKING:
    from evals.finished import FinishedRun

app = typer.Typer(no_args_is_help=True, help="What came of a run.")

RunFolder = Annotated[Path, typer.Argument(help="The folder of a run: manifest.json and results.jsonl.")]
BaselineFolder = Annotated[Path | None, typer.Option("--baselines", help="Folder of the baselines.")]
Variant = Annotated[str | None, typer.Option(help="Which variant; the run's last unless named.")]


def conclude(run_dir: Path, console: Console = out) -> int:
    """Print the table of a run and write ``report.html``, ``summary.md`` and ``junit.xml`` beside it.

    Returns:
        0 pass; 1 a variant is worse than the base, the baseline is broken, or what has to be 0 is not; 2 a variant has
        no grade at all.

    Raises:
        CouldNotRun: the folder holds no run that can be read.
        ModuleNotFoundError: the libraries of the analysis are not installed (``debrief-service[evals]``).
    """
    from evals.analysis import analyse
    from evals.finished import read_run
    from evals.report import print_table, write_html, write_junit, write_markdown

    analysis = analyse(read_run(run_dir))
    print_table(analysis, console)
    for write in (write_html, write_markdown, write_junit):
        console.print(Text(str(write(analysis)), style="dim"))
    return analysis.code


@app.command()
def report(run: RunFolder) -> None:
    """Write a run's report again, with its summary and JUnit XML, and print the table."""
    with explained():
        raise typer.Exit(conclude(run))


@app.command()
def gate(
    run: RunFolder,
    baseline: Annotated[Path | None, typer.Option(help="A baseline file; found by suite, judge and model.")] = None,
    variant: Variant = None,
    baselines: BaselineFolder = None,
) -> None:
    """Hold a run against the accepted numbers; exit 1 when anything is red."""
    with explained():
        from evals.baseline import BASELINES, baseline_path, read_baseline
        from evals.finished import read_run
        from evals.gate import gate as check
        from evals.report.terminal import gate_table

        finished = read_run(run)
        name = _variant(variant, finished.variants)
        path = baseline or baseline_path(finished, name, baselines or BASELINES)
        result = check(finished, read_baseline(path), name)
        out.print(gate_table(result))
        for note in result.notes:
            out.print(Text(f"note: {note}", style="yellow"))
        out.print(Text(f"{len(result.red)} red of {len(result.measured)}", style="bold"))
        raise typer.Exit(1 if result.red else 0)


@app.command()
def accept(
    run: RunFolder,
    reason: Annotated[str, typer.Option(prompt="Why are these numbers accepted?", help="Kept in the baseline.")],
    variant: Variant = None,
    baselines: BaselineFolder = None,
) -> None:
    """Make a run's numbers the baseline; the reason lands in the file."""
    with explained():
        from evals.baseline import BASELINES, SHORTEST_REASON
        from evals.baseline import accept as move
        from evals.finished import read_run

        if len(reason.strip()) < SHORTEST_REASON:
            give_up(f"say why, in {SHORTEST_REASON} characters or more: --reason '...'")
        finished = read_run(run)
        path = move(finished, reason, _today(), baselines or BASELINES, _variant(variant, finished.variants))
        out.print(Text(f"{path} is the baseline now"))


@app.command()
def diff(run_a: RunFolder, run_b: RunFolder) -> None:
    """Compare the last variants of two runs on the rows both hold; writes the report into RUN_B/diff."""
    with explained():
        from evals.finished import read_run
        from evals.side_by_side import by_run

        raise typer.Exit(_side_by_side(by_run(read_run(run_a), read_run(run_b)), run_b / "diff"))


@app.command()
def table(
    runs: Annotated[list[Path], typer.Argument(help="The folders of some runs.")],
    criterion: Annotated[str | None, typer.Option(help="Only this criterion's numbers.")] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="As a table for a document.")] = False,
) -> None:
    """Judges beside each other: agreement with the labels of each suite, and calls, tokens and seconds an answer."""
    with explained():
        from evals.finished import read_run
        from evals.report.standings import standings_markdown, standings_tables
        from evals.standings import standings

        found = standings([read_run(run) for run in runs], *([criterion] if criterion else []))
        if not found:
            give_up(f"none of these runs has labels of {criterion or 'any criterion'}")
        if markdown:
            out.print(Text(standings_markdown(found)), soft_wrap=True)
        else:
            for suite in standings_tables(found):
                out.print(suite)


@app.command()
def migrate(run_a: RunFolder, run_b: RunFolder) -> None:
    """From one model to another: how far they agree, which levels shift, which answers are affected."""
    with explained():
        from evals.finished import read_run
        from evals.report.migration import shift_tables
        from evals.side_by_side import by_model, shift_of

        joined = by_model(read_run(run_a), read_run(run_b))
        for table in shift_tables(shift_of(joined)):
            out.print(table)
        raise typer.Exit(_side_by_side(joined, run_b / "migrate"))


@app.command()
def noise(run: RunFolder, variant: Variant = None) -> None:
    """How far a run's numbers move with nothing changed: needs a run with --repeat."""
    with explained():
        from evals.finished import read_run
        from evals.report.terminal import noise_table
        from evals.report.words import noise_sentence
        from evals.stats.noise import noise as measure

        finished = read_run(run)
        measured = measure(finished.results, _variant(variant, finished.variants, first=True))
        if measured.floors:
            out.print(noise_table(measured))
        out.print(Text(noise_sentence(measured)))
        raise typer.Exit(0 if measured.repeats else COULD_NOT_RUN)


@app.command()
def calibrate(
    run: RunFolder,
    variant: Variant = None,
    folder: Annotated[Path | None, typer.Option("--out", help="Folder to write to; the service's own.")] = None,
    dry: Annotated[bool, typer.Option("--dry-run", help="Only say what it would bring.")] = False,
    budget: Annotated[
        float, typer.Option("--review-budget", min=0.01, max=0.5, help="Share of answers people can look at.")
    ] = 0.1,
    coverage: Annotated[
        float, typer.Option(min=0.5, max=0.99, help="How often the true level is to be in the level set.")
    ] = 0.9,
) -> None:
    """Fit maps from raw to true levels, level sets and a review rule, and write them for the service to load."""
    with explained():
        from evals.calibrate import fit_run
        from evals.calibration_file import write_calibration
        from evals.finished import read_run
        from evals.report.fits import fit_table, reasons, review_sentence, review_table, set_table
        from service.library import FileLibrary
        from service.settings import Settings

        finished, library = read_run(run), FileLibrary(Settings().content_dir)
        chosen = _variant(variant, finished.variants)
        fitted = fit_run(finished, chosen, library, coverage=coverage, budget=budget)
        out.print(fit_table(fitted))
        for reason in reasons(fitted):
            out.print(Text(reason, style="yellow"))
        out.print(set_table(fitted))
        out.print(review_table(fitted))
        out.print(Text(review_sentence(fitted)))
        for left in fitted.left_out:
            out.print(Text(f"left out: {left}", style="dim"))
        out.print("Calibration moves levels to where they belong. It does not order answers better.", style="dim")
        if not dry:
            path = write_calibration(fitted, finished.head.suite.title, _today(), folder or _calibrations())
            written = f"{path}: used from the service's next start"
            out.print(Text(written if path else "nothing written: there is nothing to learn here"))


def _side_by_side(joined: FinishedRun, folder: Path) -> int:
    from evals.analysis import analyse
    from evals.report import print_table, write_html, write_markdown

    analysis = analyse(joined)
    print_table(analysis, out)
    folder.mkdir(exist_ok=True)
    for write in (write_html, write_markdown):
        out.print(Text(str(write(analysis, folder)), style="dim"))
    return analysis.code


def _variant(named: str | None, variants: tuple[str, ...], *, first: bool = False) -> str:
    if named is not None and named not in variants:
        give_up(f"the run has no variant {named}: {', '.join(variants)}")
    return named or variants[0 if first else -1]


def _calibrations() -> Path:
    from service.library import CALIBRATIONS, default_content_dir
    from service.settings import Settings

    return (Settings().content_dir or default_content_dir()) / CALIBRATIONS


def _today() -> str:
    return datetime.now(UTC).date().isoformat()
