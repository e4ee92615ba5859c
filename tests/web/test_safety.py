"""What every page keeps: nothing inline, nothing from elsewhere, little weight."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.bootstrap import Services
from service.library import FileLibrary
from service.web.render import STATIC
from tests.conftest import Client
from tests.web.making import record_of
from tests.web.reading import read
from tests.web.samples import DOUBTFUL, FIRST, SECOND

pytestmark = pytest.mark.anyio
PAGES = (
    "/",
    "/?own=true",
    "/questions",
    "/grades/grd_SECOND",
    "/?again=grd_FIRST",
    "/learners/me",
    "/review",
    "/nothing",
)
MOST_BYTES = 200_000


@pytest.fixture
async def filled(site: tuple[Client, Services], library: FileLibrary) -> Client:
    """A site with two attempts."""
    browser, services = site
    rubric = library.rubric("technical-phone-screen")
    assert rubric is not None
    await services.store.add(record_of(FIRST, rubric, "FIRST"))
    await services.store.add(record_of(DOUBTFUL, rubric, "DOUBTFUL"))
    await services.store.add(record_of(SECOND, rubric, "SECOND"))
    return browser


@pytest.mark.parametrize("address", PAGES)
async def test_nothing_runs_or_styles_from_inside_a_page(filled: Client, address: str) -> None:
    """The policy forbids it, and no page tries."""
    response = await filled.get(address, headers={"Accept": "text/html"})

    page = read(response)
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert page.all("style") == []
    assert all(script["src"].startswith("/static/") for script in page.all("script"))
    assert not [name for _, attributes in page.tags for name in attributes if name == "style" or name.startswith("on")]


@pytest.mark.parametrize("address", PAGES)
async def test_everything_comes_from_here_and_weighs_little(filled: Client, address: str) -> None:
    """A page with all it loads stays under 200 kB, nothing of it from another host."""
    response = await filled.get(address, headers={"Accept": "text/html"})

    page = read(response)
    loaded = {link["href"] for link in page.all("link")} | {script["src"] for script in page.all("script")}
    assert all(item.startswith("/static/") for item in loaded)
    weight = len(response.content)
    for item in loaded:
        file = await filled.get(item)
        assert file.status_code == 200
        assert "immutable" in file.headers["cache-control"]
        weight += len(file.content)
    assert weight < MOST_BYTES


@pytest.mark.parametrize("address", PAGES)
async def test_every_page_can_be_found_one_s_way_in(filled: Client, address: str) -> None:
    """A title, a language, one first heading, a way past the navigation, unique ids."""
    page = read(await filled.get(address, headers={"Accept": "text/html"}))

    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(page.all("h1")) == 1
    assert page.all("html") == [{"lang": "en"}]
    assert page.all("a")[0]["href"] == "#main"
    assert len(ids) == len(set(ids))


def test_styles_and_scripts_load_nothing_from_elsewhere() -> None:
    """No address of another host in any of our files."""
    for path in (*STATIC.glob("*.css"), *STATIC.glob("*.js"), *(STATIC.parent / "templates").glob("*")):
        assert "//" not in Path(path).read_text(encoding="utf-8").replace("http://www.w3.org/", "").replace(
            "// ", ""
        ).replace("https://debrief.example/", "")
