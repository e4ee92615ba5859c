"""Keeping tenants' rubrics, on SQLite and Postgres."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from service.grading.rubric import Rubric, parse_rubric
from service.records import Tenant
from service.storage import Database, SqlRubricStore
from tests.grading.helpers import rubric_data

pytestmark = pytest.mark.anyio

MINE, YOURS = Tenant("mine"), Tenant("yours")
NOW = datetime(2026, 11, 25, tzinfo=UTC)


@pytest.fixture
def rubrics(database: Database) -> SqlRubricStore:
    """A rubric store on a fresh database."""
    return SqlRubricStore(database)


def made(version: str, title: str = "Tiny", name: str = "tiny") -> Rubric:
    """A rubric version."""
    return parse_rubric(rubric_data(id=name, version=version, title=title))


async def test_a_version_can_be_found_by_name_and_the_newest_by_id(rubrics: SqlRubricStore) -> None:
    """1.10.0 is newer than 1.9.0."""
    for version in ("1.9.0", "1.10.0", "1.2.0"):
        await rubrics.publish(MINE, made(version), NOW, 10)

    exact = await rubrics.find(MINE, "tiny@1.2.0")
    newest = await rubrics.find(MINE, "tiny")

    assert exact == made("1.2.0")
    assert newest == made("1.10.0")
    assert await rubrics.newest(MINE) == (made("1.10.0"),)


async def test_a_published_version_never_changes(rubrics: SqlRubricStore) -> None:
    """The first content stays, and the second publisher is told what is kept."""
    await rubrics.publish(MINE, made("1.0.0", "First"), NOW, 10)

    kept = await rubrics.publish(MINE, made("1.0.0", "Second"), NOW, 10)

    assert kept == made("1.0.0", "First")
    assert await rubrics.find(MINE, "tiny@1.0.0") == made("1.0.0", "First")


async def test_two_publishers_at_once_agree_on_what_is_kept(rubrics: SqlRubricStore) -> None:
    """Whoever comes first."""
    titles = [f"Title {number}" for number in range(8)]

    kept = await asyncio.gather(*(rubrics.publish(MINE, made("1.0.0", title), NOW, 100) for title in titles))

    assert {rubric.title for rubric in kept if rubric} == {(await rubrics.find(MINE, "tiny") or made("0.0.0")).title}


async def test_a_tenant_sees_its_own_rubrics_only(rubrics: SqlRubricStore) -> None:
    """And may use the same names as others."""
    await rubrics.publish(MINE, made("1.0.0", "Mine"), NOW, 10)
    await rubrics.publish(YOURS, made("1.0.0", "Yours"), NOW, 10)

    assert (await rubrics.find(MINE, "tiny") or made("0.0.0")).title == "Mine"
    assert [rubric.title for rubric in await rubrics.newest(YOURS)] == ["Yours"]
    assert await rubrics.find(Tenant("nobody"), "tiny") is None


async def test_the_number_of_versions_is_bounded(rubrics: SqlRubricStore) -> None:
    """One that is there already can still be sent again."""
    await rubrics.publish(MINE, made("1.0.0"), NOW, 2)
    await rubrics.publish(MINE, made("1.1.0"), NOW, 2)

    assert await rubrics.publish(MINE, made("1.2.0"), NOW, 2) is None
    assert await rubrics.publish(MINE, made("1.1.0"), NOW, 2) == made("1.1.0")
    assert await rubrics.find(MINE, "tiny@1.2.0") is None
