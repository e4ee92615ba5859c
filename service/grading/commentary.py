"""From a model's draft to feedback that may be shown: quotes found, what contradicts left out, all of it counted.

No invented fault on a full-mark criterion, no praise on a lowest one, no advice to say what was said already, no
rewrite that changes the learner's facts; a quote that is not in the answer is dropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict

from service.grading.consistency import invented_numbers, lost_facts, says_something_new
from service.grading.evidence import QuoteFinder, Span
from service.grading.grade import Checks, Evidence, Improvement, Quoted, Rewrite, StoryMap
from service.grading.judgement import Draft, DraftEvidence, DraftImprovement, DraftRemarks
from service.grading.levels import LevelDistribution
from service.grading.reply_schema import STORY
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
        points: for each point listened for, the words of the answer that cover it, where they were found.
        problems: what had to be left out, in words a model can act on when it is asked once more.
        missing: criteria with a level but no rationale.
        checks: how much was offered and how much of it left out.
    """

    remarks: dict[str, Remarks] = {}
    summary: str | None = None
    next_steps: tuple[str, ...] = ()
    follow_up_question: str | None = None
    rewrite: Rewrite | None = None
    story: StoryMap | None = None
    points: tuple[Quoted | None, ...] = ()
    problems: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    checks: Checks = Checks()


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
    check = _Check(submission, finder)
    remarks = {
        criterion.id: check.remarks(
            criterion, draft.remarks.get(criterion.id, DraftRemarks()), decided[criterion.id].median
        )
        for criterion in rubric.criteria
        if criterion.id in decided
    }
    rewrite = check.rewrite(draft, may_correct=_wrong(rubric, decided))
    story = {part: check.quote(draft.story.get(part, "")) for part in STORY} if draft.story else None
    return Commentary(
        remarks=remarks,
        summary=draft.summary or None,
        next_steps=draft.next_steps,
        follow_up_question=draft.follow_up_question or None,
        rewrite=rewrite,
        story=StoryMap.model_validate(story) if story else None,
        points=tuple(check.quote(quote) for quote in draft.points),
        problems=tuple(check.problems),
        missing=tuple(name for name, given in remarks.items() if given.rationale is None),
        checks=check.counted(),
    )


def _descriptors(rubric: Rubric) -> list[str]:
    return [level.descriptor for criterion in rubric.criteria for level in criterion.levels]


def _wrong(rubric: Rubric, decided: Mapping[str, LevelDistribution]) -> bool:
    """Whether the facts are in the lower half of the levels: what is false has to be said otherwise."""
    facts = [decided[c.id] for c in rubric.criteria if c.factual and c.id in decided]
    return any(2 * levels.median <= levels.levels for levels in facts)


@dataclass(slots=True)
class _Check:
    """One draft under examination: what is found wrong in it, and how much was offered."""

    submission: Submission
    finder: QuoteFinder
    problems: list[str] = field(default_factory=list)
    quotes: int = 0
    quotes_dropped: int = 0
    offered: int = 0
    dropped: int = 0

    def counted(self) -> Checks:
        """The counts."""
        return Checks(
            quotes=self.quotes,
            quotes_dropped=self.quotes_dropped,
            remarks=self.offered,
            remarks_dropped=self.dropped,
        )

    def remarks(self, criterion: Criterion, draft: DraftRemarks, level: int) -> Remarks:
        """The remarks on one criterion."""
        found = [(item, self.quote(item.quote)) for item in draft.evidence]
        unverified = sum(quoted is None for _, quoted in found)
        if unverified:
            self.problems.append(
                f"{criterion.id}: {unverified} quote(s) do not stand in the answer; copy its words exactly"
            )
        shown = [_evidence(item, quoted) for item, quoted in found if quoted and self._sign(item, criterion, level)]
        if not draft.rationale:
            self.problems.append(f"{criterion.id}: the rationale is missing")
        return Remarks(
            rationale=draft.rationale or None,
            evidence=_without_repeats(shown),
            improvements=tuple(
                Improvement(what=item.what, why=item.why, try_this=item.try_this)
                for item in draft.improvements
                if self._improves(item, criterion, level)
            ),
            quoted=len(found),
            unverified=unverified,
        )

    def quote(self, quote: str) -> Quoted | None:
        """The words of the answer a model points at; an empty quote is none offered."""
        if not quote:
            return None
        self.quotes += 1
        place = self.finder.find(quote)
        if place is None:
            self.quotes_dropped += 1
            return None
        words = self.finder.answer[place.start : place.end]
        return Quoted(quote=words, start=place.start, end=place.end, match=place.match.value)

    def rewrite(self, draft: Draft, *, may_correct: bool) -> Rewrite | None:
        """A rewrite starts from the candidate's own words, changes them, and keeps the facts in them.

        Args:
            draft: holds the passage before and after.
            may_correct: what the answer says is mostly wrong, so that a rewrite may say something else.
        """
        if not draft.rewrite_after:
            return None
        before = self.quote(draft.rewrite_before)
        if before is None or self.finder.find(draft.rewrite_after) is not None:
            return None
        faults = [] if may_correct else [f"loses {fact}" for fact in lost_facts(before.quote, draft.rewrite_after)]
        sent = self.submission
        if invented_numbers(draft.rewrite_after, sent.answer, sent.reference, sent.question):
            faults.append("has a number that nobody gave")
        if not self._keep(f"rewrite: it {' and '.join(faults)}; keep the candidate's facts" if faults else ""):
            return None
        return Rewrite(before=before.quote, after=draft.rewrite_after)

    def _sign(self, evidence: DraftEvidence, criterion: Criterion, level: int) -> bool:
        fault = ""
        if level == 1 and evidence.sign == "strength":
            fault = f"{criterion.id}: has the lowest level, so nothing in it is a strength"
        elif level == len(criterion.levels) and evidence.sign == "gap":
            fault = f"{criterion.id}: has the top level, so nothing in it is a gap"
        return self._keep(fault)

    def _improves(self, item: DraftImprovement, criterion: Criterion, level: int) -> bool:
        """Advice on form may put the answer's own words in another order; advice on facts has to bring a new one."""
        answer = self.submission.answer
        advice = (item.try_this or item.what) if criterion.factual else f"{item.what} {item.try_this}"
        fault = ""
        if level == len(criterion.levels):
            fault = f"{criterion.id}: has the top level, so it has no improvements"
        elif self.finder.find(item.try_this) is not None:
            fault = f"{criterion.id}: an improvement repeats what the answer already says"
        elif not says_something_new(advice, answer):
            fault = f"{criterion.id}: an improvement names nothing that the answer lacks"
        return self._keep(fault)

    def _keep(self, fault: str) -> bool:
        """Count a remark; one with a fault is noted and left out."""
        self.offered += 1
        if fault:
            self.dropped += 1
            if fault not in self.problems:
                self.problems.append(fault)
        return not fault


def _evidence(draft: DraftEvidence, quoted: Quoted) -> Evidence:
    return Evidence(**quoted.model_dump(), sign=draft.sign, comment=draft.comment)


def _without_repeats(evidence: list[Evidence]) -> tuple[Evidence, ...]:
    seen = {(item.start, item.end): item for item in reversed(evidence)}
    return tuple(item for item in evidence if seen.get((item.start, item.end)) is item)
