"""Two answers to "what is a p-value?", one wrong, one right, through the real HTTP API, side by side.

``make demo`` starts the service on a free port with a throw-away database, posts both answers, prints both
grades and exits 0 only if the right one scores at least half a level higher on correctness.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from typing import Any

from rich.columns import Columns
from rich.console import Console, Group
from rich.panel import Panel
from rich.text import Text

MARGIN = 0.5
START_SECONDS = 60
GRADE_SECONDS = 600
QUESTION = "Can you explain what a p-value is?"
REFERENCE = (
    "The probability, assuming the null hypothesis is true, of data at least as extreme as those observed. "
    "It is not the probability that the null hypothesis is true, and it says nothing about the size of the effect."
)
WRONG = (
    "Sure, great question. A p-value is the probability that the null hypothesis is true. So with a p-value of 0.03 "
    "there is a 97 percent chance that the new checkout page works better, and anything under 0.05 is proven. In my "
    "last project we tested a new button, the p-value came out at 0.04, so we told the board it was certain and "
    "shipped it to every customer the same day."
)
RIGHT = (
    "Suppose the new page changed nothing. The p-value is how often you would still see a difference at least as "
    "big as ours just by chance. It is not the chance that the null is true. Small means surprising under no "
    "effect; I would still ask how big the lift is before we ship."
)


def main() -> int:
    """0 when the right answer is told from the wrong one, 1 when it is not, 2 when it could not be tried."""
    console = Console()
    with tempfile.TemporaryDirectory() as folder:
        port = _free_port()
        environment = {**os.environ, "DEBRIEF_DATABASE__URL": f"sqlite:///{folder}/demo.db"}
        command = [sys.executable, "-m", "service.cli", "serve", "--port", str(port)]
        server = subprocess.Popen(command, env=environment, stderr=sys.stderr)  # noqa: S603 - our own command
        try:
            if not _wait_until_ready(server, port):
                console.print("The service did not start; see above.")
                return 2
            wrong, right = (_grade(console, port, name, text) for name, text in (("wrong", WRONG), ("right", RIGHT)))
        except (urllib.error.URLError, TimeoutError) as error:
            console.print(Text(f"An answer could not be graded: {error}"))
            return 2
        finally:
            server.terminate()
            server.wait(timeout=30)
    console.print(
        Columns([_panel("The wrong answer", WRONG, wrong), _panel("The right answer", RIGHT, right)], equal=True)
    )
    return _verdict(console, _correctness(wrong), _correctness(right))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(server: subprocess.Popen[bytes], port: int) -> bool:
    """Wait for the service; fetching the model (first use only) shows its own progress and is not counted."""
    deadline = None
    while server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
                return True
        except OSError:
            deadline = deadline or time.monotonic() + START_SECONDS * 60
            if time.monotonic() > deadline:
                return False
            time.sleep(0.2)
    return False


def _grade(console: Console, port: int, name: str, answer: str) -> dict[str, Any]:
    body = json.dumps({"question": QUESTION, "answer": answer, "reference": REFERENCE}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/grades", body, {"Content-Type": "application/json"})
    waiting = console.status(f"Grading the {name} answer (a minute or two on two cores) ...")
    with waiting, urllib.request.urlopen(request, timeout=GRADE_SECONDS) as response:
        grade: dict[str, Any] = json.load(response)
    return grade


def _correctness(grade: dict[str, Any]) -> float:
    return float(next(c["score"] for c in grade["criteria"] if c["id"] == "correctness"))


def _panel(title: str, answer: str, grade: dict[str, Any]) -> Panel:
    overall, usage = grade["overall"], grade["usage"]
    lines = [Text(answer, style="italic"), Text("")]
    capped = f" (capped by {overall['capped_by']})" if overall["capped_by"] else ""
    lines.append(
        Text(f"Overall {overall['score']:.2f} of {overall['max_score']}: {overall['label']}{capped}", style="bold")
    )
    for criterion in grade["criteria"]:
        lines.append(Text(f"\n{criterion['name']}  {criterion['score']:.2f}  {criterion['label']}", style="bold cyan"))
        lines.append(Text(" ".join(f"{i}:{p:.0%}" for i, p in enumerate(criterion["distribution"], 1)), style="dim"))
        lines += [Text(text) for text in (criterion["rationale"],) if text]
        lines += [
            Text(f"{'+' if e['sign'] == 'strength' else '-'} “{e['quote']}” [{e['start']}:{e['end']}]")
            for e in criterion["evidence"]
        ]
    tokens = f"{usage['input_tokens']} tokens in ({usage['cached_tokens']} cached), {usage['output_tokens']} out"
    lines.append(
        Text(f"\n{usage['model_calls']} model calls, {tokens}, {usage['latency_ms'] / 1000:.0f} s", style="dim")
    )
    return Panel(Group(*lines), title=title)


def _verdict(console: Console, wrong: float, right: float) -> int:
    told = right - wrong >= MARGIN
    says = "told apart" if told else "NOT told apart"
    console.print(
        Text(
            f"Correctness: wrong {wrong:.2f}, right {right:.2f}, difference {right - wrong:+.2f} - {says}.",
            style="bold",
        )
    )
    return 0 if told else 1


if __name__ == "__main__":
    sys.exit(main())
