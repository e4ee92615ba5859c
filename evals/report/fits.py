"""What calibration brings, as tables on the terminal."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from evals.calibrate import CalibrationReport, CriterionFit
from evals.report.words import title_of
from evals.stats.catalogue import METRICS

SHOWN = {"mae": "error", "bias": "bias", "qwk": "QWK", "spearman": "ρ", "ece": "gap"}


def fit_table(report: CalibrationReport) -> Table:
    """Each criterion raw and after its map, held out: every figure is of questions the map was fitted without."""
    use = report.use
    title = Text(f"{use.judge}, {use.model}, {use.prompt}, {use.rubric}: raw → held out after the map")
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("", "map", *SHOWN.values(), "n"):
        table.add_column(name, no_wrap=True)
    for fit in report.criteria:
        table.add_row(title_of(fit.criterion), fit.kind, *(_cell(name, fit) for name in SHOWN), str(fit.n))
    return table


def reasons(report: CalibrationReport) -> list[str]:
    """Why criteria have no map."""
    return [f"{title_of(fit.criterion)}: {fit.why}" for fit in report.criteria if fit.why]


def _cell(name: str, fit: CriterionFit) -> str:
    before, after = (METRICS[name].written(numbers[name]) for numbers in (fit.before, fit.after))
    return before if fit.level_map is None else f"{before} → {after}"


def review_table(report: CalibrationReport) -> Table:
    """What people save the readers from, when they look at the least sure answers."""
    table = Table(
        "people review",
        "below confidence",
        "error of the rest",
        "levels right",
        "n",
        title_justify="left",
        box=SIMPLE_HEAD,
    )
    table.title = "review budget"
    for point in report.review:
        row = (f"{point.budget:.0%}", f"{point.threshold:.2f}", f"{point.error:.2f}", f"{point.right:.0%}")
        table.add_row(*row, str(point.n))
    return table
