"""Every route, without and with every kind of key: the routes are taken from the app, so a new one is tested, too."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI

from service.access import ALL_SCOPES, Access, Scope
from service.api.access import PUBLIC, AccessRule, allow, check_rules, ruled_routes
from service.api.app import create_app
from service.bootstrap import Services
from service.key_text import new_key
from service.records import Tenant
from service.web.app import create_site
from tests.conftest import Client, make_settings, running
from tests.grading.helpers import rubric_data
from tests.web.conftest import site_running

pytestmark = pytest.mark.anyio
MINE, YOURS = Tenant("mine"), Tenant("yours")

UNKNOWN = {
    "grade_id": "grd_01KAP0J3V8T6W1Q9X4Z7B5C2D0",
    "batch_id": "bat_01KAP0J3V8T6W1Q9X4Z7B5C2D0",
    "rubric_id": "nobodys",
    "question_id": "nobodys",
    "learner": "nobody",
    "name": "nobodys",
    "kind": "report",
    "ref": "nobodys",
    "endpoint_id": "whe_01KAP0J3V8T6W1Q9X4Z7B5C2D0",
    "delivery_id": "whd_01KAP0J3V8T6W1Q9X4Z7B5C2D0",
}
"""For every path parameter an id that nobody has."""

WITHOUT_FOREIGN = {
    "PUT /v1/rubrics/{rubric_id}": "makes a rubric of one's own under that id",
    "GET /v1/learners/{learner}/progress": "learners are the caller's own words; an unknown one has no attempts",
    "GET /learners/{learner}": "the same",
    "GET /v1/questions/{question_id}": "the question bank is everybody's",
    "DELETE /v1/learners/{ref}": "counts nothing for a learner nobody has, and for another tenant's alike",
    "GET /v1/learners/{ref}/export": "is as empty for another tenant's learner as for nobody's",
}
"""Routes with a path parameter that cannot name a thing of another tenant, and why."""

NOBODY_LISTENS = {"url": "https://127.0.0.1:65000/"}

BODIES: dict[str, Any] = {
    "POST /v1/webhook-endpoints": NOBODY_LISTENS,
    "PATCH /v1/webhook-endpoints/{endpoint_id}": {},
    "POST /v1/grades/{grade_id}/reviews": {"reviewer": "maria", "levels": {"facts": 1}},
    "POST /v1/grades/{grade_id}/embed-links": {"origin": "https://learn.example.com"},
    "POST /v1/sign-in-links": {"learner": "ada"},
    "POST /v1/grades/{grade_id}/appeals": {"reason": "I said so."},
}
"""A valid body for each route that needs one besides the id of a thing."""


@dataclass(frozen=True)
class Route:
    """One operation of the app."""

    method: str
    path: str
    rule: AccessRule

    @property
    def name(self) -> str:
        """As in the tables above."""
        return f"{self.method} {self.path}"

    @property
    def is_page(self) -> bool:
        """Whether it answers people, and refuses with a page."""
        return not self.path.startswith(("/v1/", "/metrics"))

    def url(self, ids: dict[str, str]) -> str:
        """Its address with ids filled in."""
        return self.path.format_map(ids)


def routes_of(app: FastAPI) -> list[Route]:
    """Every operation with its rule."""
    return [
        Route(method, path, rule)
        for path, methods, rule in ruled_routes(app.routes)
        for method in sorted(methods - {"HEAD"})
        if rule is not None
    ]


@dataclass
class House:
    """A running service with two tenants and their things."""

    client: Client
    services: Services
    routes: list[Route]
    foreign: dict[str, str]

    @property
    def closed(self) -> list[Route]:
        """The routes that need a key."""
        return [route for route in self.routes if not route.rule.public]

    async def key(self, tenant: Tenant = MINE, scopes: frozenset[Scope] = ALL_SCOPES) -> str:
        """A live key."""
        return (await self.services.keys.create(tenant, "test", scopes)).text

    async def ask(self, route: Route, key: str | None, ids: dict[str, str] = UNKNOWN) -> httpx.Response:
        """The answer of a route to a key."""
        headers = {} if key is None else {"authorization": f"Bearer {key}"}
        return await self.client.request(
            route.method, route.url(ids), headers=headers, json=BODIES.get(route.name), params=None
        )


@pytest.fixture
async def house(tmp_path: Path, body: dict[str, object]) -> AsyncIterator[House]:
    """A service in which the other tenant has a grade, a rubric, a batch and a webhook."""
    settings = make_settings(tmp_path, webhooks_allow_private=True)
    async with site_running(settings) as (client, services):
        home = House(client, services, routes_of(create_site(settings, services)), dict(UNKNOWN))
        yours = {"authorization": f"Bearer {await home.key(YOURS)}"}
        made = await client.post("/v1/grades", json=body, headers=yours)
        published = await client.put("/v1/rubrics/tiny", json=rubric_data(), headers=yours)
        batch = await client.post("/v1/batches", json=[{**body, "custom_id": "1"}], headers=yours)
        hook = await client.post("/v1/webhook-endpoints", json=NOBODY_LISTENS, headers=yours)
        told = await client.post(f"{hook.headers['location']}/test", headers=yours)
        answers = (made, published, batch, hook, told)
        assert [answer.status_code for answer in answers] == [201, 201, 202, 201, 202]
        home.foreign |= {"grade_id": made.json()["id"], "batch_id": batch.json()["id"], "rubric_id": "tiny"}
        home.foreign |= {"endpoint_id": hook.json()["id"], "delivery_id": told.json()["id"]}
        yield home


async def dead_keys(house: House) -> dict[str, str]:
    """Texts that are no live key, by what is wrong with them."""
    keys = house.services.keys
    revoked = await keys.create(MINE, "revoked", ALL_SCOPES)
    await keys.revoke(revoked.key.id)
    expired = await keys.create(MINE, "expired", ALL_SCOPES, timedelta(0))
    good = new_key()
    return {
        "malformed": "not-a-key",
        "empty": "",
        "8 KiB": "k" * 8_192,
        "SQL": "' OR '1'='1",
        "mistyped": good[:-1] + ("x" if good[-1] != "x" else "y"),
        "unknown": good,
        "revoked": revoked.text,
        "expired": expired.text,
    }


async def test_without_a_live_key_no_closed_route_answers(house: House) -> None:
    """401 with a challenge, problem+json, before the body is looked at."""
    wrong = []
    for route in house.closed:
        for what, key in {"none": None, **await dead_keys(house)}.items():
            reply = await house.ask(route, key)
            challenge = reply.headers.get("www-authenticate", "")
            fine = (
                reply.status_code == 401
                and challenge.startswith("Bearer")
                and ("invalid_token" in challenge) == (key is not None)
                and (route.is_page or reply.json()["type"] == "urn:debrief:problem:unauthorized")
                and (not key or key not in reply.text)
            )
            if not fine:
                wrong.append((route.name, what, reply.status_code))

    assert len(house.closed) >= 10
    assert wrong == []


async def test_dead_keys_look_alike(house: House) -> None:
    """Unknown, revoked or expired: the same body."""
    dead, route = await dead_keys(house), house.closed[0]

    assert len({(await house.ask(route, dead[kind])).content for kind in ("unknown", "revoked", "expired")}) == 1


async def test_every_route_with_a_scope_refuses_a_key_without_it(house: House) -> None:
    """403 naming the scope, though the key has every other."""
    scoped = [(route, route.rule.scope) for route in house.closed if route.rule.scope is not None]
    wrong = []
    for route, scope in scoped:
        reply = await house.ask(route, await house.key(scopes=ALL_SCOPES - {scope}))
        if reply.status_code != 403 or f'scope="{scope}"' not in reply.headers["www-authenticate"]:
            wrong.append((route.name, reply.status_code))

    assert scoped
    assert wrong == []


async def test_a_key_of_reading_changes_nothing(house: House) -> None:
    """With grades:read alone, nothing but reading is let through."""
    reader = await house.key(scopes=frozenset({Scope.GRADES_READ}))
    changing = [route for route in house.closed if route.method != "GET" and route.rule.scope is not None]

    assert changing
    assert {(await house.ask(route, reader)).status_code for route in changing} == {403}


async def test_what_another_tenant_has_looks_like_what_nobody_has(house: House) -> None:
    """The same status 404 and the same body, on every route that names a thing."""
    key = await house.key()
    naming = [route for route in house.closed if "{" in route.path and route.name not in WITHOUT_FOREIGN]
    wrong = []
    for route in naming:
        theirs = await house.ask(route, key, house.foreign)
        nobodys = await house.ask(route, key, UNKNOWN)
        if theirs.status_code != 404 or theirs.content != nobodys.content:
            wrong.append((route.name, theirs.status_code, nobodys.status_code))

    assert naming
    assert wrong == []


async def test_lists_hold_nothing_of_another_tenant(house: House) -> None:
    """Not a grade, not a rubric, not a batch."""
    key = {"authorization": f"Bearer {await house.key()}"}

    grades = await house.client.get("/v1/grades", headers=key)
    rubrics = await house.client.get("/v1/rubrics", headers=key)
    batches = await house.client.get("/v1/batches", headers=key)

    assert grades.json()["data"] == batches.json()["data"] == []
    assert "tiny" not in [rubric["id"] for rubric in rubrics.json()["data"]]


async def test_only_bearer_keys_in_the_header_are_taken(house: House) -> None:
    """Keys in addresses end up in logs."""
    key = await house.key()

    basic = await house.client.get("/v1/grades", headers={"authorization": f"Basic {key}"})
    query = await house.client.get("/v1/grades", params={"api_key": key, "access_token": key})
    lower = await house.client.get("/v1/grades", headers={"authorization": f"bearer {key}"})

    assert (basic.status_code, query.status_code, lower.status_code) == (401, 401, 200)


async def test_a_revoked_key_is_dead_at_once_where_it_was_revoked(house: House) -> None:
    """And others go on."""
    issued = await house.services.keys.create(MINE, "n", ALL_SCOPES)
    route = next(route for route in house.closed if route.name == "GET /v1/grades")
    before = await house.ask(route, issued.text)

    await house.services.keys.revoke(issued.key.id)

    assert before.status_code == 200
    assert (await house.ask(route, issued.text)).status_code == 401
    assert (await house.ask(route, await house.key())).status_code == 200


async def test_with_keys_every_host_name_is_answered_and_this_machine_needs_a_key_too(house: House) -> None:
    """The key is what counts."""
    key = {"authorization": f"Bearer {await house.key()}"}

    named = await house.client.get("/v1/grades", headers={**key, "host": "debrief.example"})
    bare = await house.client.get("/v1/grades")

    assert (named.status_code, bare.status_code) == (200, 401)


async def test_without_keys_only_this_machine_is_answered(tmp_path: Path) -> None:
    """Whatever the Host header claims; and the refusal says how to make a key."""
    settings = make_settings(tmp_path)
    async with running(settings) as (_, services):
        app = create_app(settings, services)
        app.state.services = services
        transport = httpx.ASGITransport(app, client=("10.1.2.3", 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as elsewhere:
            refused = await elsewhere.get("/v1/grades")
            alive = await elsewhere.get("/healthz")

    assert (refused.status_code, alive.status_code) == (401, 200)
    assert "debrief keys create" in refused.json()["detail"]


async def test_a_caller_restricted_to_a_learner_is_refused_unless_a_route_was_made_for_that(house: House) -> None:
    """Sessions of pages come through the same door."""

    async def signed_in(_: object) -> Access:
        return Access(YOURS, ALL_SCOPES, learner="l1")

    app = create_site(make_settings(Path("unused")), house.services)
    app.state.services, app.state.session_access = house.services, signed_in
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as browser:
        replies = {
            route.name: (await browser.request(route.method, route.url(house.foreign))).status_code
            for route in house.closed
            if not route.rule.learners
        }

    assert set(replies.values()) == {403}


def test_an_app_with_a_route_that_names_no_rule_does_not_start() -> None:
    """The route is named."""
    router = APIRouter()
    router.get("/ruled", dependencies=[allow(Scope.GRADES_READ)])(lambda: None)
    router.get("/open", dependencies=[PUBLIC])(lambda: None)
    app = FastAPI(openapi_url=None)
    app.include_router(router)
    check_rules(app)

    app.get("/forgotten")(lambda: None)

    with pytest.raises(RuntimeError, match="GET /forgotten"):
        check_rules(app)


def test_the_document_names_the_scope_of_every_closed_route(tmp_path: Path) -> None:
    """And of no open one."""
    app = create_app(make_settings(tmp_path))
    document = app.openapi()

    for route in routes_of(app):
        operation = document["paths"][route.path][route.method.lower()]
        scopes = [] if route.rule.scope is None else [route.rule.scope.value]
        assert operation.get("security") == (None if route.rule.public else [{"key": scopes}]), route.name
