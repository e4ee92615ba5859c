"""Requests by their Idempotency-Key. Claiming is one transaction, so exactly one of many copies gets the key."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import orjson
from sqlalchemy import ColumnElement, Connection, RowMapping, delete, select, update

from service.keyed_requests import KeptAnswer, KeyClaim, KeyedRequest
from service.storage.database import Database, begin_writing, insert_once, micros
from service.storage.tables import GRADES, GRADES_AT, IDEMPOTENCY

_T = IDEMPOTENCY.c


class SqlIdempotencyStore:
    """Implements :class:`service.keyed_requests.IdempotencyStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(
        self, claim: KeyClaim, now: datetime, leased_until: datetime, expires_at: datetime
    ) -> KeyClaim | KeptAnswer | KeyedRequest | None:
        """KeyClaim a key, or what stands in the way."""
        request = claim.request
        row = {
            "tenant": request.tenant,
            "key": request.key,
            "fingerprint": request.fingerprint,
            "effect": claim.effect,
            "holder": claim.holder,
            "leased_until": micros(leased_until),
            "expires_at": micros(expires_at),
        }
        wanted = select(IDEMPOTENCY).where(_named(request)).with_for_update()
        take_over = update(IDEMPOTENCY).where(_named(request))

        def work(connection: Connection) -> KeyClaim | KeptAnswer | KeyedRequest | None:
            connection.execute(delete(IDEMPOTENCY).where(_T.expires_at <= micros(now)))
            insert_once(self._database, connection, IDEMPOTENCY, [row])
            found = connection.execute(wanted).mappings().one()
            if found["holder"] == claim.holder:
                return claim
            standing = _standing(found, request)
            if standing is not None or found["leased_until"] > micros(now):
                return standing
            connection.execute(take_over.values(holder=claim.holder, leased_until=micros(leased_until)))
            return replace(claim, effect=found["effect"], resumed=True)

        return await self._database.write(work)

    async def lease(self, claim: KeyClaim, until: datetime) -> None:
        """Let the claim run until then."""
        change = update(IDEMPOTENCY).where(_held(claim)).values(leased_until=micros(until))
        await self._database.write(lambda connection: connection.execute(change))

    async def keep(self, claim: KeyClaim, answer: KeptAnswer) -> None:
        """Keep the answer, or free the key where the grade it tells of is gone or has expired."""
        told = _grade_in(answer)
        mine = (GRADES.c.id == told) & (GRADES.c.tenant == claim.request.tenant)
        wanted = select(GRADES.c.id).where(mine, GRADES.c.expired_at.is_(None)).with_for_update()
        change = (
            update(IDEMPOTENCY)
            .where(_held(claim))
            .values(
                status=answer.status,
                headers=orjson.dumps(answer.headers).decode(),
                body=answer.body,
                location=answer.location,
            )
        )

        def work(connection: Connection) -> None:
            begin_writing(connection)
            gone = told is not None and connection.execute(wanted).first() is None
            connection.execute(delete(IDEMPOTENCY).where(_held(claim)) if gone else change)

        await self._database.write(work)

    async def forget(self, claim: KeyClaim) -> None:
        """Free the key."""
        change = delete(IDEMPOTENCY).where(_held(claim))
        await self._database.write(lambda connection: connection.execute(change))


def _named(request: KeyedRequest) -> ColumnElement[bool]:
    return (_T.tenant == request.tenant) & (_T.key == request.key)


def _held(claim: KeyClaim) -> ColumnElement[bool]:
    return _named(claim.request) & (_T.holder == claim.holder) & _T.status.is_(None)


def _grade_in(answer: KeptAnswer) -> str | None:
    """The id of the grade that an answer tells of."""
    at = answer.location or ""
    return at.removeprefix(GRADES_AT) if at.startswith(GRADES_AT) else None


def _standing(found: RowMapping, request: KeyedRequest) -> KeptAnswer | KeyedRequest | None:
    """What the key stands for already: another request, or an answer."""
    if found["fingerprint"] != request.fingerprint:
        return replace(request, fingerprint=found["fingerprint"])
    if found["status"] is None:
        return None
    headers = tuple((str(name), str(value)) for name, value in orjson.loads(found["headers"]))
    return KeptAnswer(found["status"], headers, bytes(found["body"]), found["location"])
