"""``debrief batch FILE --out graded.jsonl`` and ``debrief worker``."""

from __future__ import annotations

import asyncio
import hashlib
import signal
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from pydantic import BaseModel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from service.api.batch_schemas import error_line, result_line
from service.csv_lines import csv_lines
from service.jobs import Batch, BatchStatus
from service.lines import jsonl
from service.records import LOCAL_TENANT
from service.settings import Settings
from service.terminal import err

if TYPE_CHECKING:
    from service.bootstrap import Services

PIECE_BYTES = 64 * 1024
_AGAIN = frozenset({BatchStatus.CANCELLED, BatchStatus.FAILED})


async def grade_file(settings: Settings, file: Path, out: Path, *, new: bool, max_cost_usd: float | None) -> Batch:
    """Grade a file's lines, or go on where an earlier run of the same file stopped, and write what came out.

    Returns:
        The finished batch. Its grades are in ``out``, in the file's order; what has none is in
        ``out`` with the suffix ``.errors.jsonl``.
    """
    from service.bootstrap import open_services

    async with open_services(settings) as services:
        batch = await _begun(services, settings, file, new, max_cost_usd)
        async with services.worker.running():
            batch = await _followed(services, batch)
        await _write(services, batch, out)
    return batch


async def _begun(services: Services, settings: Settings, file: Path, new: bool, max_cost_usd: float | None) -> Batch:
    source = await asyncio.to_thread(_digest, file)
    found = None if new else await services.batches.of_source(LOCAL_TENANT, source)
    if found is not None and found.status not in _AGAIN:
        done = found.counts.total - found.counts.in_progress
        err.print(f"Going on with {found.id}: {done} of {found.counts.total} answers are done (--new starts over).")
        return found
    lines = csv_lines(file) if file.suffix.lower() == ".csv" else jsonl(_pieces(file), settings.limits.body_bytes)
    return await services.batches.take_in(LOCAL_TENANT, lines, max_cost_usd=max_cost_usd, source=source)


async def _followed(services: Services, batch: Batch) -> Batch:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=err, disable=not err.is_terminal) as progress:
        bar = progress.add_task("Grading", total=batch.counts.total)
        async for now in services.batches.progress(batch):
            progress.update(bar, completed=now.counts.total - now.counts.in_progress)
            batch = now
    return batch


async def _write(services: Services, batch: Batch, out: Path) -> None:
    await _replace(out, (result_line(item) async for item in services.batches.results(batch.id)))
    counts = batch.counts
    errors = errors_file(out)
    if counts.ungraded or counts.invalid:
        await _replace(errors, (error_line(entry) async for entry in services.batches.errors(batch.id)))
    else:
        errors.unlink(missing_ok=True)


def errors_file(out: Path) -> Path:
    """Where what has no grade is written."""
    return out.with_name(out.stem + ".errors.jsonl")


async def _replace(path: Path, documents: AsyncIterator[BaseModel]) -> None:
    """Write a file as a whole or not at all."""
    new = path.with_name(path.name + ".part")
    with ExitStack() as stack:
        file = stack.enter_context(new.open("wb"))
        async for document in documents:
            file.write(document.__pydantic_serializer__.to_json(document) + b"\n")
    new.replace(path)


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


async def _pieces(file: Path) -> AsyncIterator[bytes]:
    with file.open("rb") as content:
        while piece := content.read(PIECE_BYTES):
            yield piece


def report(batch: Batch, out: Path) -> None:
    """Say what came out.

    Raises:
        typer.Exit: with 1 where something has no grade.
    """
    counts = batch.counts
    cost = "unknown cost" if batch.cost_usd is None else f"$ {batch.cost_usd:.4f}"
    err.print(f"{counts.graded + counts.needs_review} graded ({counts.needs_review} to be reviewed), {cost}: {out}")
    if batch.reason is not None:
        err.print(f"Stopped early: {batch.reason.detail}.", markup=False)
    if counts.ungraded or counts.invalid:
        err.print(f"{counts.ungraded} not graded, {counts.invalid} lines refused: {errors_file(out)}")
        raise typer.Exit(1)


async def work_until_told(settings: Settings) -> None:
    """Grade what is due, and send webhooks, until SIGTERM or SIGINT; then finish or hand back what is under way."""
    from service.bootstrap import open_services
    from service.telemetry import log

    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    async with open_services(settings) as services, services.courier.running(), services.worker.running():
        log("worker_ready", concurrency=settings.worker.concurrency)
        await told.wait()
