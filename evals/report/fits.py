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


def set_table(report: CalibrationReport) -> Table:
    """How often the true level is among those named, on questions the rule was fitted without."""
    table = Table(title="level sets, held out", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("", "promised", "true level inside", "levels named", "n"):
        table.add_column(name, no_wrap=True)
    for fit in report.criteria:
        if (found := fit.level_set) is not None and found.covered.value is not None and found.size.value is not None:
            promised, inside = f"{found.rule.coverage:.0%}", f"{found.covered.value:.0%}"
            table.add_row(title_of(fit.criterion), promised, inside, f"{found.size.value:.1f}", str(found.covered.n))
    return table


def review_sentence(report: CalibrationReport) -> str:
    """What the operator's review budget brings."""
    if report.chosen is None:
        return "The judge gives no confidence, so nobody can be asked to look at the least sure answers."
    point, before = report.chosen, report.review[0]
    wrong = f"from {1 - before.right:.0%} to {1 - point.right:.0%}"
    if report.rule is None:
        return (
            f"Reviewing the least sure {point.budget:.0%} does not lower the share of wrong levels ({wrong}): no rule."
        )
    return (
        f"With {before.n - point.n} of {before.n} answers reviewed (confidence below {point.threshold:.2f} in some "
        f"criterion), wrong levels among the others fall {wrong}; their mean error goes from {before.error:.2f} to "
        f"{point.error:.2f} levels."
    )


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
