"""``python -m evals.bench.pages``: first paint and weight of every page, in Debian's Chromium on this machine.

Each load is the first of a browser that has nothing in its cache. ``--grades 100000`` first fills the store with so
many grades of five tenants and then times ``/operations``. Needs Chromium (``apt-get install chromium``).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from playwright.sync_api import Browser, sync_playwright

from evals.bench.process import Service
from service.records import GradeFilter, GradeId, GradeRecord, Tenant
from service.storage import SqlGradeStore, open_migrated

AT_ONCE = 2_000
TENANTS = 5
PAINT = """() => new Promise((found) => new PerformanceObserver((list) => {
  const first = list.getEntriesByName("first-contentful-paint")[0];
  if (!first) return;
  const loaded = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
  found([first.startTime, loaded.reduce((sum, entry) => sum + entry.transferSize, 0)]);
}).observe({ type: "paint", buffered: true }))"""
"""Milliseconds until something of the page is seen (W3C Paint Timing), and the bytes that came over the wire."""


def main() -> int:
    """Start the service, load every page, print a line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loads", type=int, default=10, help="loads of each page")
    parser.add_argument("--grades", type=int, default=0, help="grades in the store for /operations")
    options = parser.parse_args()
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        raise SystemExit("no Chromium on this machine: apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/bench.db"
        with Service({"DEBRIEF_MODEL": "scripted/echo", "DEBRIEF_DATABASE__URL": url}) as service:
            grade = _graded(service.url)
            if options.grades:
                _time_operations(service.url, url, options.grades, options.loads)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
                _paint(browser, service.url, ["/", f"/grades/{grade}", "/learners/me", *PAGES], options.loads)
                browser.close()
    return 0


PAGES = ("/questions", "/review", "/batches", "/evals", "/operations", "/sign-in")


def _paint(browser: Browser, base: str, pages: list[str], loads: int) -> None:
    print(f"{'page':<14} {'first paint, median':>20} {'slowest':>9} {'weight':>9}   (n = {loads} cold loads each)")
    for address in pages:
        found = [_load(browser, f"{base}{address}") for _ in range(loads)]
        times, weight = [ms for ms, _ in found], max(size for _, size in found)
        name = "/grades/{id}" if address.startswith("/grades/") else address
        print(f"{name:<14} {statistics.median(times):>17.0f} ms {max(times):>6.0f} ms {weight / 1000:>6.1f} kB")


def _load(browser: Browser, address: str) -> tuple[float, float]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(address, wait_until="load")
    milliseconds, weight = page.evaluate(PAINT)
    context.close()
    return float(milliseconds), float(weight)


def _graded(base: str) -> str:
    """One answer, graded."""
    body = {"question_id": "p-value-meaning", "answer": "It assumes the null. It is a tail.", "learner": "me"}
    request = urllib.request.Request(
        f"{base}/v1/grades", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as reply:
        return str(json.load(reply)["id"])


def _time_operations(base: str, url: str, grades: int, loads: int) -> None:
    asyncio.run(_fill(url, grades))
    for tenants in ("days=1", "days=30"):
        times = []
        for _ in range(loads):
            started = time.perf_counter()
            with urllib.request.urlopen(f"{base}/operations?{tenants}") as reply:
                reply.read()
            times.append((time.perf_counter() - started) * 1_000)
        print(
            f"/operations?{tenants:<8} over {grades:,} grades: median {statistics.median(times):.0f} ms (n = {loads})"
        )


async def _fill(url: str, grades: int) -> None:
    """Copies of the one grade there is, over a month and some tenants, a twentieth of them within the last day."""
    database = await open_migrated(url)
    store = SqlGradeStore(database)
    (one,) = (await store.page(Tenant("local"), GradeFilter(), None, 1)).records
    copies = _copies(one, grades)
    while some := [copy for _, copy in zip(range(AT_ONCE), copies, strict=False)]:
        await database.write(lambda connection, some=some: store.insert_all(connection, some))  # type: ignore[misc]
    await database.close()


def _copies(one: GradeRecord, grades: int) -> Iterator[GradeRecord]:
    now = datetime.now(UTC)
    for number in range(grades):
        usage = one.usage.model_copy(update={"latency_ms": 50 + number * 7919 % 9_000}) if one.usage else None
        age = timedelta(hours=number % 20) if number % 20 == 0 else timedelta(hours=25 + number % 600)
        yield one.model_copy(
            update={
                "id": GradeId(f"grd_BENCH{number:021d}"),
                "tenant": Tenant(f"tenant-{number % TENANTS}"),
                "created_at": now - age,
                "usage": usage,
            }
        )


if __name__ == "__main__":
    os.environ.setdefault("DEBRIEF_LOG_LEVEL", "WARNING")
    raise SystemExit(main())
