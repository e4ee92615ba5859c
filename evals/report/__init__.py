"""What people read of a run: one HTML file, a summary for a pull request, JUnit XML for a build server, a table."""

from evals.report.html import write_html
from evals.report.junit import write_junit
from evals.report.markdown import write_markdown
from evals.report.terminal import print_table

__all__ = ["print_table", "write_html", "write_junit", "write_markdown"]
