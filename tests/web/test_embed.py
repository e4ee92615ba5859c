"""One grade inside another site: by a signed link, framed by one site only."""

from __future__ import annotations

import pytest

from service.access import ALL_SCOPES
from service.bootstrap import Services
from service.library import FileLibrary
from service.records import LOCAL_TENANT
from tests.conftest import Client
from tests.web.making import record_of
from tests.web.reading import read
from tests.web.samples import FIRST

pytestmark = pytest.mark.anyio
ORIGIN = "https://learn.example.com"


@pytest.fixture
async def graded(site: tuple[Client, Services], library: FileLibrary) -> Client:
    """A site with one grade."""
    browser, services = site
    rubric = library.rubric("technical-phone-screen")
    assert rubric is not None
    await services.store.add(record_of(FIRST, rubric, "ONE"))
    return browser


async def link(browser: Client, origin: str = ORIGIN, **headers: str) -> str:
    """A link to the grade."""
    made = await browser.post("/v1/grades/grd_ONE/embed-links", json={"origin": origin}, headers=headers)
    assert made.status_code == 201, made.text
    return str(made.json()["path"])


async def test_a_grade_is_shown_to_the_one_site_the_link_was_made_for(graded: Client) -> None:
    """frame-ancestors names it; nothing else is loosened."""
    shown = await graded.get(await link(graded))

    page = read(shown)
    policy = shown.headers["content-security-policy"]
    assert f"frame-ancestors {ORIGIN}" in policy
    assert "unsafe" not in policy
    assert page.said == [FIRST.answer]
    assert "Begin with the assumption" in page.text
    assert "can be wrong" in page.text
    assert page.all("form") == []


@pytest.mark.parametrize(
    "origin",
    [
        pytest.param("*", id="everybody"),
        pytest.param("https://*.example.com", id="a pattern"),
        pytest.param("https://a.example; script-src *", id="another directive"),
        pytest.param("https://a.example/path", id="a path"),
        pytest.param("javascript:alert(1)", id="no site"),
    ],
)
async def test_an_origin_is_one_site(graded: Client, origin: str) -> None:
    """Nothing that could widen the policy."""
    refused = await graded.post("/v1/grades/grd_ONE/embed-links", json={"origin": origin})

    assert refused.status_code == 422


async def test_a_changed_link_shows_nothing(graded: Client) -> None:
    """404, as for a link that has ended; no site may frame that page."""
    good = await link(graded)

    for bad in (good[:-1] + ("A" if good[-1] != "A" else "B"), "/embed/x", "/embed/e30.e30"):
        missing = await graded.get(bad)
        assert missing.status_code == 404
        assert "frame-ancestors 'none'" in missing.headers["content-security-policy"]


async def test_a_link_ends_with_its_key(site: tuple[Client, Services], graded: Client) -> None:
    """And a link made before there were keys, with the first of them."""
    _, services = site
    before = await link(graded)
    key = await services.keys.create(LOCAL_TENANT, "n", ALL_SCOPES)
    after = await link(graded, Authorization=f"Bearer {key.text}")

    assert (await graded.get(before)).status_code == 404
    assert (await graded.get(after)).status_code == 200
    await services.keys.revoke(key.key.id)
    assert (await graded.get(after)).status_code == 404


async def test_the_script_can_be_loaded_by_other_sites(graded: Client) -> None:
    """It is public and says nothing about anybody."""
    script = await graded.get("/embed.js")

    assert script.headers["content-type"].startswith("text/javascript")
    assert script.headers["cross-origin-resource-policy"] == "cross-origin"
