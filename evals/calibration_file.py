"""Where fitted maps are written, for the service to load: one file a use, a new version for each fit."""

from __future__ import annotations

import re
from pathlib import Path

from evals.calibrate import CalibrationReport
from service.grading.calibration import Calibration, Fitted


def write_calibration(report: CalibrationReport, suite: str, date: str, folder: Path) -> Path | None:
    """Write what was fitted as the next version of its file; None when nothing was.

    Args:
        report: what :func:`fit_run` found.
        suite: the suite's name, kept in the file.
        date: today, ISO.
        folder: where the service looks: ``calibrations/`` of its content directory.
    """
    if not (report.maps or report.level_sets or report.rule):
        return None
    use = report.use
    name = re.sub(r"[^a-z0-9]+", "-", f"{use.rubric}-{use.prompt}-{use.model}".lower()).strip("-")[:100].strip("-")
    folder.mkdir(parents=True, exist_ok=True)
    version = 1 + max((int(path.stem.rpartition("@")[2]) for path in folder.glob(f"{name}@*.json")), default=0)
    calibration = Calibration(
        id=name,
        version=str(version),
        judge=use.judge,
        model=use.model,
        prompt_sha256=use.prompt_sha256,
        rubric_sha256=use.rubric_sha256,
        maps=report.maps,
        level_sets=report.level_sets,
        review=report.rule,
        fitted=Fitted(
            suite=suite,
            date=date,
            answers=max(fit.n for fit in report.criteria),
            questions=max(fit.questions for fit in report.criteria),
        ),
        report=_kept(report),
    )
    path = folder / f"{name}@{version}.json"
    path.write_text(calibration.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return path


def _kept(report: CalibrationReport) -> dict[str, object]:
    """What of the report goes into the file: kinds, held-out numbers before and after, the review curve."""
    criteria = {
        fit.criterion: {
            "kind": fit.kind,
            "n": fit.n,
            "questions": fit.questions,
            "before": {name: number.value for name, number in fit.before.items()},
            "after_held_out": {name: number.value for name, number in fit.after.items()},
            "reliability_held_out": [bin_.model_dump() for bin_ in fit.reliability_after],
            "level_set_held_out": {"covered": fit.level_set.covered.value, "size": fit.level_set.size.value}
            if fit.level_set
            else None,
        }
        for fit in report.criteria
    }
    return {"criteria": criteria, "review": [point.model_dump() for point in report.review]}
