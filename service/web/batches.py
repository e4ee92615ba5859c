"""Batches as pages: send a file, see what it would cost, watch it, fetch the grades."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path as FilePath
from tempfile import TemporaryDirectory
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response, status
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData, UploadFile

from service.access import Scope
from service.api import problems
from service.api.access import allow
from service.api.batch_schemas import estimate_document
from service.api.dependencies import ServicesOf
from service.api.problems import ProblemError, problem_for
from service.batches import TooManyLines
from service.bootstrap import Services
from service.csv_lines import UnknownColumns, csv_lines
from service.jobs import Batch, BatchId, Finished, LineError
from service.lines import RawLine, jsonl
from service.web import words
from service.web.errors import PageRoute
from service.web.render import page
from service.web.visitor import SameOrigin, Visitor, VisitorOf

router = APIRouter(prefix="/batches", include_in_schema=False, route_class=PageRoute)

READER, SENDER = allow(Scope.GRADES_READ), allow(Scope.BATCHES_WRITE)
SHOWN = 20
PIECE = 64 * 1024
MOST_USD = 1_000_000
Id = Annotated[str, Path(max_length=64)]


class NoBudget(ValueError):
    """The most to spend is no amount of dollars."""


_UNUSABLE = (UnknownColumns, UnicodeDecodeError, TooManyLines, NoBudget)


@dataclass(frozen=True, slots=True)
class Missing:
    """A line of a batch without a grade, and why."""

    line: int
    custom_id: str | None
    why: str


@router.get("", dependencies=[READER])
async def batches(request: Request, services: ServicesOf, who: VisitorOf) -> Response:
    """A place to drop a file, and what was sent before."""
    return await _list_page(request, services, who)


@router.post("", dependencies=[SENDER, SameOrigin])
async def send(request: Request, services: ServicesOf, who: VisitorOf) -> Response:
    """Start a batch, or only say what it would take."""
    async with request.form(max_files=1, max_fields=4) as form:
        file, only_estimate = form.get("file"), form.get("do") == "estimate"
        if not isinstance(file, UploadFile) or not file.filename:
            return await _list_page(request, services, who, fault="Choose a file first.")
        try:
            budget = _budget(form.get("max_cost_usd"))
            async with _lines(file, services.batches.line_bytes) as lines:
                if only_estimate:
                    found = estimate_document(await services.batches.dry_run(who.tenant, lines))
                    return await _list_page(
                        request, services, who, estimate=found, name=file.filename, budget=_typed(form)
                    )
                batch = await services.batches.take_in(who.tenant, lines, max_cost_usd=budget)
        except _UNUSABLE as error:
            return await _list_page(request, services, who, fault=_said(error), budget=_typed(form))
    return RedirectResponse(f"/batches/{batch.id}", status.HTTP_303_SEE_OTHER)


@router.get("/{batch_id}", dependencies=[READER])
async def one_batch(request: Request, batch_id: Id, services: ServicesOf, who: VisitorOf) -> Response:
    """How far it is, where to fetch the grades, and what has none."""
    batch = await _found(services, who, batch_id)
    missing = [entry async for entry in _first(services.batches.errors(batch.id), SHOWN)]
    return page(request, "batch.html.j2", batch=batch, done=_done(batch), missing=[_missing(one) for one in missing])


@router.post("/{batch_id}/cancel", dependencies=[SENDER, SameOrigin])
async def cancel(batch_id: Id, services: ServicesOf, who: VisitorOf) -> Response:
    """Stop it; what is graded stays."""
    batch = await _found(services, who, batch_id)
    await services.batches.cancel(who.tenant, batch.id)
    return RedirectResponse(f"/batches/{batch.id}", status.HTTP_303_SEE_OTHER)


async def _first(entries: AsyncIterator[LineError | Finished], most: int) -> AsyncIterator[LineError | Finished]:
    async for entry in entries:
        if most <= 0:
            return
        yield entry
        most -= 1


def _missing(entry: LineError | Finished) -> Missing:
    if isinstance(entry, Finished):
        return Missing(entry.line, entry.custom_id, words.ungraded(entry.record.reason))
    faults = [f"{fault['pointer'].removeprefix('#/')} {fault['detail']}".strip() for fault in entry.errors]
    return Missing(entry.line, entry.custom_id, "; ".join(faults))


def _typed(form: FormData) -> str:
    """What stood in the field for the budget."""
    text = form.get("max_cost_usd")
    return text[:40] if isinstance(text, str) else ""


def _budget(text: object) -> float | None:
    """The dollars of a form's field; None where it was left empty.

    Raises:
        NoBudget: it is no amount.
    """
    if not isinstance(text, str) or not text.strip():
        return None
    try:
        amount = float(text)
    except ValueError:
        raise NoBudget from None
    if not 0 <= amount <= MOST_USD:
        raise NoBudget
    return amount


def _said(error: Exception) -> str:
    """Why a file or a budget cannot be used."""
    if isinstance(error, UnknownColumns):
        return str(error)
    if isinstance(error, TooManyLines):
        return str(problem_for(error).detail)
    if isinstance(error, NoBudget):
        return f"The most to spend has to be an amount of dollars from 0 to {MOST_USD:,}, such as 2.50."
    return "The file is not UTF-8 text."


@asynccontextmanager
async def _lines(file: UploadFile, longest: int) -> AsyncIterator[AsyncIterator[RawLine]]:
    """The lines of an uploaded file, CSV or JSONL by its name; the copy on disk is gone afterwards."""
    with TemporaryDirectory(prefix="debrief-") as folder:
        kept = FilePath(folder) / "batch"
        with kept.open("wb") as copy:
            await asyncio.to_thread(shutil.copyfileobj, file.file, copy)
        is_csv = (file.filename or "").lower().endswith(".csv")
        yield csv_lines(kept) if is_csv else jsonl(_pieces(kept), longest)


async def _pieces(path: FilePath) -> AsyncIterator[bytes]:
    with path.open("rb") as content:
        while piece := await asyncio.to_thread(content.read, PIECE):
            yield piece


async def _list_page(
    request: Request,
    services: Services,
    who: Visitor,
    *,
    fault: str | None = None,
    estimate: object = None,
    name: str | None = None,
    budget: str = "",
) -> Response:
    found = await services.batches.page(who.tenant, None, SHOWN)
    return page(
        request,
        "batches.html.j2",
        422 if fault else 200,
        batches=[(batch, _done(batch)) for batch in found.batches],
        fault=fault,
        estimate=estimate,
        name=name,
        priced=services.batches.priced,
        budget=budget,
        may_send=Scope.BATCHES_WRITE in who.scopes,
    )


async def _found(services: Services, who: Visitor, batch_id: str) -> Batch:
    plain = batch_id.isascii() and batch_id.startswith("bat_") and batch_id[4:].isalnum()
    batch = await services.batches.get(who.tenant, BatchId(batch_id)) if plain else None
    if batch is None:
        raise ProblemError(problems.NOT_FOUND, "There is no such batch, or it is not yours to see.")
    return batch


def _done(batch: Batch) -> int:
    counts = batch.counts
    return counts.graded + counts.needs_review + counts.ungraded
