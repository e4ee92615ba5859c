"""Webhooks over HTTP: register, see, rotate, test, replay; and a grade that arrives at a real receiver."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate
from standardwebhooks import Webhook

from service.api.webhook_examples import (
    BATCH_EVENT_EXAMPLE,
    DELIVERY_EXAMPLE,
    ENDPOINT_BODY,
    GRADE_EVENT_EXAMPLE,
    NEW_ENDPOINT_EXAMPLE,
    REVIEW_EVENT_EXAMPLE,
)
from service.api.webhook_schemas import (
    BatchEventDocument,
    DeliveryDocument,
    EndpointBody,
    EndpointDocument,
    EndpointWithSecret,
    GradeEventDocument,
)
from service.webhooks.endpoints import MOST_ENDPOINTS
from tests.conftest import ANSWER, QUESTION, Client, make_settings, running
from tests.webhooks.receiver import receiver, status

pytestmark = pytest.mark.anyio
PATH = "/v1/webhook-endpoints"
PUBLIC = "https://93.184.216.34/hook"


@pytest.fixture
async def inside(tmp_path: Path) -> AsyncIterator[Client]:
    """A client of a service whose operator allows private networks."""
    async with running(make_settings(tmp_path, webhooks_allow_private=True)) as (client, _):
        yield client


def bytes_of_database(folder: Path) -> bytes:
    """The file and its log."""
    return b"".join(path.read_bytes() for path in folder.glob("debrief.db*"))


async def registered(client: Client, url: str = PUBLIC, **more: Any) -> dict[str, Any]:
    """A new endpoint."""
    made = await client.post(PATH, json={"url": url, **more})
    assert made.status_code == 201, made.text
    return dict(made.json())


async def deliveries(client: Client, endpoint: dict[str, Any], **query: Any) -> list[dict[str, Any]]:
    """A page of deliveries."""
    return list((await client.get(f"{PATH}/{endpoint['id']}/deliveries", params=query)).json()["data"])


async def test_an_endpoint_is_registered_and_its_secret_shown_once(client: Client) -> None:
    """201 with a Location; nowhere else is the secret."""
    made = await client.post(PATH, json={"url": PUBLIC, "description": "grade book"})
    read = await client.get(made.headers["location"])
    listed = await client.get(PATH)

    endpoint = made.json()
    assert endpoint.pop("secret").startswith("whsec_")
    assert endpoint["events"] == ["grade.completed", "grade.review_needed", "batch.completed"]
    assert read.json() == endpoint
    assert listed.json() == {"data": [endpoint]}


async def test_a_secret_is_neither_in_the_database_nor_in_the_log(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Not as text, not as bytes, not as hexadecimal digits."""
    async with running(make_settings(tmp_path)) as (client, _):
        endpoint = await registered(client)
        rotated = (await client.post(f"{PATH}/{endpoint['id']}/rotate-secret")).json()

    kept = bytes_of_database(tmp_path) + "".join(capfd.readouterr()).encode()
    for secret in (endpoint["secret"], rotated["secret"]):
        key = b64decode(secret.removeprefix("whsec_"))
        assert not any(form in kept for form in (secret.removeprefix("whsec_").encode(), key, key.hex().encode()))


async def test_a_finished_grade_arrives_signed_and_thin(inside: Client) -> None:
    """Within the same process, seconds after the answer; the grade can be read by its id."""
    async with receiver() as here:
        endpoint = await registered(inside, here.url())
        made = await inside.post("/v1/grades", json={"question": QUESTION, "answer": ANSWER, "learner": "l-1"})
        await here.has(1)

    (received,) = here.received
    event = Webhook(endpoint["secret"]).verify(received.body, received.headers)
    assert (event["type"], event["data"]["id"]) == ("grade.completed", made.json()["id"])
    assert set(event["data"]) == {"id", "object", "status"}
    assert GradeEventDocument.model_validate(event)


async def test_a_test_event_shows_what_a_receiver_makes_of_it(inside: Client) -> None:
    """Its outcome is in the list of deliveries."""
    async with receiver(status(500)) as here:
        endpoint = await registered(inside, here.url(), events=["batch.completed"])
        queued = await inside.post(f"{PATH}/{endpoint['id']}/test")
        await here.has(1)

    assert queued.status_code == 202
    assert (queued.json()["event"]["type"], queued.json()["status"]) == ("webhook.test", "pending")
    assert json.loads(here.received[0].body)["data"]["id"] == endpoint["id"]
    (delivery,) = await deliveries(inside, endpoint)
    assert delivery["event"]["id"] == here.received[0].headers["webhook-id"]


async def test_a_dead_delivery_is_listed_and_replayed_under_the_same_id(inside: Client) -> None:
    """410, enabled again, replayed."""
    async with receiver(status(410)) as here:
        endpoint = await registered(inside, here.url())
        await inside.post(f"{PATH}/{endpoint['id']}/test")
        while not (dead := await deliveries(inside, endpoint, status="dead")):
            await here.has(1)
        replay = f"{PATH}/{endpoint['id']}/deliveries/{dead[0]['id']}/replay"
        refused = await inside.post(replay)
        disabled = (await inside.get(f"{PATH}/{endpoint['id']}")).json()
        here.behaviour = status(200)
        enabled = (await inside.patch(f"{PATH}/{endpoint['id']}", json={"enabled": True})).json()
        replayed = await inside.post(replay)
        await here.has(2)

    assert (dead[0]["last_status"], dead[0]["last_error"], dead[0]["next_attempt_at"]) == (410, "gone", None)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:debrief:problem:webhook-endpoint-disabled")
    assert (disabled["enabled"], disabled["disabled_reason"]) == (False, "gone")
    assert (enabled["enabled"], enabled["disabled_reason"]) == (True, None)
    assert replayed.status_code == 202
    assert len({each.headers["webhook-id"] for each in here.received}) == 1


async def test_rotation_shows_a_new_secret_and_until_when_the_old_one_signs(client: Client) -> None:
    """A day."""
    endpoint = await registered(client)
    rotated = (await client.post(f"{PATH}/{endpoint['id']}/rotate-secret")).json()

    assert rotated["secret"] not in ("", endpoint["secret"])
    assert rotated["previous_secret_until"] is not None
    assert endpoint["previous_secret_until"] is None


async def test_an_endpoint_can_be_changed_and_removed(client: Client) -> None:
    """What is left out stays."""
    endpoint = await registered(client, description="one")
    path = f"{PATH}/{endpoint['id']}"
    changed = await client.patch(path, json={"events": ["batch.completed", "batch.completed"], "description": ""})
    untouched = await client.patch(path, json={})
    removed = await client.delete(path)
    again = await client.delete(path)

    assert changed.json()["events"] == ["batch.completed"]
    assert (changed.json()["description"], changed.json()["url"]) == ("", endpoint["url"])
    assert untouched.json() == changed.json()
    assert (removed.status_code, removed.content, again.status_code) == (204, b"", 404)


@pytest.mark.parametrize(
    "body",
    [
        {"url": "http://93.184.216.34/"},
        {"url": "https://127.0.0.1/"},
        {"url": "https://169.254.169.254/latest/"},
        {"url": "https://user:password@93.184.216.34/"},
        {"url": "https://93.184.216.34:22/"},
        {"url": ""},
        {"url": 5},
        {},
        {"url": PUBLIC, "events": []},
        {"url": PUBLIC, "events": ["grade.deleted"]},
        {"url": PUBLIC, "description": "\x00"},
        {"url": PUBLIC, "description": "x" * 201},
        {"url": PUBLIC, "secret": "whsec_mine"},
    ],
)
async def test_what_cannot_be_registered_is_422_and_not_repeated(client: Client, body: dict[str, Any]) -> None:
    """With the place; nothing of the URL, which may hold credentials."""
    refused = await client.post(PATH, json=body)

    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] in ("#/url", "#/events", "#/events/0", "#/description", "#")
    assert "93.184" not in refused.text
    assert "password@" not in refused.text


async def test_a_url_cannot_be_changed_to_one_inside(client: Client) -> None:
    """The check is the same."""
    endpoint = await registered(client)

    refused = await client.patch(f"{PATH}/{endpoint['id']}", json={"url": "https://10.0.0.1/"})

    assert refused.status_code == 422
    assert (await client.get(f"{PATH}/{endpoint['id']}")).json()["url"] == PUBLIC


async def test_a_tenant_has_so_many_endpoints(client: Client) -> None:
    """One more is 409."""
    for _ in range(MOST_ENDPOINTS):
        await registered(client)

    assert (await client.post(PATH, json={"url": PUBLIC})).json()["type"].endswith("too-many-webhook-endpoints")


@pytest.mark.parametrize("endpoint_id", ["whe_none", "%00", "x" * 64])
async def test_unknown_endpoints_and_deliveries_are_404(client: Client, endpoint_id: str) -> None:
    """On every route."""
    path = f"{PATH}/{endpoint_id}"
    known = f"{PATH}/{(await registered(client))['id']}"
    replies = [
        await client.get(path),
        await client.patch(path, json={}),
        await client.delete(path),
        await client.post(f"{path}/rotate-secret"),
        await client.post(f"{path}/test"),
        await client.get(f"{path}/deliveries"),
        await client.post(f"{path}/deliveries/whd_none/replay"),
        await client.post(f"{known}/deliveries/{endpoint_id}/replay"),
    ]

    assert {reply.status_code for reply in replies} == {404}
    assert len({reply.text for reply in replies}) == 1


async def test_deliveries_come_in_pages_newest_first(inside: Client) -> None:
    """And a cursor that is not one of ours is 422."""
    async with receiver() as here:
        endpoint = await registered(inside, here.url())
        path = f"{PATH}/{endpoint['id']}"
        for _ in range(3):
            await inside.post(f"{path}/test")
        await here.has(3)

    first = (await inside.get(f"{path}/deliveries", params={"limit": 2})).json()
    second = (await inside.get(f"{path}/deliveries", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    bad = await inside.get(f"{path}/deliveries", params={"cursor": "'; --"})

    ids = [each["id"] for each in first["data"] + second["data"]]
    assert (len(ids), ids, second["has_more"]) == (3, sorted(ids, reverse=True), False)
    assert bad.status_code == 422


async def test_the_examples_in_the_documentation_are_valid(client: Client) -> None:
    """Against the models they illustrate; and what receivers are sent is described."""
    EndpointBody.model_validate_json(json.dumps(ENDPOINT_BODY))
    EndpointWithSecret.model_validate_json(json.dumps(NEW_ENDPOINT_EXAMPLE))
    EndpointDocument.model_validate_json(json.dumps({k: v for k, v in NEW_ENDPOINT_EXAMPLE.items() if k != "secret"}))
    DeliveryDocument.model_validate_json(json.dumps(DELIVERY_EXAMPLE))
    for event in (GRADE_EVENT_EXAMPLE, REVIEW_EVENT_EXAMPLE):
        GradeEventDocument.model_validate_json(json.dumps(event))
    BatchEventDocument.model_validate_json(json.dumps(BATCH_EVENT_EXAMPLE))
    document = (await client.get("/openapi.json")).json()

    validate(document)
    assert set(document["webhooks"]) == {"grade.completed", "grade.review_needed", "batch.completed"}
