"""What travels over HTTP: the request body, the grade document, pages and rubrics.

The parts of a grade are the core's own values; this file adds the envelope.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from service.api.review_schemas import AppealDocument, ReviewDocument, appeal_document, review_document
from service.grading.grade import (
    Call,
    CommentaryStatus,
    CriterionGrade,
    Flag,
    GradeStatus,
    KeyPoint,
    Misconception,
    Overall,
    Reason,
    Receipt,
    Review,
    Rewrite,
    Structure,
    Usage,
)
from service.grading.lint import Finding
from service.grading.question import Difficulty, Industry, Question, Stage, Topic
from service.grading.rubric import Rubric
from service.records import DataPolicy, Detail, GradePage, GradeRecord

MAX_POINTER = 120


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SubmissionDocument(_Document):
    """Question, answer and reference exactly as sent."""

    question: str
    answer: str
    reference: str | None
    key_points: list[str]
    misconceptions: list[str]
    context: dict[str, str]
    language: str | None


class GradeDocument(_Document):
    """A grade. Every key is always present, null or [] when empty."""

    id: str
    object: Literal["grade"] = "grade"
    status: GradeStatus
    created_at: datetime
    overall: Overall | None
    criteria: list[CriterionGrade]
    key_points: list[KeyPoint]
    misconceptions: list[Misconception]
    next_steps: list[str]
    follow_up_question: str | None
    rewrite: Rewrite | None
    structure: Structure | None
    flags: list[Flag]
    review: Review = Field(description="Whether a person still has to look, and why.")
    reviews: list[ReviewDocument] = Field(description="What people say, oldest first; the grade itself stays.")
    appeals: list[AppealDocument]
    receipt: Receipt | None
    commentary: CommentaryStatus | None
    usage: Usage | None
    reason: Reason | None
    question_id: str | None
    learner: str | None
    metadata: dict[str, str]
    answer_expired_at: datetime | None = Field(
        description="When the texts were removed; levels, scores and the receipt's hashes stay."
    )


class GradeWithSubmission(GradeDocument):
    """A grade with ``?include=submission``."""

    submission: SubmissionDocument | None = Field(description="null once the answer has expired.")


class GradeList(_Document):
    """One page, newest first."""

    data: list[GradeDocument]
    next_cursor: str | None
    has_more: bool


class ReceiptDocument(_Document):
    """The full receipt: what produced the grade, every model call and its raw reply."""

    id: str
    object: Literal["receipt"] = "receipt"
    created_at: datetime
    receipt: Receipt | None
    submission_sha256: str
    detail: Detail
    data_policy: DataPolicy | None
    decisions: list[dict[str, Any]]
    calls: list[Call]
    usage: Usage | None


class ErasureDocument(_Document):
    """What an erasure removed; everything is zero when there was nothing, or no longer."""

    object: Literal["erasure"] = "erasure"
    erased: dict[str, int] = Field(description="Rows removed or emptied, by what they were.")


class CriterionDocument(_Document):
    """A criterion as learners see it; guidance for judges is left out."""

    id: str
    name: str
    weight: float
    question: str
    levels: list[dict[str, str]]
    applies_when: dict[str, str] | None = Field(description="What an answer has to hold for this to be judged at all.")


class RubricDocument(_Document):
    """A rubric as learners see it."""

    id: str
    object: Literal["rubric"] = "rubric"
    version: str
    sha256: str
    built_in: bool = Field(description="Whether it is the product's own; the others are yours.")
    title: str
    audience: str
    criteria: list[CriterionDocument]
    caps: list[dict[str, Any]]
    bands: list[str]


class RubricList(_Document):
    """Every rubric, newest versions."""

    data: list[RubricDocument]


class FindingDocument(_Document):
    """One thing to mend in a rubric."""

    rule: str = Field(description="The rule's name; stable.")
    severity: Literal["error", "warning"]
    pointer: str = Field(description="A JSON pointer into the rubric.")
    what: str
    why: str
    mend: str


class RubricCheck(_Document):
    """What the linter says of a rubric; one without errors can be published."""

    object: Literal["rubric_check"] = "rubric_check"
    valid: bool
    findings: list[FindingDocument]


class QuestionDocument(_Document):
    """A question of the bank, with what a right answer says."""

    id: str
    object: Literal["question"] = "question"
    text: str
    topic: str
    topic_title: str
    stage: Stage
    rubric: str = Field(description="The rubric an answer is judged by unless another is sent.")
    difficulty: Difficulty
    industries: dict[Industry, str] = Field(description="What changes in the answer there.")
    reference: str
    key_points: list[str]
    misconceptions: list[str]
    follow_up: str


class QuestionList(_Document):
    """Questions in the order of the bank."""

    data: list[QuestionDocument]


class Health(_Document):
    """Whether the process lives."""

    status: Literal["ok"] = "ok"


class Readiness(_Document):
    """Whether requests can be served: the store always, the model as far as known."""

    status: Literal["ready"] = "ready"
    store: Literal["ok"] = "ok"
    model: Literal["ok", "loading", "degraded"]


def grade_document(record: GradeRecord) -> GradeDocument:
    """The wire form of a record."""
    return GradeDocument(**_members(record))


def grade_with_submission(record: GradeRecord) -> GradeWithSubmission:
    """The wire form of a record with what was sent."""
    sent = record.request.submission
    if record.expired is not None:
        return GradeWithSubmission(**_members(record), submission=None)
    return GradeWithSubmission(
        **_members(record),
        submission=SubmissionDocument(
            question=sent.question,
            answer=sent.answer,
            reference=sent.reference,
            key_points=list(sent.key_points),
            misconceptions=list(sent.misconceptions),
            context=sent.context.named(),
            language=sent.language,
        ),
    )


def _members(record: GradeRecord) -> dict[str, Any]:
    grade = record.grade
    return {
        "id": record.id,
        "status": record.standing,
        "created_at": record.created_at.astimezone(UTC),
        "overall": grade.overall if grade else None,
        "criteria": list(grade.criteria) if grade else [],
        "key_points": list(grade.key_points) if grade else [],
        "misconceptions": list(grade.misconceptions) if grade else [],
        "next_steps": list(grade.next_steps) if grade else [],
        "follow_up_question": grade.follow_up_question if grade else None,
        "rewrite": grade.rewrite if grade else None,
        "structure": grade.structure if grade else None,
        "flags": list(grade.flags) if grade else [],
        "review": Review(needed=bool(record.open_reasons), reasons=record.open_reasons),
        "reviews": [review_document(review) for review in record.reviews],
        "appeals": [appeal_document(appeal, record.reviews) for appeal in record.appeals],
        "receipt": grade.receipt if grade else None,
        "commentary": grade.commentary if grade else None,
        "usage": record.usage,
        "reason": record.reason,
        "question_id": record.request.question_id,
        "learner": record.request.learner,
        "metadata": record.request.metadata,
        "answer_expired_at": record.expired.at.astimezone(UTC) if record.expired else None,
    }


def grade_list(page: GradePage) -> GradeList:
    """The wire form of a page."""
    return GradeList(
        data=[grade_document(record) for record in page.records],
        next_cursor=page.next_cursor,
        has_more=page.next_cursor is not None,
    )


def receipt_document(record: GradeRecord) -> ReceiptDocument:
    """The wire form of a full receipt."""
    return ReceiptDocument(
        id=record.id,
        created_at=record.created_at.astimezone(UTC),
        receipt=record.grade.receipt if record.grade else None,
        submission_sha256=record.submission_sha256,
        detail=record.request.detail,
        data_policy=record.request.data_policy,
        decisions=[d.model_dump(mode="json") for d in record.judgement.decisions] if record.judgement else [],
        calls=list(record.calls),
        usage=record.usage,
    )


def question_document(topic: Topic, question: Question) -> QuestionDocument:
    """The wire form of a question."""
    return QuestionDocument(
        **question.model_dump(include={"id", "text", "difficulty", "industries", "reference", "follow_up"}),
        topic=topic.topic,
        topic_title=topic.title,
        stage=question.stage,
        rubric=question.stage.rubric,
        key_points=list(question.key_points),
        misconceptions=list(question.misconceptions),
    )


def finding_document(finding: Finding) -> FindingDocument:
    """The wire form of a linter's finding."""
    return FindingDocument(
        rule=finding.rule,
        severity=finding.severity,
        pointer=json_pointer(finding.path),
        what=finding.what,
        why=finding.why,
        mend=finding.mend,
    )


def json_pointer(path: Sequence[str | int]) -> str:
    """A path as a JSON pointer (RFC 6901) in a URI fragment, cut to a bounded length."""
    parts = (str(part).replace("~", "~0").replace("/", "~1") for part in path)
    return ("#/" + "/".join(parts)).rstrip("/")[:MAX_POINTER]


def rubric_document(rubric: Rubric, *, built_in: bool) -> RubricDocument:
    """The wire form of a rubric."""
    return RubricDocument(
        id=rubric.id,
        version=rubric.version,
        sha256=rubric.sha256,
        built_in=built_in,
        title=rubric.title,
        audience=rubric.audience,
        criteria=[
            CriterionDocument(
                id=criterion.id,
                name=criterion.name,
                weight=criterion.weight,
                question=criterion.question,
                levels=[{"label": level.label, "descriptor": level.descriptor} for level in criterion.levels],
                applies_when={"answer": criterion.applies_when.answer} if criterion.applies_when else None,
            )
            for criterion in rubric.criteria
        ],
        caps=[cap.model_dump() for cap in rubric.aggregation.caps],
        bands=list(rubric.aggregation.bands),
    )
