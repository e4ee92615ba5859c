"""Erased learners, remembered for a day, so that what was being made for one is not stored after all.

Whoever stores a new grade looks here in the same transaction. Erasing and storing wait for each other: on Postgres by
an advisory lock of the learner, on SQLite because one transaction writes at a time. So either the erasure comes first,
and the grade is refused, or the grade does, and is erased.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import ARRAY, BigInteger, Column, Connection, String, Table, bindparam, delete, insert, select, text

from service.ports import LearnerErased
from service.records import GradeRecord, Tenant
from service.storage.database import begin_writing, micros
from service.storage.personal import Impersonal, personal
from service.storage.tables import METADATA

REMEMBERED = timedelta(days=1)
"""Longer than any grade or upload of a batch takes."""

ERASURES = Table(
    "erasures",
    METADATA,
    Column("learner_sha256", String(64), primary_key=True),
    Column("erased_at", BigInteger, nullable=False),
    info=personal(Impersonal("a hash of tenant and learner, for a day")),
)

_ALONE = text("SELECT pg_advisory_xact_lock(:key)")
_TOGETHER = text("SELECT pg_advisory_xact_lock_shared(key) FROM unnest(:keys) AS key").bindparams(
    bindparam("keys", type_=ARRAY(BigInteger))
)


def shut_out(connection: Connection, tenant: Tenant, learner: str, now: datetime) -> None:
    """Let no grade of a learner be stored that was begun before ``now``; call it first when erasing."""
    begin_erasing(connection, tenant)
    name = _hash(tenant, learner)
    _lock(connection, name)
    connection.execute(delete(ERASURES).where(ERASURES.c.learner_sha256 == name))
    connection.execute(insert(ERASURES), {"learner_sha256": name, "erased_at": micros(now)})


def begin_erasing(connection: Connection, tenant: Tenant) -> None:
    """One at a time within a tenant: two that go together would each leave what they share to the other."""
    begin_writing(connection)
    _lock(connection, _hash(tenant, ""))


def refuse_erased(connection: Connection, record: GradeRecord) -> None:
    """Nothing, unless the record's learner was erased since it was begun; call it after the first write.

    Raises:
        LearnerErased: so it was.
    """
    learner = record.request.learner
    if learner and erased_since(connection, record.tenant, {learner}, micros(record.created_at)):
        raise LearnerErased


def erased_since(connection: Connection, tenant: Tenant, learners: Collection[str], begun: int) -> set[str]:
    """Those of a tenant's learners who were erased at a moment (microseconds) or later.

    Until the transaction ends, which has to be one that writes, none of the others is erased.
    """
    names = {_hash(tenant, learner): learner for learner in learners}
    if not names:
        return set()
    if connection.dialect.name != "sqlite":
        connection.execute(_TOGETHER, {"keys": sorted(map(_key, names))})
    wanted = select(ERASURES.c.learner_sha256).where(
        ERASURES.c.learner_sha256.in_(names), ERASURES.c.erased_at >= begun
    )
    return {names[name] for name in connection.execute(wanted).scalars()}


def forget_erasures(connection: Connection, now: datetime) -> int:
    """Forget erasures that are long past; how many."""
    past = ERASURES.c.erased_at < micros(now - REMEMBERED)
    return connection.execute(delete(ERASURES).where(past)).rowcount


def _lock(connection: Connection, name: str) -> None:
    if connection.dialect.name != "sqlite":
        connection.execute(_ALONE, {"key": _key(name)})


def _hash(tenant: Tenant, learner: str) -> str:
    return hashlib.sha256(f"{tenant}\0{learner}".encode()).hexdigest()


def _key(name: str) -> int:
    """The number Postgres locks by."""
    return int.from_bytes(bytes.fromhex(name[:16]), signed=True)
