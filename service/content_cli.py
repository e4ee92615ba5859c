"""Commands for those who write content: ``debrief rubric check | import``, ``debrief prompt check``,
``debrief questions``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
import yaml
from rich.table import Table
from rich.text import Text

from service.canvas import Imported, InvalidCanvas, import_canvas
from service.checks import Anchored, Checked, check_content
from service.grading.errors import GradingError
from service.grading.lint import Finding
from service.grading.rubric import Rubric
from service.library import FileLibrary, load_prompt
from service.settings import Settings
from service.terminal import err, fail, out

rubric_app = typer.Typer(no_args_is_help=True, help="Rubrics, the question bank and context notes.")
prompt_app = typer.Typer(no_args_is_help=True, help="Prompts.")


@rubric_app.command("check")
def rubric_check(paths: Annotated[list[Path], typer.Argument(help="Files or folders.")]) -> None:
    """Check rubrics, questions and context notes: every finding with file, line, why it matters, how to mend it.

    Ends with 1 when something is an error; warnings alone end with 0.
    """
    checked = check_content(files_of(paths, "*.yaml"), _anchors())
    for item in checked:
        for finding in item.findings:
            _print_finding(item, finding)
    faulty = sum(item.faulty for item in checked)
    warnings = sum(finding.severity == "warning" for item in checked for finding in item.findings)
    if faulty or not checked:
        fail(f"{faulty} of {len(checked)} files cannot be used as they are.", "Mend the places named above.")
    out.print(f"{_count(len(checked), 'file')} checked, no faults, {_count(warnings, 'warning')}")


@rubric_app.command("import")
def rubric_import(
    file: Annotated[Path, typer.Argument(help="Canvas rubric: JSON of its API, or CSV of its template.")],
    to: Annotated[Path, typer.Option("--out", help="Folder for the rubric files.")] = Path(),
    force: Annotated[bool, typer.Option("--force", help="Write over files that are there.")] = False,
) -> None:
    """Turn Canvas rubrics into rubric files, and say what to look at in each."""
    try:
        found = import_canvas(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        fail(f"{file} cannot be read ({error.strerror}).", "Name a file that Canvas exported.")
    except UnicodeDecodeError:
        fail(f"{file} is not UTF-8 text.", "Save it as UTF-8 and try again.")
    except (InvalidCanvas, GradingError) as error:
        fail(f"{file} cannot be imported: {error}.", "docs/rubrics.md says which Canvas files are read.")
    if not to.is_dir():
        fail(f"there is no folder {to}.", "Make it first, or leave --out away to write into this one.")
    targets = _targets(found, to)
    if not force and (there := [path for path in targets if path.exists()]):
        fail(f"{there[0]} is there already.", "Move it away, or add --force to write over it.")
    for imported, path in zip(found, targets, strict=True):
        path.write_text(as_yaml(imported.rubric), encoding="utf-8")
        _print_imported(imported, path)


def _targets(found: list[Imported], folder: Path) -> list[Path]:
    names: list[str] = []
    for imported in found:
        numbered = (f"{imported.rubric.id}-{n}" for n in range(2, len(found) + 2))
        names.append(next(name for name in (imported.rubric.id, *numbered) if name not in names))
    return [folder / f"{name}.yaml" for name in names]


def as_yaml(rubric: Rubric) -> str:
    """A rubric file's text."""
    data = rubric.model_dump(mode="json", exclude_none=True)
    for criterion in data["criteria"]:
        if not criterion["factual"]:
            del criterion["factual"]
    return str(yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=110))


def _print_imported(imported: Imported, path: Path) -> None:
    rubric = imported.rubric
    size = f"{_count(len(rubric.criteria), 'criterion', 'criteria')}, {rubric.levels} levels each"
    out.print(Text(f"{path}: {rubric.title} ({size})", style="bold"))
    for remark in imported.remarks:
        out.print(Text(f"  look at this: {remark}"))
    for item in check_content([path]):
        for finding in item.findings:
            _print_finding(item, finding)
    out.print(Text(f"  next: mend what is named, then debrief rubric check {path}"))


@prompt_app.command("check")
def prompt_check(paths: Annotated[list[Path], typer.Argument(help="Prompt files or folders.")]) -> None:
    """Check prompts: front matter, sections, unknown variables."""
    files = files_of(paths, "*.md")
    faults = 0
    for file in files:
        try:
            load_prompt(file)
        except GradingError as error:
            faults += 1
            err.print(Text(str(error), style="red"))
    if faults or not files:
        fail(f"{faults} of {len(files)} prompt files are not valid.", "Mend the places named above.")
    out.print(f"{_count(len(files), 'prompt file')} checked, no faults")


def questions(
    topic: Annotated[str | None, typer.Option(help="Only this topic.")] = None,
    stage: Annotated[str | None, typer.Option(help="Only this stage, e.g. technical-phone-screen.")] = None,
    industry: Annotated[str | None, typer.Option(help="Only questions whose answer changes there.")] = None,
) -> None:
    """List the question bank; an id goes into ``debrief grade --question-id``."""
    table = Table("id", "stage", "difficulty", "question", box=None, header_style="bold")
    for part in FileLibrary(Settings().content_dir).topics():
        for question in part.questions:
            wanted = topic in (None, part.topic) and stage in (None, question.stage.value)
            if wanted and (industry is None or industry in question.industries):
                table.add_row(question.id, question.stage.value, question.difficulty, Text(question.text))
    if not table.row_count:
        fail("no question matches.", "Leave a filter out; without any the whole bank is listed.")
    out.print(table)


def files_of(paths: list[Path], pattern: str) -> list[Path]:
    """The files named, and those in the folders named."""
    for path in paths:
        if not path.exists():
            fail(f"{path} does not exist.", "Name a file or a folder.")
    return [file for path in paths for file in (sorted(path.rglob(pattern)) if path.is_dir() else [path])]


def _anchors() -> Anchored | None:
    """Looks anchors up in the golden answers, where the evaluation half of the project is installed."""
    try:
        from evals.golden import anchored, load_golden
    except ImportError:
        return None
    rows = load_golden()
    return lambda rubric_id: anchored(rows, rubric_id)


def _print_finding(item: Checked, finding: Finding) -> None:
    place = f"{item.path}:{finding.line}" if finding.line else str(item.path)
    style = "red" if finding.severity == "error" else "yellow"
    what = f"{finding.severity}: {finding.what}"
    err.print(Text.assemble((f"{place}: ", "bold"), (what, style), f" [{finding.rule}]"), soft_wrap=True)
    err.print(Text(f"    why: {finding.why}\n    mend: {finding.mend}"), soft_wrap=True)


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
