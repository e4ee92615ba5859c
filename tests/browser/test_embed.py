"""A grade inside a page of another site, in a browser that enforces who may frame what."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.server import Site
from tests.browser.test_looks import STANDARD


@contextmanager
def another_site(html: str) -> Iterator[str]:
    """A site on another port, which is another origin; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(html.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def link(page: Page, site: Site, origin: str) -> str:
    """The address of a grade for one site."""
    made = page.request.post("/v1/grades/grd_FIRST/embed-links", data={"origin": origin})
    return f"{site.address}{made.json()['path']}"


def script(site: Site, address: str) -> str:
    """What another site puts into its page."""
    return f'<script src="{site.address}/embed.js" data-link="{address}" async></script>'


def test_a_grade_is_shown_inside_another_site(page: Page, site: Site, screenshots: Path) -> None:
    """As high as it is, with its quotes marked, and accessible."""
    with another_site("<!doctype html><title>Course</title>") as origin:
        page.goto(origin)
        page.set_content(f"<main><h1>Week 3</h1>{script(site, link(page, site, origin))}</main>")
        frame = page.frame_locator("iframe")

        expect(frame.get_by_role("heading", name="Criterion by criterion")).to_be_visible()
        expect(frame.locator(".said mark").first).to_be_visible()
        page.wait_for_function("document.querySelector('iframe').clientHeight > 1000")
        page.screenshot(path=screenshots / "embed-1280-light.png", full_page=True)
        assert page.locator("iframe").get_attribute("title") == "Feedback on an answer"


def test_what_is_embedded_is_accessible(page: Page, site: Site) -> None:
    """WCAG 2.2 AA, looked at by itself."""
    page.goto(link(page, site, "https://learn.example.com"))

    found = Axe().run(page, options=STANDARD)

    assert found.violations_count == 0, found.generate_report()


def test_a_third_site_cannot_frame_it(browser: Browser, site: Site) -> None:
    """The browser refuses, whoever copies the link, and says why."""
    context = browser.new_context(base_url=site.address)
    page = context.new_page()
    address = link(page, site, "https://learn.example.com")
    with another_site("<!doctype html><title>Thief</title>") as origin:
        page.goto(origin)
        with page.expect_console_message(lambda message: "frame-ancestors https://learn.example.com" in message.text):
            page.set_content(f'<main><iframe src="{address}"></iframe></main>')

        assert page.frame_locator("iframe").get_by_role("heading", name="Criterion by criterion").count() == 0
    context.close()
