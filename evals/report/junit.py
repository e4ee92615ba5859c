"""JUnit XML: one test case for each verdict and each check, so that build servers show what is red."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from evals.analysis import Analysis
from evals.stats.catalogue import LIMITED, METRICS, broken_limit

JUNIT = "junit.xml"
Case = tuple[str, str, Literal["passed", "failure", "skipped"], str]
"""Class, name, outcome, and what to say."""


def write_junit(analysis: Analysis, folder: Path | None = None) -> Path:
    """Write ``junit.xml`` into a folder, the run's own unless named; returns the file."""
    path = (folder or analysis.run.folder) / JUNIT
    cases = list(_cases(analysis))
    counts = {what: str(sum(case[2] == what for case in cases)) for what in ("failure", "skipped")}
    totals = {"tests": str(len(cases)), "failures": counts["failure"], "skipped": counts["skipped"], "errors": "0"}
    root = ET.Element("testsuites", {"name": "debrief eval", **totals})
    suite = ET.SubElement(root, "testsuite", {"name": f"debrief eval {analysis.run.head.suite.title}", **totals})
    for case in cases:
        _add(suite, case)
    ET.indent(root)
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    return path


def _cases(analysis: Analysis) -> Iterator[Case]:
    for comparison in analysis.comparisons:
        group = f"{comparison.other} against {comparison.base}"
        for verdict in (comparison.overall, *comparison.criteria):
            yield group, verdict.criterion, "failure" if verdict.verdict == "worse" else "passed", verdict.why
    newest = analysis.summaries[-1]
    for name in LIMITED:
        number, title = newest.safety[name], METRICS[name].title
        if number.value is None:
            yield f"{newest.variant}, safety", title, "skipped", number.why or ""
        else:
            text = f"{METRICS[name].written(number)}, n {number.n}"
            yield f"{newest.variant}, safety", title, "failure" if broken_limit(name, number) else "passed", text
    for check in analysis.gated.checks if analysis.gated else ():
        yield "baseline", check.name, "failure" if check.state == "red" else "passed", check.why


def _add(suite: ET.Element, case: Case) -> None:
    group, name, outcome, text = case
    element = ET.SubElement(suite, "testcase", {"classname": group, "name": name})
    if outcome == "passed":
        ET.SubElement(element, "system-out").text = text
    else:
        ET.SubElement(element, outcome, {"message": text})
