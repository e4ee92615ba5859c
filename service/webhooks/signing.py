"""Signing secrets and signatures (Standard Webhooks 1.0, HMAC-SHA256).

A secret is never stored: it is derived from the instance secret, the endpoint and a random seed kept with the
endpoint. A copy of the database alone therefore signs nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from standardwebhooks import Webhook

from service.webhook_records import Claimed, Endpoint, EndpointId

ROTATION = timedelta(hours=24)
"""How long the secret before a rotation goes on signing."""

_PURPOSE = b"debrief webhook secret, version 1"
_SEED_BYTES = 32
_CHECK_CHARS = 16


class SecretChanged(Exception):
    """The instance secret is not the one this endpoint's secret was derived from: rotate the endpoint's secret."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Derives the secrets of endpoints and signs with them."""

    instance_secret: bytes = field(repr=False)

    def new_seed(self, endpoint: EndpointId) -> str:
        """A seed for a new secret, with a check that tells later whether the instance secret is still the same."""
        salt = secrets.token_hex(_SEED_BYTES)
        return f"{salt}.{_check(self._key(endpoint, salt))}"

    def secret(self, endpoint: EndpointId, seed: str) -> str:
        """The secret as receivers know it: ``whsec_`` and 32 bytes in base64.

        Raises:
            SecretChanged: it cannot be derived any more.
        """
        salt, _, check = seed.partition(".")
        key = self._key(endpoint, salt)
        if not hmac.compare_digest(_check(key), check):
            raise SecretChanged
        return "whsec_" + base64.b64encode(key).decode()

    def headers(self, claimed: Claimed, now: datetime) -> dict[str, str]:
        """The headers of one attempt; during a rotation both secrets sign.

        Raises:
            SecretChanged: the current secret cannot be derived any more.
        """
        seeds = live_seeds(claimed.endpoint, now)
        hooks = [Webhook(self.secret(claimed.endpoint.id, seed)) for seed in seeds]
        return {
            "webhook-id": claimed.event,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(hook.sign(claimed.event, now, claimed.body) for hook in hooks),
        }

    def _key(self, endpoint: EndpointId, salt: str) -> bytes:
        text = b"\0".join((_PURPOSE, endpoint.encode(), salt.encode()))
        return hmac.digest(self.instance_secret, text, "sha256")


def live_seeds(endpoint: Endpoint, now: datetime) -> tuple[str, ...]:
    """The seeds of the secrets that sign now, the newest first."""
    if endpoint.previous_seed is None or endpoint.previous_until is None or now >= endpoint.previous_until:
        return (endpoint.seed,)
    return endpoint.seed, endpoint.previous_seed


def _check(key: bytes) -> str:
    return hashlib.sha256(b"check" + key).hexdigest()[:_CHECK_CHARS]
