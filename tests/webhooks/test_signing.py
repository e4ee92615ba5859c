"""Secrets and signatures, held against the reference library of Standard Webhooks."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from service.records import Tenant
from service.webhook_records import Claimed, DeliveryId, Endpoint, EndpointId, EventId
from service.webhooks.signing import SecretChanged, Signer

ID = EndpointId("whe_1")
SIGNER = Signer(b"a secret for tests")
BODY = '{"type":"grade.completed"}'


def endpoint(seed: str, previous: str | None = None, until: datetime | None = None) -> Endpoint:
    """An endpoint."""
    return Endpoint(
        id=ID,
        tenant=Tenant("mine"),
        created_at=datetime.now(UTC),
        url="https://example.com/",
        events=("grade.completed",),
        description="",
        enabled=True,
        disabled_reason=None,
        seed=seed,
        previous_seed=previous,
        previous_until=until,
    )


def claimed(of: Endpoint) -> Claimed:
    """A delivery to it."""
    return Claimed(delivery=DeliveryId("whd_1"), attempts=1, endpoint=of, event=EventId("evt_1"), body=BODY)


def test_a_secret_is_32_bytes_in_the_form_of_the_specification() -> None:
    """24 to 64 bytes, base64, whsec_."""
    secret = SIGNER.secret(ID, SIGNER.new_seed(ID))

    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32


def test_secrets_differ_by_seed_endpoint_and_instance() -> None:
    """None follows from another."""
    seed = SIGNER.new_seed(ID)

    assert SIGNER.secret(ID, seed) == SIGNER.secret(ID, seed)
    assert SIGNER.secret(ID, seed) != SIGNER.secret(ID, SIGNER.new_seed(ID))
    with pytest.raises(SecretChanged):
        SIGNER.secret(EndpointId("whe_2"), seed)
    with pytest.raises(SecretChanged):
        Signer(b"another instance secret").secret(ID, seed)


def test_what_is_kept_holds_nothing_of_the_secret() -> None:
    """Nor does the signer show its own when printed."""
    seed = SIGNER.new_seed(ID)
    key = base64.b64decode(SIGNER.secret(ID, seed).removeprefix("whsec_"))

    assert key.hex() not in seed
    assert "for tests" not in repr(SIGNER)


def test_the_reference_library_accepts_a_signature_and_refuses_a_changed_body() -> None:
    """With the secret as it was shown."""
    seed = SIGNER.new_seed(ID)
    verifier = Webhook(SIGNER.secret(ID, seed))

    headers = SIGNER.headers(claimed(endpoint(seed)), datetime.now(UTC))

    assert verifier.verify(BODY, headers) == {"type": "grade.completed"}
    with pytest.raises(WebhookVerificationError):
        verifier.verify(BODY + " ", headers)


def test_during_a_rotation_both_secrets_verify_and_afterwards_only_the_new_one() -> None:
    """To the second."""
    old, new, now = SIGNER.new_seed(ID), SIGNER.new_seed(ID), datetime.now(UTC)
    rotating = endpoint(new, old, now + timedelta(seconds=1))

    during = SIGNER.headers(claimed(rotating), now)
    after = SIGNER.headers(claimed(rotating), now + timedelta(seconds=1))

    for seed in (old, new):
        Webhook(SIGNER.secret(ID, seed)).verify(BODY, during)
    Webhook(SIGNER.secret(ID, new)).verify(BODY, after)
    with pytest.raises(WebhookVerificationError):
        Webhook(SIGNER.secret(ID, old)).verify(BODY, after)
