"""From a model's draft to feedback that may be shown: quotes found, contradictions with the level left out.

No invented fault on a full-mark criterion, no praise on a lowest one, no advice to say what was said already; a
quote that is not in the answer is dropped and counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from service.grading.evidence import QuoteFinder, Span
from service.grading.grade import Evidence, Improvement, Quoted, Rewrite, StoryMap
from service.grading.judgement import Draft, DraftEvidence, DraftRemarks
from service.grading.levels import LevelDistribution
from service.grading.reply import STORY
from service.grading.rubric import Criterion, Rubric
from service.grading.submission import Submission


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Remarks(_Value):
    """What a learner reads on one criterion. ``quoted`` and ``unverified`` count the model's quotes."""

    rationale: str | None = None
    evidence: tuple[Evidence, ...] = ()
    improvements: tuple[Improvement, ...] = ()
    quoted: int = 0
    unverified: int = 0


class Commentary(_Value):
    """Checked feedback on a whole answer.

    Attributes:
        problems: what had to be left out, in words a model can act on when it is asked once more.
        missing: criteria with a level but no rationale.
    """

    remarks: dict[str, Remarks] = {}
    summary: str | None = None
    next_steps: tuple[str, ...] = ()
    follow_up_question: str | None = None
    rewrite: Rewrite | None = None
    story: StoryMap | None = None
    problems: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def check_commentary(
    draft: Draft,
    submission: Submission,
    rubric: Rubric,
    decided: Mapping[str, LevelDistribution],
    forbidden: Sequence[Span] = (),
) -> Commentary:
    """What of a draft may be shown, given the decided levels.

    Args:
        draft: as the model wrote it.
        submission: whose answer the quotes have to come from.
        rubric: its descriptors are not evidence.
        decided: the level distributions; criteria without one get no remarks.
        forbidden: spans of the answer that may not be quoted.
    """
    finder = QuoteFinder(
        submission.answer, question=submission.question, elsewhere=_descriptors(rubric), forbidden=forbidden
    )
    problems: list[str] = []
    remarks = {}
    for criterion in rubric.criteria:
        if criterion.id in decided:
            given = draft.remarks.get(criterion.id, DraftRemarks())
            remarks[criterion.id] = _check_remarks(criterion, given, decided[criterion.id].median, finder, problems)
    return Commentary(
        remarks=remarks,
        summary=draft.summary or None,
        next_steps=draft.next_steps,
        follow_up_question=draft.follow_up_question or None,
        rewrite=_check_rewrite(draft, submission.answer, finder),
        story=_check_story(draft, finder),
        problems=tuple(problems),
        missing=tuple(name for name, given in remarks.items() if given.rationale is None),
    )


def _check_story(draft: Draft, finder: QuoteFinder) -> StoryMap | None:
    """The map with the quotes that stand in the answer; None when none was asked for."""
    if not draft.story:
        return None
    return StoryMap.model_validate({part: _quoted(draft.story.get(part, ""), finder) for part in STORY})


def _quoted(quote: str, finder: QuoteFinder) -> Quoted | None:
    place = finder.find(quote) if quote else None
    if place is None:
        return None
    return Quoted(
        quote=finder.answer[place.start : place.end], start=place.start, end=place.end, match=place.match.value
    )


def _descriptors(rubric: Rubric) -> list[str]:
    return [level.descriptor for criterion in rubric.criteria for level in criterion.levels]


def _check_remarks(
    criterion: Criterion, draft: DraftRemarks, level: int, finder: QuoteFinder, problems: list[str]
) -> Remarks:
    found = [(item, _located(item, finder)) for item in draft.evidence]
    unverified = sum(evidence is None for _, evidence in found)
    if unverified:
        problems.append(f"{criterion.id}: {unverified} quote(s) do not stand in the answer; copy its words exactly")
    shown = [evidence for _, evidence in found if evidence and _sign_fits(evidence, criterion, level, problems)]
    improvements = tuple(item for item in draft.improvements if finder.find(item.try_this) is None)
    if len(improvements) < len(draft.improvements):
        problems.append(f"{criterion.id}: an improvement repeats what the answer already says")
    if level == len(criterion.levels) and improvements:
        problems.append(f"{criterion.id}: has the top level, so it has no improvements")
        improvements = ()
    if not draft.rationale:
        problems.append(f"{criterion.id}: the rationale is missing")
    return Remarks(
        rationale=draft.rationale or None,
        evidence=_without_repeats(shown),
        improvements=tuple(Improvement(what=i.what, why=i.why, try_this=i.try_this) for i in improvements),
        quoted=len(found),
        unverified=unverified,
    )


def _located(draft: DraftEvidence, finder: QuoteFinder) -> Evidence | None:
    place = finder.find(draft.quote)
    if place is None:
        return None
    return Evidence(
        quote=finder.answer[place.start : place.end],
        start=place.start,
        end=place.end,
        match=place.match.value,
        sign=draft.sign,
        comment=draft.comment,
    )


def _sign_fits(evidence: Evidence, criterion: Criterion, level: int, problems: list[str]) -> bool:
    if level == 1 and evidence.sign == "strength":
        problems.append(f"{criterion.id}: has the lowest level, so nothing in it is a strength")
        return False
    if level == len(criterion.levels) and evidence.sign == "gap":
        problems.append(f"{criterion.id}: has the top level, so nothing in it is a gap")
        return False
    return True


def _without_repeats(evidence: list[Evidence]) -> tuple[Evidence, ...]:
    seen = {(item.start, item.end): item for item in reversed(evidence)}
    return tuple(item for item in evidence if seen.get((item.start, item.end)) is item)


def _check_rewrite(draft: Draft, answer: str, finder: QuoteFinder) -> Rewrite | None:
    """A rewrite starts from the candidate's own words and changes them."""
    place = finder.find(draft.rewrite_before) if draft.rewrite_before else None
    if place is None or not draft.rewrite_after:
        return None
    before = answer[place.start : place.end]
    repeats = finder.find(draft.rewrite_after) is not None
    return None if repeats else Rewrite(before=before, after=draft.rewrite_after)
