"""``debrief golden list | show | add``: the answers that graders are measured against."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from evals.console import explained, give_up
from evals.golden import GOLDEN, GoldenRow, load_golden
from service.grading.rubric import DEFAULT_RUBRIC
from service.records import LOCAL_TENANT, Tenant
from service.settings import Settings
from service.terminal import out

OWN = GOLDEN / "own.jsonl"
HUMAN_IDS = "human-"

app = typer.Typer(no_args_is_help=True, help="Golden answers: answers with known levels.")

Folder = Annotated[Path, typer.Option("--folder", help="Where the rows lie.", show_default="evals/golden")]


@app.command("list")
def list_(
    suite: Annotated[str | None, typer.Option(help="smoke, dev, test, attacks or a path.")] = None,
    kind: Annotated[str | None, typer.Option(help="E.g. ladder.")] = None,
    folder: Folder = GOLDEN,
) -> None:
    """List rows: what each is for and what its levels are."""
    with explained():
        rows = [row for row in _rows(suite, folder) if kind in (None, row.kind)]
    table = Table("id", "kind", "split", "labels", "question", box=None)
    for row in rows:
        labels = " ".join(f"{criterion}={label.truth:g}" for criterion, label in row.labels.items())
        table.add_row(*map(Text, (row.id, row.kind, row.split, labels, row.question[:60])))
    out.print(table)
    out.print(Text(f"{len(rows)} rows"))


@app.command()
def show(
    row_id: Annotated[str, typer.Argument(help="Id of the row.")],
    as_json: Annotated[bool, typer.Option("--json", help="As it stands in the file.")] = False,
    folder: Folder = GOLDEN,
) -> None:
    """Show one row in full."""
    with explained():
        row = next((row for row in _all(folder) if row.id == row_id), None)
        if row is None:
            give_up(f"there is no row called {row_id}. List them: debrief golden list")
    if as_json:
        sys.stdout.write(row.model_dump_json(exclude_defaults=True) + "\n")
        return
    for name, value in row.model_dump(exclude_defaults=True).items():
        out.print(Text.assemble((f"{name}: ", "bold"), _shown(value)))


@app.command()
def add(
    as_json: Annotated[str | None, typer.Option("--json", help="The whole row, or - for standard input.")] = None,
    row_id: Annotated[str | None, typer.Option("--id")] = None,
    question: Annotated[str | None, typer.Option()] = None,
    answer: Annotated[str | None, typer.Option()] = None,
    reference: Annotated[str | None, typer.Option(help="What a right answer says.")] = None,
    label: Annotated[list[str] | None, typer.Option(help="CRITERION=LEVEL; repeatable.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Its kind first; repeatable.")] = None,
    split: Annotated[str | None, typer.Option(help="dev or test.")] = None,
    group: Annotated[str | None, typer.Option(help="Of rows that are compared with each other.")] = None,
    note: Annotated[str | None, typer.Option(help="Why the labels are right.")] = None,
    rubric: Annotated[str, typer.Option(help="The rubric the labels belong to.")] = DEFAULT_RUBRIC,
    to: Annotated[
        Path, typer.Option("--to", help="The file it is added to.", show_default="evals/golden/own.jsonl")
    ] = OWN,
    from_reviews: Annotated[
        bool, typer.Option("--from-reviews", help="Make rows of what people said on grades, in place of one row.")
    ] = False,
    flagged: Annotated[
        bool, typer.Option("--flagged", help="With --from-reviews: only those marked to be golden answers.")
    ] = False,
    suite: Annotated[str | None, typer.Option(help="With --from-reviews: the file's name, without .jsonl.")] = None,
    database: Annotated[
        str | None,
        typer.Option(help="With --from-reviews: where the reviews are.", show_default="DEBRIEF_DATABASE__URL"),
    ] = None,
    tenant: Annotated[str, typer.Option(help="With --from-reviews: whose reviews.")] = LOCAL_TENANT,
    folder: Folder = GOLDEN,
) -> None:
    """Add a row, asking for what is missing when at a terminal; or rows from people's reviews."""
    with explained():
        if from_reviews:
            _add_reviews(suite, database, tenant, folder, flagged=flagged)
            return
        parts = {"id": row_id, "question": question, "answer": answer, "reference": reference}
        more = {"label": label, "tag": tag, "split": split, "group": group, "note": note, "rubric": rubric}
        row = _validated(_json(as_json) if as_json is not None else _data({**parts, **more}))
        _accept(row, to, folder)
        out.print(Text(f"{row.id} added to {to}"))


def _add_reviews(suite: str | None, database: str | None, tenant: str, folder: Path, *, flagged: bool) -> None:
    import asyncio

    from evals.from_reviews import opinions, suite_path, write_suite
    from service.bootstrap import open_reviews
    from service.library import FileLibrary
    from service.ports import StoreUnavailable

    if suite is None:
        give_up("--suite is missing: the rows are written to <folder>/<suite>.jsonl.")
    path, settings = suite_path(suite, folder), Settings()

    async def found() -> Any:
        async with open_reviews(database or settings.database.url) as store:
            return await opinions(store, Tenant(tenant), flagged=flagged)

    try:
        said = asyncio.run(found())
    except (StoreUnavailable, ValueError) as error:
        give_up(f"{error}. Check --database.")
    known = [row for row in _all(folder) if not row.id.startswith(HUMAN_IDS)]
    changes = write_suite(path, said, known, FileLibrary(settings.content_dir))
    counts = f"{len(changes.added)} new, {len(changes.changed)} changed, {len(changes.removed)} gone"
    out.print(Text(f"{changes.rows} rows in {path}: {counts}"))
    for grade_id in changes.unusable:
        out.print(Text(f"left out, over a limit of golden rows: {grade_id}", style="yellow"))


def _accept(row: GoldenRow, to: Path, folder: Path) -> None:
    from evals.additions import append_rows, check_addition
    from evals.golden import read_rows
    from evals.suites import check_labels, rubric_called
    from service.library import FileLibrary

    check_labels(row, rubric_called(row.rubric, FileLibrary(Settings().content_dir)))
    elsewhere = list(read_rows(to)) if to.exists() and to.parent.resolve() != folder.resolve() else []
    check_addition(row, [*_all(folder), *elsewhere])
    append_rows(to, [row])


def _json(text: str) -> dict[str, Any]:
    import json

    try:
        data = json.loads(sys.stdin.read() if text == "-" else text)
    except ValueError:
        give_up("the row is not valid JSON.")
    if not isinstance(data, dict):
        give_up("the row is not a JSON object.")
    return data


def _data(given: dict[str, Any]) -> dict[str, Any]:
    """A row's members from options, the missing ones asked for."""
    from evals.additions import label_of

    for name, asked in (("id", "id"), ("question", "question"), ("answer", "answer"), ("split", "split (dev or test)")):
        if given[name] is None:
            given[name] = _ask(name, asked)
    labels = given.pop("label") or _ask("label", "labels (criterion=level, with spaces between)").split()
    tags = given.pop("tag") or _ask("tag", "tags (kind first, with spaces between)").split()
    found = {name: value for name, value in given.items() if value is not None}
    return {
        **found,
        "labels": {c: la.model_dump(exclude_none=True) for c, la in map(label_of, labels)},
        "tags": tags,
    }


def _ask(option: str, question: str) -> str:
    if not sys.stdin.isatty():
        give_up(f"--{option} is missing.")
    return str(typer.prompt(question))


def _validated(data: dict[str, Any]) -> GoldenRow:
    import json

    from pydantic import ValidationError

    from service.grading.errors import faults_of

    try:
        return GoldenRow.model_validate_json(json.dumps(data))
    except ValidationError as error:
        give_up(f"the row cannot be used: {faults_of(error)}.")


def _rows(suite: str | None, folder: Path) -> list[GoldenRow]:
    from evals.suites import golden_rows

    return _all(folder) if suite is None else golden_rows(suite, folder)


def _all(folder: Path) -> list[GoldenRow]:
    from evals.suites import ATTACKS

    return [*load_golden(folder), *load_golden(folder / ATTACKS)]


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_shown(part)}" for name, part in value.items())
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
