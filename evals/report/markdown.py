"""``summary.md``: what a pull request shows."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from evals.analysis import Analysis
from evals.report.words import SIGNS, WORDS, headline, noise_sentence, title_of
from evals.stats.catalogue import METRICS
from evals.stats.observations import POOLED

TEMPLATES = Path(__file__).parent / "templates"
SUMMARY = "summary.md"
MOST_TURNED = 10
_ESCAPED = str.maketrans({char: f"\\{char}" for char in "|`*_[]<>#~"} | {"\n": " ", "\r": " "})


def write_markdown(analysis: Analysis, folder: Path | None = None) -> Path:
    """Write ``summary.md`` into a folder, the run's own unless named; returns the file."""
    environment = Environment(  # noqa: S701 - Markdown, not HTML; the filter below escapes
        loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"md": escaped, "title_of": title_of}
    text = environment.get_template("summary.md.j2").render(
        analysis=analysis,
        headline=headline(analysis),
        noise=noise_sentence(analysis.noise),
        metrics=METRICS,
        signs=SIGNS,
        words=WORDS,
        pooled=POOLED,
        most=MOST_TURNED,
    )
    path = (folder or analysis.run.folder) / SUMMARY
    path.write_text(text, encoding="utf-8")
    return path


def escaped(text: object) -> str:
    """Text that Markdown takes literally, on one line."""
    return str(text).translate(_ESCAPED)
