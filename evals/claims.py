"""Does polish buy correctness? Four answers a question - fluent or terse, wrong or right - before the real judge.

``python -m evals.claims`` grades correctness only, with the configured model (about 20 s an answer with the
embedded model on two cores), and prints how often a right answer scores above a wrong one, with the claim
check and by the level readout alone. The answers are authored development material, not human-scored data.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
from pathlib import Path
from typing import Any

from rich.progress import Progress

from service.bootstrap import build_grader, open_backend, retry_policy
from service.grading.grader import Grader
from service.grading.judgement import Decided
from service.grading.models import CallBudget
from service.grading.rubric import Rubric, parse_rubric
from service.grading.submission import Submission
from service.library import FileLibrary
from service.llm.retry import ResilientChat
from service.settings import Settings

MATERIAL = Path(__file__).parent / "material" / "claims.jsonl"
KINDS = ("fluent_wrong", "terse_wrong", "terse_right", "fluent_right")
PAIRS = (("terse_right", "fluent_wrong"), ("fluent_right", "fluent_wrong"), ("terse_right", "terse_wrong"))
Scores = dict[str, tuple[float, float]]


async def main() -> int:
    """Grade everything and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=10**6, help="take only the first so many")
    parser.add_argument("--without-reference", action="store_true")
    options = parser.parse_args()
    rows = [json.loads(line) for line in MATERIAL.read_text(encoding="utf-8").splitlines()][: options.questions]
    settings, library = Settings(), FileLibrary()
    chat = ResilientChat(open_backend(settings), retry_policy(settings))
    grader, rubric = build_grader(settings, library, chat), _correctness_alone(library)
    scored = []
    with Progress() as progress:
        bar = progress.add_task("grading", total=len(rows) * len(KINDS))
        for row in rows:
            reference = None if options.without_reference else row["reference"]
            scored.append({kind: await _score(grader, rubric, row, kind, reference) for kind in KINDS})
            progress.advance(bar, len(KINDS))
    await chat.backend.close()
    _print(
        scored,
        f"{settings.model}, {grader.judge.prompt.name}, reference {'left out' if reference is None else 'given'}",
    )
    return 0


def _correctness_alone(library: FileLibrary) -> Rubric:
    rubric = library.rubric("ds-interview")
    assert rubric is not None
    data = rubric.model_dump(mode="json")
    criterion = {**data["criteria"][0], "weight": 1.0}
    return parse_rubric({**data, "id": "correctness-alone", "criteria": [criterion]})


async def _score(
    grader: Grader, rubric: Rubric, row: dict[str, Any], kind: str, reference: str | None
) -> tuple[float, float]:
    """The expected level with the claim check, and by the level readout alone."""
    submission = Submission(row["question"], row["answers"][kind], reference)
    judgement = await grader.decide(submission, rubric, CallBudget(), lambda _: None)
    decision = judgement.decisions[0]
    if not isinstance(decision, Decided):
        raise SystemExit(f"{row['id']} {kind} could not be judged: {decision.reason.detail}")
    return decision.levels.expected, decision.probes.get("level_alone", decision.levels.expected)


def _print(scored: list[Scores], title: str) -> None:
    print(f"{title}; n = {len(scored)} questions, authored")
    for place, name in ((0, "with the claim check"), (1, "level readout alone")):
        means = ", ".join(f"{kind} {statistics.mean(s[kind][place] for s in scored):.2f}" for kind in KINDS)
        print(f"{name}: mean expected level: {means}")
        for better, worse in PAIRS:
            right = sum(s[better][place] > s[worse][place] for s in scored)
            print(f"  {better} above {worse}: {right} of {len(scored)}")


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
