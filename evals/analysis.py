"""Everything that can be said of a finished run, and the one word it comes down to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from evals.baseline import BASELINES, NoBaseline, baseline_path, read_baseline
from evals.compare import Comparison, compare
from evals.finished import FinishedRun
from evals.flips import Flip, Turned, flips, turned
from evals.gate import GateResult, gate
from evals.stats.catalogue import LIMITED, broken_limit
from evals.stats.noise import Noise, noise
from evals.stats.summary import Summary, summarise

PASS, REGRESSION, COULD_NOT_RUN = 0, 1, 2


@dataclass(frozen=True)
class Analysis:
    """The numbers of each variant, each variant against the base, and the run against its baseline.

    Attributes:
        summaries: one for each variant, the base first.
        comparisons: the base against each other variant; empty with one variant.
        gated: None where no baseline was accepted for this suite, judge and model, or for other rows.
    """

    run: FinishedRun
    summaries: tuple[Summary, ...]
    comparisons: tuple[Comparison, ...]
    gated: GateResult | None

    @cached_property
    def noise(self) -> Noise:
        """The noise of the base variant."""
        return self.comparisons[0].noise if self.comparisons else noise(self.run.results, self.run.variants[0])

    @cached_property
    def flips(self) -> dict[str, list[Flip]]:
        """Changed levels, by the variant they changed in."""
        return {c.other: flips(self.run.results, c.base, c.other) for c in self.comparisons}

    @cached_property
    def turned(self) -> dict[str, list[Turned]]:
        """Pairs whose order turned, by the variant they turned in."""
        return {c.other: turned(self.run.results, c.base, c.other) for c in self.comparisons}

    @cached_property
    def broken(self) -> list[tuple[str, str]]:
        """Which absolute limits the newest variant breaks: variant and metric."""
        newest = self.summaries[-1]
        return [(newest.variant, name) for name in LIMITED if broken_limit(name, newest.safety[name])]

    @property
    def code(self) -> int:
        """0: pass. 1: something got worse, or a limit is broken. 2: a variant has no grade at all."""
        if not all(summary.graded for summary in self.summaries):
            return COULD_NOT_RUN
        worse = any(comparison.regressed for comparison in self.comparisons)
        return REGRESSION if worse or self.broken or (self.gated and self.gated.red) else PASS


def analyse(run: FinishedRun, baselines: Path = BASELINES) -> Analysis:
    """All numbers of a run. The baseline counts only where it was measured on the same rows."""
    base, *others = run.variants
    return Analysis(
        run=run,
        summaries=tuple(summarise(run.results, variant) for variant in run.variants),
        comparisons=tuple(compare(run.results, base, other) for other in others),
        gated=_gated(run, baselines),
    )


def _gated(run: FinishedRun, baselines: Path) -> GateResult | None:
    try:
        baseline = read_baseline(baseline_path(run, run.variants[-1], baselines))
    except NoBaseline:
        return None
    suite = f"suite {run.head.suite.title}"
    same = baseline.hashes.get(suite) == run.head.hashes().get(suite)
    return gate(run, baseline) if same else None
