"""``debrief eval run | import | sets``: compare prompts, bring in other people's test sets.

Exit codes of ``run``: 0 pass, 1 a prompt got worse, 2 it could not be found out.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.text import Text

import evals.analysis_cli
from evals.analysis_cli import conclude
from evals.console import explained, give_up
from service.grading.rubric import DEFAULT_RUBRIC
from service.settings import Settings
from service.terminal import err, out

RUNS = Path("evals/runs")
JUDGES = ("readout", "single_call", "panel", "cascade")
YES = ("true", "1", "yes", "on")

app = typer.Typer(no_args_is_help=True, help="Compare prompt versions; find out whether grading got better.")
app.add_typer(evals.analysis_cli.app)


@app.command()
def run(
    prompt: Annotated[list[str] | None, typer.Option(help="id or id@version; repeatable, the base first.")] = None,
    suite: Annotated[str | None, typer.Option(help="smoke, dev, test, attacks, a path, or a public set.")] = None,
    judge: Annotated[str | None, typer.Option(help="readout, single_call, panel or cascade (DEBRIEF_JUDGE).")] = None,
    model: Annotated[str | None, typer.Option(help="The model (DEBRIEF_MODEL).")] = None,
    rubric: Annotated[str | None, typer.Option(help="Only rows of this one: id, id@version or a YAML file.")] = None,
    data: Annotated[Path | None, typer.Option(help="The file of a public set, e.g. with --suite saf.")] = None,
    mapping: Annotated[
        list[str] | None, typer.Option("--map", help="NAME=COLUMN, NAME==TEXT, CRITERION=COLUMN:LOW-HIGH.")
    ] = None,
    where: Annotated[list[str] | None, typer.Option(help="Only records with COLUMN=VALUE.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many rows, of every kind.")] = None,
    seed: Annotated[int | None, typer.Option(help="Which rows --limit takes.")] = None,
    labelled_only: Annotated[
        bool | None, typer.Option("--labelled-only/--all-criteria", help="Leave out criteria without labels.")
    ] = None,
    repeat: Annotated[int | None, typer.Option(min=0, max=99, help="Grade each row so often again: noise.")] = None,
    explain: Annotated[bool | None, typer.Option("--explain", help="Write the commentary, too.")] = None,
    budget_usd: Annotated[float | None, typer.Option(min=0, help="Stop before it costs more.")] = None,
    replay: Annotated[bool, typer.Option("--replay", help="Recorded replies only (CI=true implies it).")] = False,
    record: Annotated[bool, typer.Option("--record", help="Record the replies of this run.")] = False,
    resume: Annotated[str | None, typer.Option(help="Go on with a stopped run.")] = None,
    out_dir: Annotated[Path, typer.Option("--out", help="Folder of the runs.")] = RUNS,
    recorded: Annotated[Path | None, typer.Option(hidden=True, help="Folder of recorded replies.")] = None,
) -> None:
    """Grade a suite with two or more prompts and compare them."""
    with explained():
        settings = Settings()
        given = {
            "suite": suite,
            "data": str(data) if data else None,
            "mapping": mapping,
            "where": where,
            "rubric": rubric,
            "labelled_only": labelled_only,
            "limit": limit,
            "seed": seed,
            "prompts": prompt,
            "judge": judge,
            "model": model,
            "repeats": repeat,
            "explain": explain,
        }
        plan = _plan({name: value for name, value in given.items() if value}, settings, resume, out_dir)
        if plan.data and labelled_only is None and resume is None:
            plan = plan.model_copy(update={"labelled_only": True})
        _run(plan, settings, _asked(_mode(replay, record), out_dir, recorded, budget_usd), resume)


def _plan(given: dict[str, Any], settings: Settings, resume: str | None, out_dir: Path) -> Any:
    from evals.manifest import Plan, read_manifest

    if resume is not None:
        if given:
            give_up(f"--resume goes on as the run was begun: leave out {', '.join(given)}.")
        return read_manifest(out_dir / resume).plan
    if given.get("judge") not in (None, *JUDGES):
        give_up(f"no judge called {given['judge']} can be evaluated: {', '.join(JUDGES)}.")
    if not given.get("data") and {"mapping", "where"} & given.keys():
        give_up("--map and --where go with --data FILE.")
    base = {
        "suite": "smoke",
        "judge": settings.judge,
        "members": settings.judges.members,
        "escalate_below": settings.judges.escalate_below,
        "model": settings.model,
        "samples": settings.samples,
    }
    return Plan.model_validate({**base, **given})


def _mode(replay: bool, record: bool) -> Literal["ask", "replay", "record"]:
    if replay and record:
        give_up("--replay and --record exclude each other.")
    if record:
        return "record"
    return "replay" if replay or os.environ.get("CI", "").lower() in YES else "ask"


def _asked(
    mode: Literal["ask", "replay", "record"], out_dir: Path, recorded: Path | None, budget_usd: float | None
) -> Any:
    from evals.replies import RECORDED
    from evals.run import Asked
    from service.llm.model_files import RichProgress

    command = ("debrief", *sys.argv[1:])
    return Asked(mode, out_dir, recorded or RECORDED, budget_usd, command, RichProgress())


def _run(plan: Any, settings: Settings, asked: Any, resume: str | None) -> None:
    from evals.progress import watcher
    from evals.run import Run

    going = Run.opened(plan, settings, asked, resume)
    _announce(going)
    try:
        asyncio.run(going.go(watcher(err)))
    except KeyboardInterrupt:
        give_up(f"stopped; what is done stays. Go on with: debrief eval run --resume {going.manifest.id}")
    if going.manifest.status == "over_budget":
        err.print(Text(f"stopped at the budget. Go on with: debrief eval run --resume {going.manifest.id}"))
    raise typer.Exit(conclude(going.folder))


def _announce(going: Any) -> None:
    names = " and ".join(variant.name for variant in going.variants)
    err.print(Text(f"{going.suite.name}, n = {len(going.suite.rows)}, {going.card.name}: {names}", style="bold"))
    if going.suite.source:
        err.print(Text(f"{going.suite.source.name}, licence: {going.suite.source.licence}"))
    for note in going.suite.notes:
        err.print(Text(note))
    err.print(Text(f"into {going.folder}", style="dim"))


@app.command("import")
def import_(
    tool: Annotated[str, typer.Argument(help="promptfoo, inspect or openai-evals.")],
    file: Annotated[Path, typer.Argument(help="The tool's file of test cases.")],
    to: Annotated[Path, typer.Option("--out", help="Golden rows are written here; it may not exist yet.")],
    rubric: Annotated[str, typer.Option(help="The rubric that labels belong to.")] = DEFAULT_RUBRIC,
    mapping: Annotated[
        list[str] | None, typer.Option("--map", help="NAME=COLUMN, NAME==TEXT, CRITERION=COLUMN:LOW-HIGH.")
    ] = None,
    labels: Annotated[str, typer.Option(help="Who gave the scores: authored or human.")] = "authored",
) -> None:
    """Turn another tool's test cases into golden rows."""
    with explained():
        from evals.adapters.foreign import imported
        from evals.suites import check_labels, rubric_called
        from service.library import FileLibrary

        if to.exists():
            give_up(f"{to} exists. Name a new file.")
        if labels not in ("authored", "human"):
            give_up("--labels is authored or human.")
        chosen = rubric_called(rubric, FileLibrary(Settings().content_dir))
        source: Literal["authored", "human"] = "human" if labels == "human" else "authored"
        rows = imported(tool, file, chosen, tuple(mapping or ()), source)
        for row in rows:
            check_labels(row, chosen)
        to.write_text("".join(f"{row.model_dump_json(exclude_defaults=True)}\n" for row in rows), encoding="utf-8")
        out.print(Text(f"{len(rows)} rows written to {to}"))
        if bare := sum(not row.labels for row in rows):
            out.print(Text(f"{bare} of them have no label yet and measure nothing: add levels, or import with --map."))


@app.command()
def sets() -> None:
    """List the public human-scored sets that can be read with --suite NAME --data FILE."""
    from evals.adapters.public import PUBLIC_SETS

    for name, about in PUBLIC_SETS.items():
        out.print(Text.assemble((name, "bold"), f": {about.title}"), soft_wrap=True)
        out.print(Text(f"  scale: {about.scale}; licence: {about.licence}; source: {about.url}"), soft_wrap=True)
