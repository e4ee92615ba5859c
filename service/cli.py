"""The command line: ``debrief serve | worker | grade | batch | keys | models | questions | rubric check |
rubric import | prompt check | eval | golden | privacy``.

Exit codes: 0 done, 1 refused or failed (the message says what to do), 2 wrong usage.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.table import Table
from rich.text import Text

import evals.cli
import evals.golden_cli
from service import __version__
from service.batch_cli import grade_file, report, work_until_told
from service.catalogue import Catalogue
from service.content_cli import prompt_app, questions, rubric_app
from service.grade_text import print_grade
from service.grading.errors import GradingError, InvalidSubmission
from service.grading.grade import GradeStatus
from service.grading.question import Question
from service.grading.rubric import DEFAULT_RUBRIC, Rubric
from service.grading.submission import Context, Submission, submit
from service.keys_cli import keys_app, show_first
from service.privacy_cli import privacy_app
from service.records import LOCAL_TENANT, Detail, GradeRecord, GradeRequest
from service.settings import EMBEDDED, Settings
from service.terminal import err, fail, out

LOOPBACK = ("127.0.0.1", "localhost", "::1")
ANSWER_EXAMPLE = "It is the probability that the null hypothesis is true, so below 0.05 the effect is real."

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Grades interview answers; feedback you can act on.")
app.add_typer(keys_app, name="keys")
app.add_typer(rubric_app, name="rubric")
app.add_typer(prompt_app, name="prompt")
app.add_typer(evals.cli.app, name="eval")
app.add_typer(evals.golden_cli.app, name="golden")
app.add_typer(privacy_app, name="privacy")
app.command()(questions)


def main() -> None:
    """Entry point of the ``debrief`` command."""
    app()


def _version(wanted: bool) -> None:
    if wanted:
        out.print(f"debrief {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    """Grades interview answers; feedback you can act on."""


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on (DEBRIEF_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (DEBRIEF_PORT).", min=0, max=65_535)] = None,
    create_first_key: Annotated[
        bool, typer.Option("--create-first-key", help="Make a key and show it once, if there never was one.")
    ] = False,
) -> None:
    """Start the HTTP service; fetches the embedded model first if it is needed and missing."""
    from evals.for_pages import compare_folders
    from service.api.serving import serve as serve_until_stopped
    from service.telemetry import set_up_logging
    from service.web.app import create_site

    settings = _settings()
    host, port = host or settings.host, settings.port if port is None else port
    with _explained():
        has_keys = asyncio.run(_keys_ready(settings, create_first_key))
    if host not in LOOPBACK and not has_keys:
        fail(
            f"without keys debrief listens on this machine only, not on {host}.",
            "Make a key (debrief keys create --name ...), or add --create-first-key, or leave --host out.",
        )
    _fetch_model(settings)
    set_up_logging(settings.log_level)
    with _explained():
        web = create_site(settings, compare_runs=compare_folders)
    _print_invitation(host, port, has_keys)
    serve_until_stopped(web, host, port, settings.seconds.drain)


async def _keys_ready(settings: Settings, create_first: bool) -> bool:
    """Whether there is a live key, after making the first one if that is wished."""
    from service.bootstrap import open_keys

    async with open_keys(settings) as (keys, _):
        if create_first and (issued := await keys.create_first()):
            show_first(issued)
        return await keys.any_live()


def _print_invitation(host: str, port: int, has_keys: bool) -> None:
    base = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    body = f'{{"question": "Can you explain what a p-value is?", "answer": "{ANSWER_EXAMPLE}"}}'
    err.print(f"[bold]debrief {__version__}[/bold] on {base}  (API documentation: {base}/docs, stop: Ctrl-C)")
    err.print(f"Practise an answer: {base}/", markup=False)
    err.print("Or, from a shell:")
    key = " -H 'Authorization: Bearer dbf_...'" if has_keys else ""
    json = " -H 'Content-Type: application/json'"
    err.print(f"curl -s {base}/v1/grades{key}{json} -d '{body}'", soft_wrap=True, markup=False)


@app.command()
def grade(
    answer: Annotated[str, typer.Option(help="The candidate's answer, or - to read it from standard input.")],
    question: Annotated[str | None, typer.Option(help="The interview question.")] = None,
    question_id: Annotated[str | None, typer.Option(help="A question of the bank (debrief questions).")] = None,
    reference: Annotated[str | None, typer.Option(help="What a right answer says.")] = None,
    key_point: Annotated[list[str] | None, typer.Option(help="A point a right answer covers; repeatable.")] = None,
    rubric: Annotated[str | None, typer.Option(help="id, id@version, or a file; else as the stage asks.")] = None,
    industry: Annotated[str | None, typer.Option(help="E.g. healthcare.")] = None,
    audience: Annotated[str | None, typer.Option(help="E.g. executives.")] = None,
    stage: Annotated[str | None, typer.Option(help="E.g. phone screen.")] = None,
    seniority: Annotated[str | None, typer.Option(help="E.g. junior.")] = None,
    language: Annotated[str | None, typer.Option(help="Language of the feedback.")] = None,
    scores: Annotated[bool, typer.Option("--scores", help="Levels only, no commentary.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the grade as the API returns it.")] = False,
) -> None:
    """Grade one answer and print the feedback."""
    settings = _settings()
    if (question is None) == (question_id is None):
        fail("one of --question and --question-id is needed.", "debrief questions lists the question bank.", 2)
    submission = Submission(
        question=question or "",
        answer=sys.stdin.read().strip("\n") if answer == "-" else answer,
        reference=reference,
        key_points=tuple(key_point or ()),
        context=Context(industry=industry, audience=audience, stage=stage, seniority=seniority),
        language=language,
    )
    _fetch_model(settings)
    with _explained():
        record = asyncio.run(_grade(settings, submission, question_id, rubric, "scores" if scores else "full"))
    if as_json:
        from service.api.schemas import grade_document

        sys.stdout.write(grade_document(record).model_dump_json(indent=2) + "\n")
    else:
        print_grade(record, out)
    if record.status is GradeStatus.UNGRADED:
        raise typer.Exit(1)


async def _grade(
    settings: Settings, given: Submission, question_id: str | None, rubric: str | None, detail: Detail
) -> GradeRecord:
    from service.bootstrap import limits

    async with _services(settings) as services:
        catalogue: Catalogue = services.catalogue
        asked = _asked(question_id, catalogue) if question_id else None
        request = GradeRequest(
            submission=submit(catalogue.completed(asked, given) if asked else given, limits(settings)),
            rubric=await _rubric(rubric or (asked.stage.rubric if asked else DEFAULT_RUBRIC), catalogue),
            question_id=question_id,
            detail=detail,
            data_policy=settings.data_policy,
        )
        with err.status("Reading the answer ...") if err.is_terminal else _nothing():
            record: GradeRecord = await services.grading.grade(LOCAL_TENANT, request)
    return record


def _asked(question_id: str, catalogue: Catalogue) -> Question:
    question = catalogue.question(question_id)
    if question is None:
        fail(f"the question bank has no {question_id}.", "debrief questions lists what there is.")
    return question


async def _rubric(reference: str, catalogue: Catalogue) -> Rubric:
    from service.library import load_rubric

    path = Path(reference)
    if path.suffix in (".yaml", ".yml"):
        return load_rubric(path)
    found = await catalogue.rubric(LOCAL_TENANT, reference)
    if found is None:
        names = ", ".join(rubric.reference for rubric in await catalogue.rubrics(LOCAL_TENANT))
        fail(f"there is no rubric called {reference}.", f"There are: {names}; or give a YAML file.")
    return found


@app.command()
def batch(
    file: Annotated[
        Path, typer.Argument(help="JSONL (a grade request with a custom_id a line), or CSV with a header.")
    ],
    to: Annotated[Path, typer.Option("--out", help="Where the grades go, as JSONL in the file's order.")],
    max_cost_usd: Annotated[float | None, typer.Option(help="A budget in US dollars; what is done is kept.")] = None,
    new: Annotated[bool, typer.Option("--new", help="Start over although this file was begun or done before.")] = False,
) -> None:
    """Grade a file of answers. Stop it whenever you like: the same command goes on where it was."""
    settings = _settings()
    if not file.is_file():
        fail(f"there is no file {file}.", "Give a JSONL or CSV file.", 2)
    _fetch_model(settings)
    with _explained():
        done = asyncio.run(grade_file(settings, file, to, new=new, max_cost_usd=max_cost_usd))
    report(done, to)


@app.command()
def worker(
    concurrency: Annotated[
        int | None, typer.Option(help="Answers graded at once (DEBRIEF_WORKER__CONCURRENCY).")
    ] = None,
) -> None:
    """Grade what was sent to be graded later, until told to stop; as many of these as you like on Postgres."""
    from service.telemetry import set_up_logging

    settings = _settings()
    if concurrency is not None:
        at_once = settings.worker.model_copy(update={"concurrency": max(1, concurrency)})
        settings = settings.model_copy(update={"worker": at_once})
    _fetch_model(settings)
    set_up_logging(settings.log_level)
    with _explained():
        asyncio.run(work_until_told(settings))


@app.command()
def models() -> None:
    """Show the configured model: whether it can be reached, which judge fits it, what it costs."""
    settings = _settings()
    with _explained():
        rows, fine = asyncio.run(_model_facts(settings))
    table = Table(show_header=False, box=None)
    for name, value in rows:
        table.add_row(Text(name, style="bold"), Text(value))
    out.print(table)
    if not fine:
        raise typer.Exit(1)


async def _model_facts(settings: Settings) -> tuple[list[tuple[str, str]], bool]:
    from service.bootstrap import build_grader, open_backend
    from service.grading.errors import ModelError
    from service.grading.models import ChatRequest, Message, Tokens
    from service.library import FileLibrary
    from service.lineup import Models, in_words
    from service.llm.retry import ResilientChat

    backend = open_backend(settings)
    main = ResilientChat(backend)
    build_grader(settings, FileLibrary(settings.content_dir), main, Models(settings, main))
    cost = backend.cost_usd(Tokens(input=1_500, output=700))
    rows = [
        ("model", settings.model),
        ("judge", in_words(settings, backend.capabilities)),
        (
            "log-probabilities",
            f"up to {backend.capabilities.top_logprobs}" if backend.capabilities.top_logprobs else "no",
        ),
        ("a grade costs about", "unknown price" if cost is None else f"$ {cost:.4f} (1,500 tokens in, 700 out)"),
    ]
    if settings.model == EMBEDDED and not _has_model(settings):
        rows.append(("file", f"not fetched yet (1.1 GB, on first use, into {settings.embedded.cache_dir})"))
        return rows, True
    hello = ChatRequest("check", (Message("user", "Reply with the word ready."),), max_tokens=4)
    try:
        await backend.prepare()
        reply = await backend.complete(hello, settings.call_seconds)
    except ModelError as error:
        rows.append(("reachable", f"no: {error.detail}"))
        return rows, False
    finally:
        await backend.close()
    rows.append(("reachable", f"yes, answers as {reply.reported or settings.model}"))
    return rows, True


def _settings() -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        faults = "; ".join(
            f"DEBRIEF_{'__'.join(str(part).upper() for part in item['loc'])}: {item['msg']}"
            for item in error.errors(include_input=False)
        )
        fail(f"the settings cannot be used: {faults}.", "Correct these environment variables.")


def _has_model(settings: Settings) -> bool:
    from service.llm.model_files import QWEN_CODER_1_5B

    return (
        settings.embedded.path is not None or (settings.embedded.cache_dir / "models" / QWEN_CODER_1_5B.name).is_file()
    )


def _fetch_model(settings: Settings) -> None:
    """Have the embedded model's file before anything waits for it, with a progress bar."""
    if settings.model != EMBEDDED:
        return
    from service.bootstrap import model_finder
    from service.llm.model_files import RichProgress

    with _explained():
        model_finder(settings, RichProgress())()


@asynccontextmanager
async def _services(settings: Settings) -> AsyncIterator[Any]:
    from service.bootstrap import open_services
    from service.telemetry import set_up_logging

    set_up_logging("WARNING")
    async with open_services(settings) as services:
        yield services


class _nothing:  # noqa: N801 - reads as a context manager
    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


class _explained:  # noqa: N801 - reads as a context manager
    """Turn errors a user can act on into a message and exit code 1."""

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        from service.bootstrap import Misconfigured
        from service.llm.model_files import ModelFileError
        from service.ports import StoreUnavailable
        from service.workflow import Overloaded

        if isinstance(error, InvalidSubmission):
            fail(f"the {error.field} {error.problem}.", "Correct it and try again.")
        if isinstance(
            error, Misconfigured | ModelFileError | GradingError | StoreUnavailable | Overloaded | ValueError
        ):
            fail(f"{error}", "See README.md, section Settings.")
        if isinstance(error, KeyboardInterrupt):
            fail("stopped.", "Nothing half-written was left; start it again to go on.")


if __name__ == "__main__":
    main()
