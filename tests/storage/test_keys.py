"""Keys through their whole life, on both databases."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa

from service.access import ALL_SCOPES, KeyId, Scope
from service.key_text import new_key
from service.keys import FIRST_KEY, REMEMBERED_SECONDS, KeyRefused, Keys, UnknownKey
from service.records import LOCAL_TENANT, Tenant
from service.storage import Database, SqlKeyStore
from service.storage.tables import KEYS
from tests.clock import HeldClock

pytestmark = pytest.mark.anyio
MINE = Tenant("mine")
READ = frozenset({Scope.GRADES_READ})


@pytest.fixture
def clock() -> HeldClock:
    """A clock that stands still."""
    return HeldClock()


@pytest.fixture
def keys(database: Database, clock: HeldClock) -> Keys:
    """The keys as one process sees them."""
    return Keys(SqlKeyStore(database), clock)


async def refused(keys: Keys, text: str) -> str:
    """Why a key is not accepted."""
    with pytest.raises(KeyRefused) as refusal:
        await keys.access_of(text)
    return str(refusal.value)


async def test_a_key_opens_its_tenant_with_its_scopes(keys: Keys) -> None:
    """And nothing else."""
    issued = await keys.create(MINE, "ci", READ)

    access = await keys.access_of(issued.text)

    assert (access.tenant, access.scopes, access.key_id, access.learner) == (MINE, READ, issued.key.id, None)
    assert await keys.all(MINE) == (issued.key,)
    assert await keys.all(Tenant("yours")) == ()


async def test_a_dump_of_the_database_holds_no_key(keys: Keys, database: Database) -> None:
    """No issued text, nor its second half, in any column."""
    texts = [(await keys.create(MINE, "n", READ)).text for _ in range(20)]

    rows = await database.read(lambda connection: str(connection.execute(sa.select(KEYS)).all()))

    assert len(await keys.all()) == 20
    assert not [text for text in texts if text in rows or text[len(text) // 2 :] in rows]


async def test_typos_are_told_apart_and_dead_keys_are_not(keys: Keys, clock: HeldClock) -> None:
    """Unknown, revoked and expired look the same; no refusal repeats what was sent."""
    revoked = await keys.create(MINE, "r", READ)
    expired = await keys.create(MINE, "e", READ, timedelta(hours=1))
    await keys.access_of(expired.text)
    await keys.revoke(revoked.key.id)
    clock.pass_(3_600)
    good = new_key()

    dead = {await refused(keys, text) for text in (revoked.text, expired.text, good)}
    typo = await refused(keys, good[:-1] + ("x" if good[-1] != "x" else "y"))

    assert len(dead) == 1
    assert "checksum" in typo
    assert "begin with dbf_" in await refused(keys, "secret")
    assert "secret" not in await refused(keys, "secret")


async def test_a_revoked_key_is_dead_in_other_processes_within_five_seconds(keys: Keys, clock: HeldClock) -> None:
    """Each process remembers keys for less than that."""
    other = Keys(keys.store, clock)
    issued = await keys.create(MINE, "n", READ)
    await other.access_of(issued.text)

    await keys.revoke(issued.key.id)
    clock.pass_(REMEMBERED_SECONDS)

    assert REMEMBERED_SECONDS <= 5
    assert await refused(keys, issued.text) == await refused(other, issued.text)


async def test_a_recognised_key_is_remembered_for_a_moment_only(keys: Keys, clock: HeldClock) -> None:
    """Until then the store is not asked again."""
    issued = await keys.create(MINE, "n", READ)
    await keys.access_of(issued.text)

    await keys.store.end(issued.key.id, clock.now() + timedelta(seconds=0.5))
    await keys.access_of(issued.text)
    clock.pass_(REMEMBERED_SECONDS)

    assert "revoked" in await refused(keys, issued.text)


async def test_two_keys_are_live_while_one_is_rotated(keys: Keys, clock: HeldClock) -> None:
    """The new one is like the old one, which ends after the time given."""
    old = await keys.create(MINE, "ci", READ)

    new = await keys.rotate(old.key.id, timedelta(hours=24))
    both = [await keys.access_of(issued.text) for issued in (old, new)]
    clock.pass_(24 * 3_600)

    assert {access.tenant for access in both} == {MINE}
    assert (new.key.name, new.key.scopes) == ("ci", READ)
    assert "expired" in await refused(keys, old.text)
    assert (await keys.access_of(new.text)).key_id == new.key.id


async def test_rotating_never_lengthens_the_life_of_a_key(keys: Keys) -> None:
    """A revoked one stays revoked."""
    old = await keys.create(MINE, "ci", READ)
    await keys.revoke(old.key.id)

    await keys.rotate(old.key.id, timedelta(days=30))

    await refused(keys, old.text)


@pytest.mark.parametrize("do", ["rotate", "revoke"])
async def test_an_unknown_id_is_said(keys: Keys, do: str) -> None:
    """Not passed over."""
    with pytest.raises(UnknownKey):
        await (keys.revoke(KeyId("x")) if do == "revoke" else keys.rotate(KeyId("x"), timedelta(0)))


async def test_a_server_that_ever_had_a_key_never_answers_without_one_again(keys: Keys, clock: HeldClock) -> None:
    """Revoking the last key locks, it does not open."""
    before = await keys.exist()
    issued = await keys.create(MINE, "n", READ)
    await keys.revoke(issued.key.id)
    fresh = Keys(keys.store, clock)

    assert not before
    assert await keys.exist()
    assert await fresh.exist()
    assert not await fresh.any_live()


async def test_a_first_key_made_elsewhere_is_noticed(keys: Keys, clock: HeldClock) -> None:
    """While the server runs without keys it looks again and again."""
    server = Keys(keys.store, clock)
    before = await server.exist()
    await keys.create(MINE, "n", READ)
    clock.pass_(REMEMBERED_SECONDS)

    assert not before
    assert await server.exist()


async def test_many_processes_starting_at_once_make_one_first_key(keys: Keys, clock: HeldClock) -> None:
    """For everything of the local tenant; later starts make none."""
    made = await asyncio.gather(*(Keys(keys.store, clock).create_first() for _ in range(10)))
    issued = [one for one in made if one is not None]

    assert len(issued) == 1
    assert (issued[0].key.id, issued[0].key.tenant, issued[0].key.scopes) == (FIRST_KEY, LOCAL_TENANT, ALL_SCOPES)
    assert (await keys.access_of(issued[0].text)).tenant == LOCAL_TENANT
    assert await keys.create_first() is None
