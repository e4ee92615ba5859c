"""One answer from submission to grade."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from service.grading.coach import Coach
from service.grading.errors import ModelError, ModelUnavailable
from service.grading.grade import Grade, GradeStatus, ScoredCriterion, UnscoredCriterion
from service.grading.grader import Grader
from service.grading.judges.single_call import SingleCallJudge
from service.grading.models import CallBudget, ChatReply
from service.grading.rubric import Rubric
from service.grading.submission import Submission
from service.library import FileLibrary
from service.llm.retry import ResilientChat, RetryPolicy
from service.llm.scripted import RepliesInOrder, obedient

pytestmark = pytest.mark.anyio
SUBMISSION = Submission("Why split?", "We split so that we see how it does on new data. That is all.")
REMARKS: dict[str, Any] = {"evidence": [], "rationale": "Because.", "improvements": []}


def reply(facts: dict[str, Any], form: dict[str, Any]) -> ChatReply:
    """A single-call reply."""
    return ChatReply(json.dumps({"criteria": {"facts": {**REMARKS, **facts}, "form": {**REMARKS, **form}}}))


def grader(library: FileLibrary, replies: Sequence[ChatReply | ModelError], samples: int = 1) -> Grader:
    """A grader whose judge gets these replies, and whose coach gets them too."""
    chat = ResilientChat(RepliesInOrder(replies), RetryPolicy(base_wait=0.0))
    judge_prompt, coach_prompt = library.prompt("judge-single-call"), library.prompt("coach")
    assert judge_prompt is not None
    assert coach_prompt is not None
    return Grader(SingleCallJudge(chat, judge_prompt, samples), Coach(chat, coach_prompt), b"secret", "0")


async def grade(library: FileLibrary, rubric: Rubric, *replies: ChatReply | ModelError) -> Grade:
    """The grade of the submission."""
    return await grader(library, replies).grade(SUBMISSION, rubric, CallBudget())


async def test_a_finished_grade_names_everything_that_made_it(library: FileLibrary, two_criteria: Rubric) -> None:
    """The receipt holds ids, versions and hashes."""
    result = await grade(library, two_criteria, reply({"level": 3}, {"level": 2}))

    prompt = library.prompt("judge-single-call")
    assert prompt is not None
    assert result.status is GradeStatus.GRADED
    assert result.receipt.rubric.sha256 == two_criteria.sha256
    assert result.receipt.prompt is not None
    assert result.receipt.prompt.sha256 == prompt.sha256
    assert [(model.role, model.requested) for model in result.receipt.models] == [("judge", "scripted/replies")]


async def test_a_blank_answer_is_graded_by_rule_without_a_model(library: FileLibrary, two_criteria: Rubric) -> None:
    """Lowest level, probability one, a fixed sentence, no prompt in the receipt."""
    budget = CallBudget()

    result = await grader(library, []).grade(Submission("Why?", " \u200b"), two_criteria, budget)

    assert budget.records == []
    assert result.status is GradeStatus.GRADED
    assert result.commentary.status == "by_rule"
    assert result.receipt.prompt is None
    assert result.receipt.judge == "rule:blank"
    assert result.overall is not None
    assert result.overall.score == 1.0
    for criterion in result.criteria:
        assert isinstance(criterion, ScoredCriterion)
        assert (criterion.level, criterion.distribution, criterion.confidence) == (1, (1.0, 0.0, 0.0), 1.0)
        assert criterion.evidence == ()


async def test_a_failing_model_is_ungraded_with_a_reason_and_no_scores(
    library: FileLibrary, two_criteria: Rubric
) -> None:
    """Failure is never a grade."""
    result = await grade(library, two_criteria, ModelUnavailable("down"))

    assert result.status is GradeStatus.UNGRADED
    assert result.overall is None
    assert result.reason is not None
    assert (result.reason.code, result.reason.retryable) == ("model_unavailable", True)
    assert not result.review.needed


async def test_a_partly_scored_answer_needs_review_and_averages_what_was_scored(
    library: FileLibrary, two_criteria: Rubric
) -> None:
    """The unscored criterion is named and left out."""
    result = await grade(library, two_criteria, reply({"level": 9}, {"level": 3}))

    facts = result.criteria[0]
    assert isinstance(facts, UnscoredCriterion)
    assert result.status is GradeStatus.NEEDS_REVIEW
    assert result.review.reasons == ("unscored:facts",)
    assert result.overall is not None
    assert result.overall.score == 3.0


async def test_unverified_quotes_lower_confidence(library: FileLibrary, two_criteria: Rubric) -> None:
    """Half of two samples agree; all quotes invented halves what is left."""
    invented = {"evidence": [{"quote": "we cross-validate a lot", "sign": "strength", "comment": ""}]}
    samples = [reply({"level": 2}, {"level": 2}), reply({"level": 2, **invented}, {"level": 2})]

    honest = await grader(library, samples[:1], 2).grade(SUBMISSION, two_criteria, CallBudget())
    doubtful = await grader(library, samples[1:], 2).grade(SUBMISSION, two_criteria, CallBudget())

    assert [criterion.confidence for criterion in honest.criteria] == [1.0, 1.0]
    assert [criterion.confidence for criterion in doubtful.criteria] == [0.5, 1.0]


async def test_the_scores_stand_when_the_coach_fails(library: FileLibrary, rubric: Rubric) -> None:
    """Commentary is a second step with a status of its own."""
    made = grader(library, [ModelUnavailable("down")])
    judgement = await grader(
        library, [ChatReply(json.dumps({"criteria": {c.id: {**REMARKS, "level": 4} for c in rubric.criteria}}))]
    ).decide(SUBMISSION, rubric, CallBudget(), lambda _: None)

    undrafted = judgement.model_copy(update={"draft": None})
    explanation = await made.explain(SUBMISSION, rubric, undrafted, CallBudget())
    result = made.assemble(SUBMISSION, rubric, undrafted, explanation)

    assert result.status is GradeStatus.GRADED
    assert result.commentary.status == "failed"
    assert result.commentary.reason is not None
    assert result.commentary.reason.code == "model_unavailable"
    assert all(criterion.rationale is None for criterion in result.criteria)


async def test_the_coach_is_asked_once_more_when_its_draft_contradicts_the_levels(
    library: FileLibrary, two_criteria: Rubric
) -> None:
    """Then what still contradicts is left out."""
    gap = {"evidence": [{"quote": "That is all", "sign": "gap", "comment": "too short"}]}
    replies = RepliesInOrder([reply(gap, {})])
    prompt = library.prompt("coach")
    assert prompt is not None
    coach = Coach(ResilientChat(replies, RetryPolicy(base_wait=0.0)), prompt)
    made = grader(library, [reply({"level": 3}, {"level": 2})])
    judgement = await made.decide(SUBMISSION, two_criteria, CallBudget(), lambda _: None)

    commentary = await coach.explain(made._case(SUBMISSION, two_criteria), judgement.decided(), CallBudget())

    assert len(replies.requests) == 2
    assert "nothing in it is a gap" in replies.requests[1].messages[-1].content
    assert commentary.remarks["facts"].evidence == ()
    assert (commentary.checks.remarks, commentary.checks.remarks_dropped, commentary.checks.sent_back) == (2, 2, 1)


async def test_what_was_checked_in_a_commentary_is_told(library: FileLibrary, two_criteria: Rubric) -> None:
    """How much the model offered and how much of it was left out; a point with the words that cover it."""
    facts = {
        "level": 2,
        "evidence": [
            {"quote": "That is all", "sign": "gap", "comment": "c"},
            {"quote": "Never said", "sign": "gap", "comment": "c"},
        ],
    }
    data = json.loads(reply(facts, {"level": 3}).text)
    data["key_points"] = [
        {"quote": "We split", "covered": "covered"},
        {"quote": "That is all", "covered": "missing"},
    ]
    submission = Submission("Why?", SUBMISSION.answer, key_points=("Splits", "Says why"))

    result = await grader(library, [ChatReply(json.dumps(data))]).grade(submission, two_criteria, CallBudget())

    checks = result.commentary.checks
    assert checks is not None
    assert (checks.quotes, checks.quotes_dropped, checks.remarks, checks.remarks_dropped) == (4, 1, 1, 0)
    assert [(p.covered, p.quote and p.quote.quote) for p in result.key_points] == [
        ("covered", "We split"),
        ("missing", None),
    ]


async def test_context_reaches_the_judge(library: FileLibrary, two_criteria: Rubric) -> None:
    """The same answer for executives in healthcare is judged as that."""
    from service.grading.submission import Context

    replies = RepliesInOrder([reply({"level": 1}, {"level": 1})])
    prompt, coach_prompt = library.prompt("judge-single-call"), library.prompt("coach")
    assert prompt is not None
    assert coach_prompt is not None
    chat = ResilientChat(replies, RetryPolicy())
    made = Grader(SingleCallJudge(chat, prompt), Coach(chat, coach_prompt), b"s", "0")
    submission = Submission("Why?", "Because it is.", context=Context(industry="healthcare", audience="executives"))

    await made.grade(submission, two_criteria, CallBudget())

    assert "industry: healthcare; audience: executives" in replies.requests[0].messages[1].content


async def test_an_obedient_model_cannot_be_reached_through_a_blank_answer(
    library: FileLibrary, two_criteria: Rubric
) -> None:
    """The gate stands before any model."""
    prompt, coach_prompt = library.prompt("judge-single-call"), library.prompt("coach")
    assert prompt is not None
    assert coach_prompt is not None
    chat = ResilientChat(obedient(), RetryPolicy())
    made = Grader(SingleCallJudge(chat, prompt), Coach(chat, coach_prompt), b"s", "0")
    budget = CallBudget()

    result = await made.grade(Submission("Why?", "Solution"), two_criteria, budget)

    assert result.overall is not None
    assert result.overall.score == 1.0
    assert budget.records == []
