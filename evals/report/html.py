"""The report: one HTML file that opens offline. Nothing is loaded, and only its own script may run."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from evals.analysis import Analysis
from evals.report import charts
from evals.report.items import items_of
from evals.report.words import WORDS, headline, noise_sentence, title_of
from evals.stats.catalogue import METRICS
from evals.stats.observations import POOLED

TEMPLATES = Path(__file__).parent / "templates"
REPORT = "report.html"


def write_html(analysis: Analysis, folder: Path | None = None) -> Path:
    """Write ``report.html`` into a folder, the run's own unless named; returns the file."""
    path = (folder or analysis.run.folder) / REPORT
    path.write_text(render(analysis), encoding="utf-8")
    return path


def render(analysis: Analysis) -> str:
    """The report as text. Every word that came from outside is escaped."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"title_of": title_of, "percent": "{:.0%}".format, "fixed": "{:.2f}".format}
    script = (TEMPLATES / "report.js").read_text(encoding="utf-8")
    return environment.get_template("report.html.j2").render(
        analysis=analysis,
        head=analysis.run.head,
        items=items_of(analysis),
        headline=headline(analysis),
        noise_sentence=noise_sentence(analysis.noise),
        metrics=METRICS,
        words=WORDS,
        pooled=POOLED,
        charts=charts,
        style=(TEMPLATES / "report.css").read_text(encoding="utf-8"),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
