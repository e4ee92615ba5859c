"""Operations as a page: what became of grades, whose, and what waits."""

from __future__ import annotations

from datetime import timedelta

import pytest

from service.access import Scope
from service.bootstrap import Services
from service.records import Tenant
from service.settings import Settings
from service.web.counters import quantile
from service.web.words import ago, elapsed
from tests.browser.server import Held
from tests.conftest import ANSWER, QUESTION, Client
from tests.web.conftest import site_running
from tests.web.reading import Page, read

pytestmark = pytest.mark.anyio
BODY = {"question": QUESTION, "answer": ANSWER}


async def bearer(services: Services, tenant: str, *scopes: Scope) -> dict[str, str]:
    """The header of a new key."""
    issued = await services.keys.create(Tenant(tenant), "n", frozenset(scopes))
    return {"Authorization": f"Bearer {issued.text}"}


async def shown(browser: Client, headers: dict[str, str] | None = None, days: int = 1) -> Page:
    """The page."""
    return read(await browser.get(f"/operations?days={days}", headers=headers))


async def test_grades_are_counted_by_tenant_and_model(site: tuple[Client, Services]) -> None:
    """Whoever sits at a machine without keys runs the service."""
    browser, _ = site
    await browser.post("/v1/grades", json=BODY)

    page = await shown(browser)

    assert "1 grade in the last 24 hours" in page.text
    assert "all tenants" in page.text
    assert "scripted/echo" in page.text
    assert "Nothing waits." in page.text


async def test_other_tenants_are_named_to_the_operator_alone(site: tuple[Client, Services]) -> None:
    """``operations:read`` shows one's own tenant; ``tenants:read`` all."""
    browser, services = site
    ours = await bearer(services, "ours", Scope.GRADES_WRITE, Scope.OPERATIONS_READ)
    theirs = await bearer(services, "theirs", Scope.GRADES_WRITE, Scope.OPERATIONS_READ, Scope.TENANTS_READ)
    for headers, times in ((ours, 2), (theirs, 1)):
        for number in range(times):
            await browser.post("/v1/grades", json={**BODY, "answer": f"{ANSWER} {number}"}, headers=headers)

    mine, everybody = await shown(browser, ours), await shown(browser, theirs)

    assert "2 grades in the last 24 hours" in mine.text
    assert "theirs" not in mine.text
    assert "3 grades in the last 24 hours" in everybody.text
    assert "ours" in everybody.text


async def test_a_key_without_the_scope_sees_nothing(site: tuple[Client, Services]) -> None:
    """Not even ``tenants:read`` alone."""
    browser, services = site
    headers = await bearer(services, "ours", Scope.TENANTS_READ, Scope.GRADES_READ)

    assert (await browser.get("/operations", headers=headers)).status_code == 403


async def test_what_waits_is_shown_with_its_age(settings: Settings) -> None:
    """Whoever cannot be graded now is in the queue, and since when."""
    model = Held()
    model.go.clear()
    lines = [{**BODY, "custom_id": name} for name in ("a", "b")]
    async with site_running(settings, model) as (browser, _):
        await browser.post("/v1/batches", json=lines)

        page = await shown(browser)
        model.go.set()

    assert "In the queue2" in "".join(page.text.split("\n"))
    assert "under a minute ago" in page.text


@pytest.mark.parametrize("days", ["0", "365", "x"])
async def test_only_the_periods_offered_can_be_asked_for(browser: Client, days: str) -> None:
    """Anything else is refused, whatever it would cost to count."""
    assert (await browser.get(f"/operations?days={days}")).status_code == 422


def test_times_are_said_in_fitting_units() -> None:
    """As a person would."""
    assert [elapsed(ms) for ms in (None, 7, 1_240)] == ["–", "7 ms", "1.2 s"]
    times = [timedelta(seconds=-5), timedelta(minutes=5), timedelta(hours=3, minutes=4), timedelta(days=2, hours=1)]
    assert [ago(time) for time in times] == ["under a minute ago", "5 min ago", "3 h 4 min ago", "2 d 1 h ago"]


@pytest.mark.parametrize(
    ("buckets", "share", "bound"),
    [
        pytest.param([], 0.5, None, id="nothing"),
        pytest.param([(1.0, 2.0), (5.0, 4.0), (float("inf"), 4.0)], 0.5, 1.0, id="half"),
        pytest.param([(1.0, 2.0), (5.0, 4.0), (float("inf"), 4.0)], 0.95, 5.0, id="most"),
        pytest.param([(1.0, 0.0), (float("inf"), 3.0)], 0.5, None, id="beyond the last"),
    ],
)
def test_a_share_lies_under_a_bucket_s_bound(
    buckets: list[tuple[float, float]], share: float, bound: float | None
) -> None:
    """As far as a histogram can tell."""
    assert quantile(buckets, share) == bound
