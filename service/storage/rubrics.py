"""The rubrics tenants publish: a version, once kept, never changes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, Select, func, select

from service.grading.rubric import Rubric
from service.records import Tenant
from service.storage.database import Database, insert_once, micros
from service.storage.tables import RUBRIC_TEXTS, RUBRICS


class SqlRubricStore:
    """Implements :class:`service.ports.RubricStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def publish(self, tenant: Tenant, rubric: Rubric, now: datetime, most: int) -> Rubric | None:
        """Keep a rubric unless its version is there already; what is kept under this id and version, if anything."""
        key = {"tenant": tenant, "id": rubric.id, "version": rubric.version}
        row = {**key, "sha256": rubric.sha256, "created_at": micros(now)}
        text = {"tenant": tenant, "sha256": rubric.sha256, "text": rubric.model_dump_json()}

        def work(connection: Connection) -> Rubric | None:
            kept = _texts(connection, tenant, rubric.id, rubric.version)
            if not kept and connection.execute(_count(tenant)).scalar_one() < most:
                insert_once(self._database, connection, RUBRIC_TEXTS, [text])
                insert_once(self._database, connection, RUBRICS, [row])
                kept = _texts(connection, tenant, rubric.id, rubric.version)
            return kept[0] if kept else None

        return await self._database.write(work)

    async def find(self, tenant: Tenant, reference: str) -> Rubric | None:
        """A tenant's rubric by ``id`` (its newest version) or ``id@version``."""
        rubric_id, _, version = reference.partition("@")
        found = await self._database.read(lambda connection: _texts(connection, tenant, rubric_id, version or None))
        return max(found, key=lambda rubric: rubric.version_key, default=None)

    async def newest(self, tenant: Tenant) -> tuple[Rubric, ...]:
        """The newest version of each of a tenant's rubrics, by id."""
        newest: dict[str, Rubric] = {}
        for rubric in await self._database.read(lambda connection: _texts(connection, tenant)):
            if rubric.id not in newest or newest[rubric.id].version_key < rubric.version_key:
                newest[rubric.id] = rubric
        return tuple(newest[name] for name in sorted(newest))


def _texts(
    connection: Connection, tenant: Tenant, rubric_id: str | None = None, version: str | None = None
) -> list[Rubric]:
    same = (RUBRIC_TEXTS.c.tenant == RUBRICS.c.tenant) & (RUBRIC_TEXTS.c.sha256 == RUBRICS.c.sha256)
    wanted = select(RUBRIC_TEXTS.c.text).join(RUBRICS, same).where(RUBRICS.c.tenant == tenant)
    if rubric_id is not None:
        wanted = wanted.where(RUBRICS.c.id == rubric_id)
    if version is not None:
        wanted = wanted.where(RUBRICS.c.version == version)
    return [Rubric.model_validate_json(text) for text in connection.execute(wanted).scalars()]


def _count(tenant: Tenant) -> Select[int]:
    return select(func.count()).select_from(RUBRICS).where(RUBRICS.c.tenant == tenant)
