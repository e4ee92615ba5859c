"""Two runs compared for the pages: the same joining, tests and verdict as ``debrief eval diff``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from evals.errors import CouldNotRun
from service.web.run_pairs import NotComparable, RunPair, Step, Verdict

if TYPE_CHECKING:
    from evals.compare import CriterionVerdict, Difference


def compare_folders(before: Path, after: Path) -> RunPair:
    """The last variants of two runs, on the answers both hold.

    Raises:
        NotComparable: they share none, or a run cannot be read, or the analysis is not installed.
    """
    try:
        from evals.compare import compare
        from evals.finished import read_run
        from evals.report.words import noise_sentence
        from evals.side_by_side import by_run
    except ModuleNotFoundError:
        raise NotComparable("Comparing needs the extra evals: pip install 'debrief-service[evals]'.") from None
    try:
        joined = by_run(read_run(before), read_run(after))
    except CouldNotRun as error:
        raise NotComparable(_without_folders(str(error), before, after)) from None
    found = compare(joined.results, *joined.variants)
    return RunPair(
        before=found.base,
        after=found.other,
        items=found.items,
        overall=_verdict(found.overall),
        criteria=tuple(_verdict(each) for each in found.criteria),
        noise=noise_sentence(found.noise),
    )


def _verdict(found: CriterionVerdict) -> Verdict:
    return Verdict(found.criterion, found.verdict, found.why, tuple(_step(part) for part in found.parts))


def _step(part: Difference) -> Step:
    from evals.stats.catalogue import METRICS

    metric = METRICS[part.metric]
    floor = None if part.floor is None else metric.write(part.floor)
    return Step(metric.title, metric.write(part.base), metric.write(part.other), part.n, part.questions, floor)


def _without_folders(text: str, *folders: Path) -> str:
    """The same with the runs' names in place of where they lie."""
    for folder in folders:
        text = text.replace(str(folder), folder.name)
    return f"{text}."
