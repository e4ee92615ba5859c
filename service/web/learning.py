"""Grades as a visitor may see them, and the attempts before them."""

from __future__ import annotations

from service.api import problems
from service.api.problems import ProblemError
from service.attempts import previous_attempt
from service.bootstrap import Services
from service.records import GradeFilter, GradeId, GradeRecord
from service.web.visitor import Visitor

LOOK_BACK = 100
"""Grades of a learner that are searched for an earlier attempt."""


async def find_grade(services: Services, who: Visitor, grade_id: str) -> GradeRecord:
    """A grade this visitor may see.

    Raises:
        ProblemError: 404; unknown and foreign look the same.
    """
    plain = grade_id.isascii() and grade_id.startswith("grd_") and grade_id[4:].isalnum()
    record = await services.grading.get(who.tenant, GradeId(grade_id)) if plain else None
    if record is None or not who.may_see(record.request.learner):
        raise ProblemError(problems.NOT_FOUND, "There is no such grade, or it is not yours to see.")
    return record


async def attempt_before(services: Services, record: GradeRecord) -> GradeRecord | None:
    """The learner's attempt at the same question before this one."""
    learner = record.request.learner
    if learner is None:
        return None
    recent = await services.grading.page(record.tenant, GradeFilter(learner=learner), None, LOOK_BACK)
    return previous_attempt(record, recent.records)
