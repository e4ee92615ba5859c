"""Signing in to the pages: by key, by a learner's link; what a session opens, and when it ends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import httpx
import pytest

from service.access import ALL_SCOPES, USUAL_SCOPES
from service.api.serving import ImpatientProtocol
from service.api.signing import Seal
from service.bootstrap import Services, open_services
from service.keys import IssuedKey
from service.library import FileLibrary
from service.records import Tenant
from service.settings import Settings
from service.web.app import create_site
from tests.api.test_serving import serving
from tests.conftest import Client
from tests.web.conftest import site_running
from tests.web.making import record_of
from tests.web.reading import read
from tests.web.samples import FIRST
from tests.web.test_practice import finished

pytestmark = pytest.mark.anyio
ACME = Tenant("acme")


@dataclass
class School:
    """A site with a key, and grades of two learners and of another tenant."""

    browser: Client
    services: Services
    key: IssuedKey

    async def sign_in(self, **fields: str) -> httpx.Response:
        """The sign-in form."""
        return await self.browser.post("/sign-in", files={name: (None, text) for name, text in fields.items()})

    async def link(self, learner: str, **body: object) -> str:
        """The signed text of a new link for a learner."""
        made = await self.browser.post(
            "/v1/sign-in-links",
            json={"learner": learner, **body},
            headers={"Authorization": f"Bearer {self.key.text}"},
        )
        assert made.status_code == 201, made.text
        return str(made.json()["path"]).removeprefix("/sign-in?link=")


@dataclass
class Held:
    """A clock that stands where a test puts it."""

    time: datetime

    def now(self) -> datetime:
        """The time it was put to."""
        return self.time

    def monotonic(self) -> float:
        """Nobody asks."""
        return 0.0


@pytest.fixture
async def school(settings: Settings, library: FileLibrary) -> AsyncIterator[School]:
    """The school, with nobody signed in."""
    rubric = library.rubric("technical-phone-screen")
    assert rubric is not None
    async with site_running(settings) as (browser, services):
        key = await services.keys.create(ACME, "course", ALL_SCOPES)
        for name, made in {
            "ADA": replace(FIRST, tenant=ACME, learner="ada"),
            "EVE": replace(FIRST, tenant=ACME, learner="eve"),
            "FOREIGN": replace(FIRST, tenant=Tenant("other"), learner="ada"),
        }.items():
            await services.store.add(record_of(made, rubric, name))
        yield School(browser, services, key)


async def test_without_keys_nobody_signs_in(browser: Client) -> None:
    """The pages are open to this machine, and no link is needed."""
    page = read(await browser.get("/"))
    refused = await browser.post("/v1/sign-in-links", json={"learner": "ada"})

    assert "Sign in" not in page.text
    assert refused.status_code == 409


async def test_with_keys_a_page_asks_to_sign_in(school: School) -> None:
    """401 with a way in, and nothing of the page."""
    refused = await school.browser.get("/grades/grd_ADA")

    page = read(refused)
    assert refused.status_code == 401
    assert "/sign-in" in {link["href"] for link in page.all("a")}
    assert "p-value" not in page.text


async def test_a_key_opens_its_tenant_s_pages(school: School) -> None:
    """All learners, the review queue, and nothing of other tenants; the key itself is in no cookie."""
    begun = await school.sign_in(key=f" {school.key.text} ")

    assert begun.status_code == 303
    cookie = begun.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert school.key.text not in cookie
    for address, status in {
        "/grades/grd_ADA": 200,
        "/grades/grd_EVE": 200,
        "/grades/grd_FOREIGN": 404,
        "/review": 200,
        "/learners/ada": 200,
    }.items():
        assert (await school.browser.get(address)).status_code == status, address


async def test_a_wrong_key_opens_nothing_and_is_not_repeated(school: School) -> None:
    """The page says what keys look like."""
    refused = await school.sign_in(key="dbf_wrong")

    assert refused.status_code == 401
    assert "set-cookie" not in refused.headers
    assert "dbf_wrong" not in refused.text


async def test_a_link_shows_a_learner_their_own_and_nothing_else(school: School) -> None:
    """Others' grades do not exist; queues, receipts and lists are refused."""
    link = await school.link("ada")
    asked = read(await school.browser.get("/sign-in", params={"link": link}))
    begun = await school.sign_in(link=link)

    assert "Practise as ada" in asked.text
    assert begun.status_code == 303
    for address, status in {
        "/": 200,
        "/grades/grd_ADA": 200,
        "/grades/grd_EVE": 404,
        "/grades/grd_FOREIGN": 404,
        "/learners/ada": 200,
        "/learners/eve": 404,
        "/?again=grd_EVE": 404,
        "/grades/grd_EVE/live": 404,
        "/review": 403,
        "/v1/grades": 403,
        "/v1/grades/grd_ADA": 403,
        "/v1/grades/grd_ADA/receipt": 403,
        "/v1/learners/eve/progress": 403,
    }.items():
        assert (await school.browser.get(address)).status_code == status, address


async def test_a_learner_s_answers_are_theirs(school: School) -> None:
    """What is graded in a session belongs to its learner and tenant."""
    await school.sign_in(link=await school.link("ada"))

    sent = await school.browser.post(
        "/", files={"question": (None, "Why?"), "answer": (None, "Because it is a tail probability.")}
    )

    await finished(school.browser, sent)
    header = {"Authorization": f"Bearer {school.key.text}"}
    grade = (await school.browser.get(f"/v1{sent.headers['location']}", headers=header)).json()
    assert grade["learner"] == "ada"


async def test_a_session_ends_with_its_key(school: School) -> None:
    """Links made with it, too."""
    link = await school.link("ada")
    await school.sign_in(link=link)
    await school.services.keys.revoke(school.key.key.id)

    assert (await school.browser.get("/grades/grd_ADA")).status_code == 401
    assert (await school.browser.get("/sign-in", params={"link": link})).status_code == 401


async def test_signing_out_ends_it(school: School) -> None:
    """The cookie is taken away."""
    await school.sign_in(key=school.key.text)
    await school.browser.post("/sign-out")

    assert (await school.browser.get("/review")).status_code == 401


async def test_another_site_cannot_use_a_session(school: School) -> None:
    """Neither a form of the pages nor a call of the API."""
    await school.sign_in(key=school.key.text)
    foreign = {"Sec-Fetch-Site": "same-site"}

    page = await school.browser.post("/review?grade=grd_ADA", files={"reviewer": (None, "eve")}, headers=foreign)
    api = await school.browser.post("/v1/grades/grd_ADA/retry", headers=foreign)

    assert (page.status_code, api.status_code) == (401, 401)


async def test_a_key_without_a_scope_opens_as_little_as_it_does_elsewhere(school: School) -> None:
    """No review queue for a key that may not review, and no way to it."""
    narrow = await school.services.keys.create(ACME, "narrow", USUAL_SCOPES)
    await school.sign_in(key=narrow.text)

    page = read(await school.browser.get("/"))

    assert "/review" not in {link["href"] for link in page.all("a")}
    assert (await school.browser.get("/review")).status_code == 403


@pytest.mark.parametrize("spoiled", ["", "x", "e30.x", "a" * 2_001])
async def test_a_spoiled_link_or_cookie_is_none(school: School, spoiled: str) -> None:
    """No error, no session."""
    school.browser.cookies.set("debrief_session", spoiled)

    assert (await school.browser.get("/grades/grd_ADA")).status_code == 401
    assert (await school.browser.get("/sign-in", params={"link": spoiled})).status_code in (401, 422)


async def test_what_is_signed_for_one_purpose_is_nothing_to_another(school: School) -> None:
    """A learner's link is no session cookie."""
    school.browser.cookies.set("debrief_session", await school.link("ada"))

    assert (await school.browser.get("/grades/grd_ADA")).status_code == 401


async def test_a_signed_text_ends(school: School) -> None:
    """To the second."""
    clock = Held(school.services.grading.clock.now())
    seal = Seal(b"secret", "session", clock)
    text, ends = seal.sign({"k": "key"}, timedelta(minutes=1))

    assert seal.read(text) == {"k": "key"}
    clock.time = ends
    assert seal.read(text) is None


@pytest.mark.parametrize(
    ("said", "trusted", "secure"),
    [
        pytest.param("https", None, True, id="https, by a proxy on this machine"),
        pytest.param("http", None, False, id="http"),
        pytest.param(None, None, False, id="no proxy"),
        pytest.param("https", "192.0.2.1", False, id="by somebody who is not the proxy"),
        pytest.param("https, http", None, False, id="what is no scheme"),
    ],
)
async def test_cookies_are_secure_where_tls_ends_at_a_trusted_proxy(
    settings: Settings, said: str | None, trusted: str | None, secure: bool
) -> None:
    """On the real server, whose proxies are those uvicorn trusts."""
    headers = {} if said is None else {"X-Forwarded-Proto": said, "X-Forwarded-For": "203.0.113.9"}
    async with open_services(settings) as services:
        site = create_site(settings, services)
        key = await services.keys.create(ACME, "course", ALL_SCOPES)
        more = {} if trusted is None else {"forwarded_allow_ips": trusted}
        async with serving(site, ImpatientProtocol, lifespan="on", **more) as port, httpx.AsyncClient() as browser:
            at = f"http://127.0.0.1:{port}/sign-in"
            reply = await browser.post(at, files={"key": (None, key.text)}, headers=headers)

    (cookie,) = reply.headers.get_list("set-cookie")
    assert reply.status_code == 303
    assert ("; secure" in cookie.lower()) is secure
    assert "httponly" in cookie.lower()


@pytest.mark.parametrize("address", ["203.0.113.9", "nonsense", "::ffff:203.0.113.9", ""], ids=repr)
async def test_without_keys_whoever_comes_through_a_proxy_from_elsewhere_is_refused(
    settings: Settings, address: str
) -> None:
    """Whatever it calls the host; nothing it says of itself is an error of ours."""
    async with open_services(settings) as services:
        site = create_site(settings, services)
        async with serving(site, ImpatientProtocol, lifespan="on") as port, httpx.AsyncClient() as client:
            at = f"http://127.0.0.1:{port}/v1/grades"
            reply = await client.get(at, headers={"X-Forwarded-For": address})

    assert reply.status_code == (401 if address else 200)
