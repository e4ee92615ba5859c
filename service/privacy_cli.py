"""Commands for operators: ``debrief privacy erase | export | sweep | retention``."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer
from pydantic import ValidationError

from service.ports import StoreUnavailable
from service.privacy import Privacy
from service.records import LOCAL_TENANT, Tenant
from service.settings import Settings
from service.terminal import fail, out

privacy_app = typer.Typer(no_args_is_help=True, help="Erase or export a learner; how long answers are kept.")

T = TypeVar("T")
Learner = Annotated[str, typer.Argument(help="The learner's reference, as the caller sent it.")]
OfTenant = Annotated[str, typer.Option("--tenant", help="Whose learner; a server without keys has one tenant, local.")]


@privacy_app.command()
def erase(learner: Learner, tenant: OfTenant = LOCAL_TENANT) -> None:
    """Remove everything kept on a learner. Backups are yours to deal with: see docs/hardening.md."""
    erased = _run(lambda privacy: privacy.erase(Tenant(tenant), learner))
    out.print(", ".join(f"{table} {count}" for table, count in erased.items()))


@privacy_app.command()
def export(learner: Learner, tenant: OfTenant = LOCAL_TENANT) -> None:
    """Print everything kept on a learner as JSON lines, to be sent on."""

    async def write(privacy: Privacy) -> None:
        from service.api.learner_data import export_lines

        async for line in export_lines(privacy, Tenant(tenant), learner):
            sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()

    _run(write)


@privacy_app.command()
def sweep() -> None:
    """Take the texts out of answers whose time is over, now; the server does so every hour."""
    out.print(f"{_run(lambda privacy: privacy.sweep())} answers expired")


@privacy_app.command()
def retention(
    tenant: Annotated[str, typer.Argument(help="Whose answers.")],
    days: Annotated[int | None, typer.Option(min=0, max=36_500, help="Days to keep answers; 0 is for ever.")] = None,
) -> None:
    """Give a tenant a time of its own; without --days it goes back to DEBRIEF_ANSWER_DAYS."""
    _run(lambda privacy: privacy.keep_answers(Tenant(tenant), days))
    out.print(f"{tenant}: " + ("as the settings say" if days is None else f"{days} days" if days else "for ever"))


def _run(work: Callable[[Privacy], Awaitable[T]]) -> T:
    """Do something with the database of the settings, or say why it cannot be done."""

    async def opened() -> T:
        from service.bootstrap import open_privacy

        async with open_privacy(Settings()) as privacy:
            return await work(privacy)

    try:
        return asyncio.run(opened())
    except (StoreUnavailable, ValueError) as error:
        said = "the settings cannot be used" if isinstance(error, ValidationError) else str(error)
        fail(f"{said}.", "See README.md, section Settings.")
