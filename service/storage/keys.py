"""The keys of all tenants, by the hash of their text."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, RowMapping, or_, select, update

from service.access import ApiKey, KeyId, Scope
from service.records import Tenant
from service.storage.database import EPOCH, Database, insert_once, micros
from service.storage.tables import KEYS


class SqlKeyStore:
    """Implements :class:`service.ports.KeyStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, key: ApiKey) -> bool:
        """Keep a new key; False when its id is taken."""
        row = {
            "id": key.id,
            "tenant": key.tenant,
            "name": key.name,
            "scopes": " ".join(sorted(key.scopes)),
            "prefix": key.prefix,
            "sha256": key.sha256,
            "created_at": micros(key.created_at),
            "ends_at": None if key.ends_at is None else micros(key.ends_at),
        }

        def work(connection: Connection) -> bool:
            insert_once(self._database, connection, KEYS, [row])
            kept = connection.execute(select(KEYS.c.sha256).where(KEYS.c.id == key.id)).scalar()
            return kept == key.sha256

        return await self._database.write(work)

    async def get(self, key_id: KeyId) -> ApiKey | None:
        """A key by its id."""
        return await self._database.read(lambda connection: _by_id(connection, key_id))

    async def find(self, sha256: str) -> ApiKey | None:
        """A key by the hash of its text."""
        wanted = select(KEYS).where(KEYS.c.sha256 == sha256)

        def work(connection: Connection) -> ApiKey | None:
            row = connection.execute(wanted).mappings().first()
            return _key(row) if row else None

        return await self._database.read(work)

    async def keys(self, tenant: Tenant | None) -> tuple[ApiKey, ...]:
        """Every key, oldest first."""
        wanted = select(KEYS).order_by(KEYS.c.created_at, KEYS.c.id)
        if tenant is not None:
            wanted = wanted.where(KEYS.c.tenant == tenant)
        return await self._database.read(
            lambda connection: tuple(_key(row) for row in connection.execute(wanted).mappings())
        )

    async def any(self) -> bool:
        """Whether there is or was a key."""
        wanted = select(KEYS.c.id).limit(1)
        return await self._database.read(lambda connection: connection.execute(wanted).scalar() is not None)

    async def end(self, key_id: KeyId, at: datetime) -> ApiKey | None:
        """Let a key end at ``at`` unless it ends before."""
        later = or_(KEYS.c.ends_at.is_(None), KEYS.c.ends_at > micros(at))
        change = update(KEYS).where(KEYS.c.id == key_id, later).values(ends_at=micros(at))

        def work(connection: Connection) -> ApiKey | None:
            connection.execute(change)
            return _by_id(connection, key_id)

        return await self._database.write(work)


def _by_id(connection: Connection, key_id: KeyId) -> ApiKey | None:
    row = connection.execute(select(KEYS).where(KEYS.c.id == key_id)).mappings().first()
    return _key(row) if row else None


def _key(row: RowMapping) -> ApiKey:
    known = {scope.value for scope in Scope}
    return ApiKey(
        id=KeyId(row["id"]),
        tenant=Tenant(row["tenant"]),
        name=row["name"],
        scopes=frozenset(Scope(name) for name in row["scopes"].split() if name in known),
        prefix=row["prefix"],
        sha256=row["sha256"],
        created_at=_moment(row["created_at"]),
        ends_at=None if row["ends_at"] is None else _moment(row["ends_at"]),
    )


def _moment(value: int) -> datetime:
    return EPOCH + timedelta(microseconds=value)
