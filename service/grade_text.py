"""A grade as text for a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from service.grading.grade import CriterionGrade, ScoredCriterion
from service.records import GradeRecord


def print_grade(record: GradeRecord, console: Console) -> None:
    """A grade for a reader at a terminal. All text of the answer and the model is shown as text, never as markup."""
    grade = record.grade
    if grade is None or grade.overall is None:
        reason = record.reason.detail if record.reason else "no reason was given"
        console.print(Text(f"Not graded: {reason}", style="bold red"))
        return
    total = grade.overall
    capped = f", capped by {total.capped_by}" if total.capped_by else ""
    console.print(Text(f"{total.label}  {total.score:.2f} of {total.max_score}{capped}", style="bold"))
    if total.summary:
        console.print(Text(total.summary))
    for criterion in grade.criteria:
        _print_criterion(criterion, console)
    for wrong in grade.misconceptions:
        if wrong.voiced == "yes":
            console.print(Text(f"  you said something like: {wrong.misconception}", style="yellow"))
    for point in grade.key_points:
        console.print(Text(f"  {point.covered:>8}  {point.point}"))
    for title, text in (
        ("Next", " ".join(grade.next_steps)),
        ("Follow-up question", grade.follow_up_question or ""),
        ("Instead of", grade.rewrite.before if grade.rewrite else ""),
        ("say", grade.rewrite.after if grade.rewrite else ""),
    ):
        if text:
            console.print(Text.assemble((f"{title}: ", "bold"), text))
    if grade.commentary.reason:
        console.print(Text(f"Commentary {grade.commentary.status}: {grade.commentary.reason.detail}", style="yellow"))
    _print_footer(record, console)


def _print_criterion(criterion: CriterionGrade, console: Console) -> None:
    console.print()
    if not isinstance(criterion, ScoredCriterion):
        console.print(Text(f"{criterion.name}: not scored ({criterion.reason.detail})", style="yellow"))
        return
    bars = " ".join(f"{level}:{p:.0%}" for level, p in enumerate(criterion.distribution, 1))
    sure = "" if criterion.confidence is None else f", confidence {criterion.confidence:.2f}"
    console.print(
        Text.assemble((f"{criterion.name}: {criterion.label}", "bold cyan"), f"  {criterion.score:.2f}{sure}   {bars}")
    )
    if criterion.rationale:
        console.print(Text(f"  {criterion.rationale}"))
    for evidence in criterion.evidence:
        sign = "+" if evidence.sign == "strength" else "-"
        console.print(Text(f"  {sign} “{evidence.quote}” {evidence.comment}".rstrip()))
    for improvement in criterion.improvements:
        console.print(Text(f"  > {improvement.what}: {improvement.try_this}", style="green"))


def _print_footer(record: GradeRecord, console: Console) -> None:
    usage, grade = record.usage, record.grade
    if usage is None or grade is None:
        return
    cost = "unknown cost" if usage.cost_usd is None else f"$ {usage.cost_usd:.4f}"
    console.print()
    console.print(
        Text(
            f"{record.id} · {grade.receipt.judge} · {usage.model_calls} model calls · "
            f"{usage.input_tokens}+{usage.output_tokens} tokens · {usage.latency_ms / 1000:.1f} s · "
            f"{cost} · {usage.cache}",
            style="dim",
        )
    )
