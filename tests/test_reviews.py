"""What people say on a grade, and what of it leaves something open."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from service.grading.levels import LevelDistribution
from service.reviews import Appeal, AppealId, AppealStatus, PersonReview, ReviewId, corrected, open_reasons
from tests.grading.helpers import tiny_rubric

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def review(minutes: int, *criteria: str) -> PersonReview:
    """A review of some criteria, so many minutes after noon."""
    return PersonReview(
        id=ReviewId("rev_1"),
        created_at=NOON + timedelta(minutes=minutes),
        reviewer="maria",
        levels=dict.fromkeys(criteria, 2),
        note=None,
        settles=(),
        overall=None,
    )


def appeal(status: AppealStatus) -> Appeal:
    """An appeal made at noon."""
    return Appeal(id=AppealId("apl_1"), created_at=NOON, reason="r", status=status)


@pytest.mark.parametrize(
    ("machine", "reviews", "left"),
    [
        (["unscored:form"], [], ["unscored:form"]),
        (["unscored:form"], [review(1, "facts")], ["unscored:form"]),
        (["unscored:form", "low_confidence:facts"], [review(1, "form")], ["low_confidence:facts"]),
        (["manipulation_suspected"], [review(1, "form")], []),
    ],
    ids=["nobody", "another-criterion", "its-criterion", "whole-grade"],
)
def test_a_reason_is_settled_by_a_review_that_answers_it(
    machine: list[str], reviews: list[PersonReview], left: list[str]
) -> None:
    """A criterion's by a level for it, the whole grade's by any."""
    assert list(open_reasons(machine, reviews, [])) == left


@pytest.mark.parametrize("status", list(AppealStatus), ids=str)
def test_an_appeal_waits_for_a_person_only_where_the_second_grading_left_it_open(status: AppealStatus) -> None:
    """In progress and agreed do not."""
    waits = open_reasons([], [], [appeal(status)]) == ("appeal",)

    assert waits == (status in (AppealStatus.DIFFERED, AppealStatus.UNDECIDED))


@pytest.mark.parametrize(("minutes", "left"), [(-1, ("appeal",)), (1, ())], ids=["before", "after"])
def test_only_a_review_after_the_appeal_settles_it(minutes: int, left: tuple[str, ...]) -> None:
    """Who reviewed before did not know of it."""
    assert open_reasons([], [review(minutes, "facts")], [appeal(AppealStatus.DIFFERED)]) == left


def test_the_corrected_result_takes_the_machine_s_levels_where_the_person_gave_none() -> None:
    """Caps apply to it as to any result."""
    machine = {"facts": LevelDistribution.point(3, 3), "form": LevelDistribution.point(3, 3)}

    fewer = corrected(tiny_rubric(), machine, {"facts": 1})

    assert fewer is not None
    assert (fewer.score, fewer.capped_by) == (1.25, "facts")
    assert corrected(tiny_rubric(), {}, {}) is None
