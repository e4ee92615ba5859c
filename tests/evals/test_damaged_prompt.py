"""From a prompt file to the exit code: a deliberately damaged prompt is worse, and turns the gate red.

The production grader grades a small golden set with a scripted model that counts the checks an answer names, so that
the level can only be right where the prompt shows the answer.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from evals.analysis import REGRESSION, analyse
from evals.baseline import accept, read_baseline
from evals.compare import compare
from evals.finished import read_run
from evals.gate import gate
from evals.golden import GoldenRow
from evals.results import Result
from service.bootstrap import build_grader, retry_policy
from service.grading.grade import Usage
from service.grading.models import CallBudget
from service.library import FileLibrary, default_content_dir
from service.llm.retry import ResilientChat
from service.llm.scripted import ScriptedChat
from tests.conftest import make_settings
from tests.evals.makers import row, write_run

pytestmark = pytest.mark.anyio

GOOD, DAMAGED = "judge-single-call@3", "judge-single-call@99"
NUMBERS = re.compile(r"check (?:one|two|three|four)")
SAID = "First I look at the plan, then I do"


def ladder_rows() -> list[GoldenRow]:
    """Eight questions with a ladder of three answers that name one, two and four checks."""
    checks = [f"check {n}" for n in ("one", "two", "three", "four")]
    return [
        row(
            f"l{i}-{level}",
            {"correctness": level},
            tags=("ladder",),
            group=f"l{i}",
            question=f"How do you test change number {i}?",
            answer=f"{SAID} {', '.join(checks[: level - 1])} and report what I found.",
        )
        for i in range(8)
        for level in (2, 3, 5)
    ]


def content_with_damage(folder: Path) -> Path:
    """The product's content, and a newest prompt that forgets to show the answer."""
    prompts = folder / "prompts"
    (prompts / "judge-single-call").mkdir(parents=True)
    for source in sorted((default_content_dir() / "prompts").iterdir()):
        if source.name != "judge-single-call":
            (prompts / source.name).symlink_to(source)
    text = (default_content_dir() / "prompts" / "judge-single-call" / "3.md").read_text(encoding="utf-8")
    (prompts / "judge-single-call" / "3.md").write_text(text, encoding="utf-8")
    damaged = text.replace('version: "3"', 'version: "99"').replace("{{ answer }}", "(see above)")
    (prompts / "judge-single-call" / "99.md").write_text(damaged, encoding="utf-8")
    (folder / "rubrics").symlink_to(default_content_dir() / "rubrics")
    return folder


async def graded(tmp_path: Path, prompt: str, library: FileLibrary) -> list[Result]:
    """Every row, by the production grader with this prompt."""
    counting = ScriptedChat("scripted/counting", lambda answer, levels: min(1 + len(NUMBERS.findall(answer)), levels))
    settings = make_settings(tmp_path, judge="single_call", prompts={"single_call": prompt})
    grader = build_grader(settings, library, ResilientChat(counting, retry_policy(settings)))
    rubric = library.rubric("ds-interview")
    assert rubric is not None
    results = []
    for golden in ladder_rows():
        budget = CallBudget()
        grade = await grader.grade(golden.submission(), rubric, budget)
        results.append(Result(row=golden, variant=prompt, grade=grade, usage=_usage(budget)))
    return results


def _usage(budget: CallBudget) -> Usage:
    return Usage(
        model_calls=len(budget.records),
        input_tokens=sum(record.tokens.input for record in budget.records),
        output_tokens=sum(record.tokens.output for record in budget.records),
        cached_tokens=0,
        cost_usd=0.0,
        latency_ms=1,
        cache="miss",
    )


async def test_a_damaged_prompt_is_worse_and_turns_the_gate_red(tmp_path: Path) -> None:
    """In error and in order, by comparison with the good one and with the accepted numbers."""
    library = FileLibrary(content_with_damage(tmp_path / "content"))
    good, bad = [await graded(tmp_path, prompt, library) for prompt in (GOOD, DAMAGED)]
    accepted = read_run(write_run(tmp_path / "good", good))
    baseline = read_baseline(accept(accepted, "The prompt as released.", "2026-11-25", tmp_path / "baselines"))

    both = read_run(write_run(tmp_path / "both", [*good, *bad]))
    verdict = compare(both.results, GOOD, DAMAGED)
    red = {check.name for check in gate(both, baseline).red}

    assert gate(accepted, baseline).red == ()
    assert verdict.overall.verdict == "worse"
    assert verdict.criteria[0].parts[1].base == 1.0
    assert {"correctness.mae", "correctness.pairs", "all criteria.mae"} <= red
    assert analyse(both).code == REGRESSION


async def test_the_quotes_of_the_production_grader_stand_where_its_offsets_say(tmp_path: Path) -> None:
    """Evidence in a real grade, and none of it misplaced."""
    results = await graded(tmp_path, "judge-single-call@3", FileLibrary())

    summary = analyse(read_run(write_run(tmp_path / "run", results))).summaries[0]

    assert summary.safety["quotes_misplaced"].value == 0.0
    assert summary.safety["quotes_misplaced"].n > 0
    assert summary.effort["calls"].value == 1.0
