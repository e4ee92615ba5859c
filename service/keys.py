"""Keys: made, shown once, rotated, revoked, and recognised when they are shown.

Recognised keys are remembered for ``REMEMBERED_SECONDS``, so a key revoked in one process is dead in every other
after at most that long.
"""

from __future__ import annotations

import hmac
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import timedelta

from ulid import ULID

from service.access import ALL_SCOPES, Access, ApiKey, KeyId, Scope
from service.key_text import SHOWN, digest, is_key, is_mistyped, new_key
from service.ports import Clock, KeyStore
from service.records import LOCAL_TENANT, Tenant

REMEMBERED_SECONDS = 2.0
REMEMBERED_KEYS = 10_000
FIRST_KEY = KeyId("key_first")
"""The id of the key a server makes for itself: fixed, so that two processes starting at once make one."""


class KeyRefused(Exception):
    """The text shown is no live key; the message says what to look at and never repeats it."""


class UnknownKey(Exception):
    """There is no key of this id."""


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new key with its text, which exists only here: it cannot be shown again."""

    text: str
    key: ApiKey


@dataclass(slots=True)
class Keys:
    """All keys of all tenants.

    Raises (every method that is not a property):
        StoreUnavailable: the keys cannot be read or written now.
    """

    store: KeyStore
    clock: Clock
    _known: OrderedDict[str, tuple[float, ApiKey | None]] = field(default_factory=OrderedDict)
    _found_any: bool = False
    _looked_at: float = float("-inf")

    async def exist(self) -> bool:
        """Whether a key was ever made, revoked ones included: from then on nothing is answered without one."""
        now = self.clock.monotonic()
        if not self._found_any and now - self._looked_at >= REMEMBERED_SECONDS:
            self._found_any = await self.store.any()
            self._looked_at = now
        return self._found_any

    async def any_live(self) -> bool:
        """Whether some key opens the service now."""
        now = self.clock.now()
        return any(key.live(now) for key in await self.store.keys(None))

    async def create(
        self, tenant: Tenant, name: str, scopes: frozenset[Scope], lasting: timedelta | None = None
    ) -> IssuedKey:
        """A new key; its text is in the result and nowhere else."""
        issued = self._issued(KeyId(f"key_{ULID()}"), tenant, name, scopes, lasting)
        await self.store.add(issued.key)
        self._found_any = True
        return issued

    async def create_first(self) -> IssuedKey | None:
        """A key for everything of the local tenant, unless there ever was a key: then None."""
        if await self.store.any():
            return None
        issued = self._issued(FIRST_KEY, LOCAL_TENANT, "first key", ALL_SCOPES, None)
        return issued if await self.store.add(issued.key) else None

    async def rotate(self, key_id: KeyId, keep_old: timedelta) -> IssuedKey:
        """A new key like an old one, which stays live for ``keep_old`` longer at most.

        Raises:
            UnknownKey: there is none of this id.
        """
        old = await self.store.get(key_id)
        if old is None:
            raise UnknownKey
        issued = await self.create(old.tenant, old.name, old.scopes)
        await self._end(old, keep_old)
        return issued

    async def revoke(self, key_id: KeyId) -> ApiKey:
        """End a key now; other processes notice within ``REMEMBERED_SECONDS``.

        Raises:
            UnknownKey: there is none of this id.
        """
        key = await self.store.get(key_id)
        if key is None:
            raise UnknownKey
        return await self._end(key, timedelta(0))

    async def all(self, tenant: Tenant | None = None) -> tuple[ApiKey, ...]:
        """Every key, oldest first; of one tenant if named."""
        return await self.store.keys(tenant)

    async def access_of(self, text: str) -> Access:
        """What the key shown opens.

        Raises:
            KeyRefused: it is no key, mistyped, or unknown, revoked or expired, which look the same.
        """
        if not is_key(text):
            raise KeyRefused("What was sent is not a key of debrief: keys begin with dbf_ and have 53 characters.")
        if is_mistyped(text):
            raise KeyRefused("The key is mistyped or cut off: its checksum does not fit.")
        sha256 = digest(text)
        key = await self._recognised(sha256)
        if key is None or not hmac.compare_digest(key.sha256, sha256) or not key.live(self.clock.now()):
            raise KeyRefused("The key is unknown, revoked or expired.")
        return key.access()

    async def access_by_id(self, key_id: KeyId) -> Access | None:
        """What a key opens that was shown before, as for a session; None when it is unknown, revoked or expired."""
        key = await self.store.get(key_id)
        return key.access() if key is not None and key.live(self.clock.now()) else None

    async def _recognised(self, sha256: str) -> ApiKey | None:
        now = self.clock.monotonic()
        remembered = self._known.get(sha256)
        if remembered is not None and now - remembered[0] < REMEMBERED_SECONDS:
            return remembered[1]
        key = await self.store.find(sha256)
        self._known[sha256] = (now, key)
        self._known.move_to_end(sha256)
        while len(self._known) > REMEMBERED_KEYS:
            self._known.popitem(last=False)
        return key

    async def _end(self, key: ApiKey, after: timedelta) -> ApiKey:
        ended = await self.store.end(key.id, self.clock.now() + after)
        self._known.pop(key.sha256, None)
        return ended or key

    def _issued(
        self, key_id: KeyId, tenant: Tenant, name: str, scopes: frozenset[Scope], lasting: timedelta | None
    ) -> IssuedKey:
        text, now = new_key(), self.clock.now()
        ends_at = None if lasting is None else now + lasting
        return IssuedKey(text, ApiKey(key_id, tenant, name, scopes, text[:SHOWN], digest(text), now, ends_at))
