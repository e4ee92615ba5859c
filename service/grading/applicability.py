"""Which criteria an answer gives occasion for: what does not apply is not judged, and never a low score."""

from __future__ import annotations

from service.grading.grade import Reason
from service.grading.judgement import NotApplicable
from service.grading.prose import PROSE_WORDS, prose_words, segments
from service.grading.rubric import Rubric

BARE_CODE = Reason(
    code="not_applicable",
    detail=f"The answer is code with fewer than {PROSE_WORDS} words beside it, so there is nothing to judge here.",
    retryable=False,
)


def not_applicable(rubric: Rubric, answer: str) -> dict[str, NotApplicable]:
    """The criteria whose condition the answer does not meet, by id, in rubric order."""
    conditional = [criterion.id for criterion in rubric.criteria if criterion.applies_when is not None]
    code = any(part.code for part in segments(answer))
    if not conditional or not code or prose_words(answer) >= PROSE_WORDS:
        return {}
    return {name: NotApplicable(criterion=name, reason=BARE_CODE) for name in conditional}
