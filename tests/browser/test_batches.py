"""Sending a batch in a browser and watching it."""

from __future__ import annotations

import json
import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.server import Site


def test_a_batch_is_sent_watched_and_downloaded(page: Page, held: Site, tmp_path: Path) -> None:
    """Zero of two while the model waits; then two of two, and a file with both grades."""
    file = tmp_path / "cohort.csv"
    file.write_text("custom_id,question,answer\nada,Why split?,So that we see new data.\neve,Why split?,Because.\n")
    page.goto("/batches")
    page.get_by_label("A CSV or JSONL file").set_input_files(file)
    page.get_by_role("button", name="Grade them").click()
    expect(page.get_by_text("Graded 0 of 2")).to_be_visible()

    held.model.go.set()

    expect(page.get_by_text("Graded 2 of 2")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("status")).to_have_text(re.compile("completed"), timeout=60_000)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the grades").click()
    lines = download.value.path().read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["custom_id"] for line in lines] == ["ada", "eve"]
