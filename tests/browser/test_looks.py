"""How the pages look and are reached: no accessibility violation, nothing sticking out, pictures to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser.server import Site

PAGES = {
    "practice": "/",
    "own": "/?own=true",
    "again": "/?again=grd_FIRST",
    "questions": "/questions",
    "grade": "/grades/grd_FIRST",
    "comparison": "/grades/grd_SECOND",
    "progress": "/learners/ada",
    "review": "/review",
    "batches": "/batches",
    "batch": "/batches/bat_01KAP0J3V8T6W1Q9SHOWN000",
    "evals": "/evals",
    "run": "/evals/second",
    "pair": "/evals/compare?base=first&other=second",
    "operations": "/operations?days=30",
    "sign-in": "/sign-in",
    "missing": "/nothing",
}
STANDARD = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
WIDTHS = (320, 1280)
MOST_BYTES = 200_000
WEIGHT = """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
  .reduce((sum, entry) => sum + entry.transferSize, 0)"""
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def opened(browser: Browser, site: Site, address: str, width: int, scheme: Literal["light", "dark"]) -> Page:
    """A page of a width and a colour scheme, still."""
    context = browser.new_context(
        base_url=site.address,
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto(address)
    page.evaluate("document.fonts.ready")
    return page


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(
    browser: Browser, site: Site, screenshots: Path, name: str, width: int, scheme: Literal["light", "dark"]
) -> None:
    """WCAG 2.2 AA and axe's best practices, on phone and desktop, light and dark; and nothing scrolls sideways."""
    page = opened(browser, site, PAGES[name], width, scheme)
    page.screenshot(path=screenshots / f"{name}-{width}-{scheme}.png", full_page=True)

    found = Axe().run(page, options=STANDARD)

    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.context.close()


def test_no_page_weighs_more_than_its_budget(browser: Browser, site: Site) -> None:
    """Everything a first visit loads: the page, style, script and both typefaces."""
    weights = {}
    for name, address in PAGES.items():
        page = opened(browser, site, address, 1280, "light")
        weights[name] = page.evaluate(WEIGHT)
        page.context.close()

    assert {name: weight for name, weight in weights.items() if weight > MOST_BYTES} == {}
    assert min(weights.values()) > 0


def test_axe_finds_nothing_while_a_grade_is_made(browser: Browser, held: Site) -> None:
    """The waiting page as well."""
    page = opened(browser, held, "/", 390, "light")
    page.get_by_label("Your answer").fill("While this is graded, axe looks.")
    page.get_by_role("button", name="Get feedback").click()
    page.locator(".decided").wait_for()

    found = Axe().run(page, options=STANDARD)

    assert found.violations_count == 0, found.generate_report()
    page.context.close()


def test_text_can_be_twice_as_large(browser: Browser, site: Site) -> None:
    """At 200 percent nothing is cut off (WCAG 1.4.4): half the width, the same text."""
    page = opened(browser, site, PAGES["comparison"], 320, "light")

    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.context.close()


def test_progress_can_be_printed(browser: Browser, site: Site, screenshots: Path) -> None:
    """The button is there for those who can use it; the paper has the charts and the date."""
    page = opened(browser, site, PAGES["progress"], 1280, "dark")
    assert page.get_by_role("button", name="Print or save as PDF").is_visible()

    pdf = page.pdf(path=screenshots / "progress.pdf", prefer_css_page_size=True)

    assert pdf.startswith(b"%PDF")
    page.context.close()


def test_print_shows_the_feedback_without_the_controls(browser: Browser, site: Site) -> None:
    """What is for clicking stays off paper."""
    page = opened(browser, site, PAGES["grade"], 1280, "light")
    page.emulate_media(media="print")

    assert not page.get_by_role("link", name="Try again").is_visible()
    assert page.get_by_role("heading", name="Criterion by criterion").is_visible()
    page.context.close()
