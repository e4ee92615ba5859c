"""``debrief keys create | list | rotate | revoke | limits``: who may use the service, for what, and how much."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeVar

import typer
from rich.text import Text

from service.access import MEANING, TENANT_SCOPES, USUAL_SCOPES, ApiKey, KeyId, Scope
from service.allowances import Allowance, AllowanceStore
from service.bootstrap import open_keys
from service.keys import IssuedKey, Keys, UnknownKey
from service.ports import StoreUnavailable
from service.records import LOCAL_TENANT, Tenant
from service.settings import Settings
from service.terminal import err, fail, out

T = TypeVar("T")

Requests = Annotated[int | None, typer.Option(help="All requests of the tenant.", min=1)]
TokensUsed = Annotated[int | None, typer.Option(help="Tokens of models, in and out.", min=1)]
Dollars = Annotated[float | None, typer.Option(help="Spent on models in a UTC day.", min=0)]

ALL = "all"
_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SPAN = re.compile(r"(\d{1,5})([hd])")
_HOURS = {"h": 1, "d": 24}

keys_app = typer.Typer(
    no_args_is_help=True,
    help="Keys. Once there is one, nothing is answered without a key.\n\nScopes:\n\n"
    + "\n\n".join(f"{scope}: {meaning}" for scope, meaning in MEANING.items()),
)


@keys_app.command("create")
def create(
    tenant: Annotated[str, typer.Option(help="Whose grades it opens: letters, digits, . _ -")] = LOCAL_TENANT,
    name: Annotated[str, typer.Option(help="To know the key by: who or what uses it.")] = "",
    scopes: Annotated[str, typer.Option(help="Separated by commas; all is everything in the tenant.")] = ",".join(
        sorted(USUAL_SCOPES)
    ),
    lasts: Annotated[str | None, typer.Option(help="E.g. 90d or 12h; for ever if left out.")] = None,
    requests_per_minute: Requests = None,
    tokens_per_minute: TokensUsed = None,
    usd_per_day: Dollars = None,
) -> None:
    """Make a key and show it, once. Limits, where given, are the tenant's: for all its keys together."""
    if not _TENANT.fullmatch(tenant):
        fail(f"a tenant cannot be called {tenant!r}.", "Use 1 to 64 letters, digits, dots, hyphens or underscores.", 2)
    if len(name) > 100:
        fail("the name is too long.", "Use at most 100 characters.", 2)
    wanted, lasting = _scopes(scopes), None if lasts is None else _span(lasts)
    given = Allowance(requests_per_minute, tokens_per_minute, usd_per_day)
    if given != Allowance():
        _with_keys(lambda _, allowances: _allow(allowances, Tenant(tenant), given))
    _show_once(_with_keys(lambda keys, _: keys.create(Tenant(tenant), name, wanted, lasting)))


@keys_app.command("limits")
def limits(
    tenant: Annotated[str, typer.Option(help="Whose.")],
    requests_per_minute: Requests = None,
    tokens_per_minute: TokensUsed = None,
    usd_per_day: Dollars = None,
    reset: Annotated[bool, typer.Option("--reset", help="Forget the limits set before.")] = False,
) -> None:
    """Set what a tenant may use, or show it; servers follow within 5 seconds."""
    given = Allowance(requests_per_minute, tokens_per_minute, usd_per_day)
    now = _with_keys(lambda _, allowances: _allow(allowances, Tenant(tenant), given, reset=reset))
    requests = f"{now.requests_per_minute or Settings().limits.requests_per_minute} requests a minute"
    tokens = f"{now.tokens_per_minute or 'no limit of'} tokens a minute"
    usd = "no limit of dollars" if now.usd_per_day is None else f"$ {now.usd_per_day:g} a day"
    out.print(Text(f"{tenant}: {requests}, {tokens}, {usd}"), soft_wrap=True)


@keys_app.command("list")
def list_keys(tenant: Annotated[str | None, typer.Option(help="Only this one's keys.")] = None) -> None:
    """Show every key, a line each: id, tenant, name, how it begins, when made, state, scopes; never the key."""
    keys = _with_keys(lambda keys, _: keys.all(None if tenant is None else Tenant(tenant)))
    for key in keys:
        made = f"made {key.created_at:%Y-%m-%d}"
        line = (key.id, key.tenant, key.name or "-", f"{key.prefix}...", made, _state(key), _written(key.scopes))
        out.print(Text("  ".join(line)), soft_wrap=True)
    if not keys:
        err.print("There are no keys: the server answers its own machine only. debrief keys create makes one.")


@keys_app.command("rotate")
def rotate(
    key_id: Annotated[str, typer.Argument(help="The key's id (debrief keys list).")],
    keep_old: Annotated[str, typer.Option(help="How long the old one goes on: e.g. 24h, 7d, 0h.")] = "24h",
) -> None:
    """Make a key like an old one, show it once, and let the old one end after a while."""
    grace = _span(keep_old)
    _show_once(_with_keys(lambda keys, _: keys.rotate(KeyId(key_id), grace)))
    err.print(Text(f"The old key {key_id} ends in {keep_old} at the latest; debrief keys revoke {key_id} ends it now."))


@keys_app.command("revoke")
def revoke(key_id: Annotated[str, typer.Argument(help="The key's id (debrief keys list).")]) -> None:
    """End a key: within 5 seconds no process accepts it any more."""
    key = _with_keys(lambda keys, _: keys.revoke(KeyId(key_id)))
    out.print(Text(f"{key.id} ({key.prefix}...) is revoked."))


async def _allow(store: AllowanceStore, tenant: Tenant, given: Allowance, *, reset: bool = False) -> Allowance:
    """What the tenant may use now, after setting what was given."""
    before = Allowance() if reset else await store.allowance(tenant)
    now = Allowance(
        given.requests_per_minute or before.requests_per_minute,
        given.tokens_per_minute or before.tokens_per_minute,
        before.usd_per_day if given.usd_per_day is None else given.usd_per_day,
    )
    if reset or now != before:
        await store.allow(tenant, now)
    return now


def show_first(issued: IssuedKey) -> None:
    """Show the key a server made for itself."""
    err.print("This server had no keys and made one, for everything. It is not shown again:")
    err.print(Text(issued.text), soft_wrap=True)


def _show_once(issued: IssuedKey) -> None:
    key = issued.key
    err.print(Text(f"{key.id} for {key.tenant}: {', '.join(sorted(key.scopes))}. Keep it now, it is not shown again:"))
    out.print(Text(issued.text), soft_wrap=True)


def _scopes(text: str) -> frozenset[Scope]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in (*Scope, ALL)]
    if unknown or not names:
        fail(f"there is no scope {', '.join(unknown) or 'named'}.", f"There are: {', '.join(Scope)}; or all.", 2)
    return frozenset(Scope(name) for name in names if name != ALL) | (TENANT_SCOPES if ALL in names else frozenset())


def _written(scopes: frozenset[Scope]) -> str:
    """As ``--scopes`` takes them."""
    if scopes >= TENANT_SCOPES:
        return ",".join([ALL, *sorted(scopes - TENANT_SCOPES)])
    return ",".join(sorted(scopes))


def _span(text: str) -> timedelta:
    match = _SPAN.fullmatch(text)
    if match is None:
        fail(f"{text!r} is no length of time.", "Write hours or days, e.g. 12h or 90d.", 2)
    return timedelta(hours=int(match[1]) * _HOURS[match[2]])


def _state(key: ApiKey) -> str:
    if key.ends_at is None:
        return "live"
    return f"{'live until' if key.live(datetime.now(UTC)) else 'ended'} {key.ends_at:%Y-%m-%d %H:%M}"


def _with_keys(work: Callable[[Keys, AllowanceStore], Awaitable[T]]) -> T:
    async def run() -> T:
        async with open_keys(Settings()) as (keys, allowances):
            return await work(keys, allowances)

    try:
        return asyncio.run(run())
    except UnknownKey:
        fail("there is no key of this id.", "debrief keys list shows all.")
    except (StoreUnavailable, ValueError) as error:
        fail(f"{error}", "Look at DEBRIEF_DATABASE__URL.")
