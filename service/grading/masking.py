"""What is graded where manipulation is suspected: two readings, as sent and masked, and of each criterion the lower.

The masked reading leaves the suspicious spans out. Nothing is refused and nothing is taken off: an attack that does not
move the judge leaves the grade where it was, one that does is not paid for.
"""

from __future__ import annotations

from dataclasses import replace

from service.grading.gate import GateRule, GateVerdict, gate, sentence_for
from service.grading.grade import ComputedStructure, Passage
from service.grading.judgement import Decided, Decision, Judgement, Suspected
from service.grading.manipulation import masked, suspicion
from service.grading.submission import Submission

GAP = 1.0
"""Levels between the two readings from which on a person should look."""


def suspected_in(submission: Submission) -> Suspected | None:
    """What in an answer is under suspicion, if anything."""
    found = suspicion(submission.answer, submission.question)
    return Suspected(spans=found.spans, detail=found.detail) if found else None


def without(submission: Submission, suspected: Suspected | None) -> Submission:
    """The submission without the spans under suspicion."""
    if suspected is None:
        return submission
    return replace(submission, answer=masked(submission.answer, suspected.spans))


def settled_by_rule(submission: Submission, suspected: Suspected | None) -> GateVerdict | None:
    """The rule that settles the answer as sent, or what is left of it without the spans under suspicion."""
    verdict = gate(submission.question, submission.answer)
    if verdict is not None or suspected is None:
        return verdict
    left = gate(submission.question, without(submission, suspected).answer)
    if left is not None and left.rule is GateRule.BLANK:
        return GateVerdict(GateRule.NO_CONTENT, sentence_for(GateRule.NO_CONTENT))
    return left


def beyond_suspicion(counted: ComputedStructure, suspected: Suspected | None) -> ComputedStructure:
    """What code counted in an answer, without passages from the spans under suspicion."""
    if suspected is None:
        return counted

    def clear(passages: tuple[Passage, ...]) -> tuple[Passage, ...]:
        return tuple(p for p in passages if all(p.end <= start or end <= p.start for start, end in suspected.spans))

    return counted.model_copy(
        update={name: clear(getattr(counted, name)) for name in ("result_numbers", "trade_offs", "assumptions")}
    )


def lower(sent: Judgement, clean: Judgement, suspected: Suspected) -> Judgement:
    """One judgement of the two readings: the lower level of each criterion, all else from the masked reading."""
    pairs = list(zip(sent.decisions, clean.decisions, strict=True))
    gaps = tuple(after.criterion for before, after in pairs if _apart(before, after) >= GAP)
    return clean.model_copy(
        update={
            "decisions": tuple(_lower(before, after) for before, after in pairs),
            "suspected": suspected.model_copy(update={"gaps": gaps}),
            "calls": (*sent.calls, *clean.calls),
        }
    )


def _lower(sent: Decision, clean: Decision) -> Decision:
    """Where the masked reading has no level there is none; a failure as sent costs nothing."""
    if isinstance(sent, Decided) and isinstance(clean, Decided) and sent.levels.expected < clean.levels.expected:
        return sent
    return clean


def _apart(sent: Decision, clean: Decision) -> float:
    if isinstance(sent, Decided) and isinstance(clean, Decided):
        return abs(sent.levels.expected - clean.levels.expected)
    return 0.0
