"""Sending a batch in a browser and watching it."""

from __future__ import annotations

import json
import re
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.browser.server import Site

CSV = "custom_id,question,answer\nada,Why split?,So that we see new data.\neve,Why split?,Because.\n"
DROPPED = """(zone, text) => {
  const moved = new DataTransfer();
  moved.items.add(new File([text], "cohort.csv", { type: "text/csv" }));
  for (const name of ["dragenter", "dragover", "drop"]) {
    zone.dispatchEvent(new DragEvent(name, { dataTransfer: moved, bubbles: true, cancelable: true }));
  }
}"""


def test_a_dropped_file_is_estimated_and_stays_chosen(page: Page) -> None:
    """What it would take appears without leaving the page; the button then sends the same file."""
    page.goto("/batches")
    page.locator("[data-drop]").evaluate(DROPPED, CSV)
    page.get_by_role("button", name="Estimate first").click()

    expect(page.get_by_role("heading", name="What cohort.csv would take")).to_be_visible()
    assert page.get_by_label("A CSV or JSONL file").evaluate("input => input.files[0].name") == "cohort.csv"

    page.get_by_role("button", name="Grade them").click()
    expect(page).to_have_url(re.compile(r"/batches/bat_\w+$"))


def test_a_file_that_cannot_be_estimated_is_named(page: Page) -> None:
    """The message has the focus."""
    page.goto("/batches")
    page.locator("[data-drop]").evaluate(DROPPED, "name,reply\na,b\n")
    page.get_by_role("button", name="Estimate first").click()

    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_role("alert")).to_contain_text("header")


def test_without_javascript_a_file_is_chosen_and_sent(browser: Browser, site: Site, tmp_path: Path) -> None:
    """By the input itself."""
    file = tmp_path / "cohort.csv"
    file.write_text(CSV)
    plain = browser.new_context(base_url=site.address, java_script_enabled=False)
    page = plain.new_page()
    page.goto("/batches")
    page.get_by_label("A CSV or JSONL file").set_input_files(file)
    page.get_by_role("button", name="Estimate first").click()
    expect(page.get_by_text("Choose the file again to start.")).to_be_visible()
    page.get_by_label("A CSV or JSONL file").set_input_files(file)
    page.get_by_role("button", name="Grade them").click()

    expect(page).to_have_url(re.compile(r"/batches/bat_\w+$"))
    plain.close()


def test_a_batch_is_sent_watched_and_downloaded(page: Page, held: Site, tmp_path: Path) -> None:
    """Zero of two while the model waits; then two of two, and a file with both grades."""
    file = tmp_path / "cohort.csv"
    file.write_text(CSV)
    page.goto("/batches")
    page.get_by_label("A CSV or JSONL file").set_input_files(file)
    page.get_by_role("button", name="Grade them").click()
    expect(page.get_by_text("Graded 0 of 2")).to_be_visible()

    held.model.go.set()

    expect(page.get_by_text("Graded 2 of 2")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("status")).to_have_text(re.compile("completed"), timeout=60_000)
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the grades").click()
    lines = download.value.path().read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["custom_id"] for line in lines] == ["ada", "eve"]
