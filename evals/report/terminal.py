"""The result as a table on the terminal."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from evals.analysis import Analysis
from evals.compare import Comparison, CriterionVerdict
from evals.gate import GateResult
from evals.report.words import SIGNS, WORDS, headline, noise_sentence, title_of
from evals.stats.catalogue import METRICS, broken_limit
from evals.stats.noise import Noise
from evals.stats.number import Number
from evals.stats.summary import Summary

STYLES = {"better": "bold blue", "worse": "bold red", "cannot tell": "dim"}
SHOWN = ("mae", "bias", "qwk", "spearman", "exact")
OWN_N = ("pairs", "unscored")


def print_table(analysis: Analysis, console: Console) -> None:
    """Numbers of each variant, verdicts of each comparison, the noise floor, and the one sentence they come to."""
    for summary in analysis.summaries:
        console.print(numbers_table(summary))
        if any(number.n for number in summary.safety.values()):
            console.print(safety_table(summary))
    for comparison in analysis.comparisons:
        console.print(verdict_table(comparison))
    console.print(Text(noise_sentence(analysis.noise), style="dim"))
    if analysis.gated is not None and analysis.gated.red:
        console.print(gate_table(analysis.gated, red_only=True))
    console.print(Text(headline(analysis), style="bold"))


def numbers_table(summary: Summary) -> Table:
    """One variant: criteria down, main numbers across, n beside each; a dash where a number has a reason to miss."""
    table = Table(
        title=Text(f"{summary.variant}: {summary.graded} of {summary.items} graded"),
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    for name in ("", "n", "error", "bias", "QWK", "ρ", "exact", "in order", "unscored"):
        table.add_column(name, justify="right" if name else "left", no_wrap=True)
    for criterion in summary.criteria:
        cells = [METRICS[name].written(criterion.numbers[name]) for name in SHOWN]
        counted = [_counted(name, criterion.numbers[name]) for name in OWN_N]
        table.add_row(title_of(criterion.criterion), str(criterion.numbers["mae"].n), *cells, *counted)
    return table


def safety_table(summary: Summary) -> Table:
    """What must not happen, as far as the suite can tell."""
    table = Table("", "", "n", title=Text("Safety"), title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name, number in summary.safety.items():
        if number.n:
            broken = broken_limit(name, number)
            value = Text(METRICS[name].written(number), style="bold red" if broken else "")
            table.add_row(METRICS[name].title, value, Text(f"{number.n}", style="dim"))
    return table


def _counted(name: str, number: Number) -> Text:
    return Text(METRICS[name].written(number)).append(f" of {number.n}" if number.n else "", style="dim")


def verdict_table(comparison: Comparison) -> Table:
    """The verdict on each criterion, and why."""
    title = Text(f"{comparison.other} against {comparison.base}, {comparison.items} answers")
    table = Table("", "verdict", "why", title=title, title_justify="left", box=SIMPLE_HEAD)
    for verdict in (*comparison.criteria, comparison.overall):
        table.add_row(title_of(verdict.criterion), _word(verdict), Text(verdict.why))
    return table


def _word(verdict: CriterionVerdict) -> Text:
    return Text(f"{SIGNS[verdict.verdict]} {WORDS[verdict.verdict]}", style=STYLES[verdict.verdict])


def gate_table(gated: GateResult, *, red_only: bool = False) -> Table:
    """What is red and why, and unless only that is asked for, all else."""
    title = Text(f"{gated.variant} against the baseline ({gated.baseline})")
    table = Table("number", "", "n", "why", title=title, title_justify="left", box=SIMPLE_HEAD)
    shown = gated.red if red_only else sorted(gated.measured, key=lambda check: (check.state != "red", check.name))
    for check in shown:
        style = "bold red" if check.state == "red" else "dim"
        table.add_row(check.name, Text(check.state, style=style), str(check.n), Text(check.why))
    return table


def noise_table(measured: Noise) -> Table:
    """How far each number moved among repeats."""
    title = Text(f"{measured.variant}: largest movement with nothing changed")
    table = Table(
        "", "number", "largest", "typical", "repeats", "n", title=title, title_justify="left", box=SIMPLE_HEAD
    )
    for floor in measured.floors:
        info = METRICS[floor.metric]
        moved = (info.write(floor.largest), info.write(floor.typical), str(floor.repeats), str(floor.n))
        table.add_row(title_of(floor.criterion), info.title, *moved)
    return table
