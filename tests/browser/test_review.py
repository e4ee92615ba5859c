"""Reviewing by keyboard in a browser."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from service.library import FileLibrary
from tests.browser.server import Site
from tests.web.making import record_of
from tests.web.samples import DOUBTFUL


def queued(site: Site, *names: str) -> None:
    """Grades that wait."""
    rubric = FileLibrary().rubric("technical-phone-screen")
    assert rubric is not None
    site.keep([record_of(DOUBTFUL, rubric, name) for name in names])


def test_a_grade_is_reviewed_by_keyboard_alone(page: Page, site: Site) -> None:
    """A digit, j, a digit, ...; Enter saves and brings the next."""
    queued(site, "KEYSA", "KEYSB")
    page.goto("/review")
    action = page.locator("form.review").get_attribute("action") or ""
    grade = action.rpartition("grade=")[2]
    page.get_by_label("Your name").fill("maria")
    page.get_by_role("radio", name="1 Wrong").focus()

    for level in ("2", "j", "4", "j", "4", "j", "3", "k", "5"):
        page.keyboard.press(level)
    page.keyboard.press("Enter")

    expect(page.locator("form.review")).not_to_have_attribute("action", action)
    expect(page.get_by_label("Your name")).to_have_value("maria")
    expect(page.get_by_role("radio", name="1 Wrong")).to_be_focused()
    reviewed = page.request.get(f"/v1/grades/{grade}").json()["reviews"]
    assert reviewed[0]["levels"] == {"correctness": 2, "clarity": 4, "storytelling": 5, "business_framing": 3}


def test_keys_typed_into_a_note_are_a_note(page: Page, site: Site) -> None:
    """No shortcut fires outside the levels (WCAG 2.1.4)."""
    queued(site, "NOTE")
    page.goto("/review")

    page.get_by_label("Note").click()
    page.keyboard.type("j 3 k 5")

    expect(page.get_by_label("Note")).to_have_value("j 3 k 5")
    assert page.locator("input:checked").count() == 0
    expect(page).to_have_url(re.compile("/review$"))
