"""From what was sent to a request that can be graded: one schema and one set of checks for HTTP and batch lines.

Problems are named by JSON pointers (RFC 6901) and never repeat what was sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from service.catalogue import Catalogue
from service.grading.errors import InvalidRubric, InvalidSubmission
from service.grading.models import ModelName, Place
from service.grading.question import Question
from service.grading.rubric import DEFAULT_RUBRIC, Rubric, parse_rubric
from service.grading.submission import Context, Limits, Submission, submit
from service.records import DataPolicy, Detail, GradeRequest, Tenant
from service.strict_json import InvalidJSON, parse

QuestionReference = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
RubricReference = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,63}(@\d+\.\d+\.\d+)?$")]
MetadataKey = Annotated[str, StringConstraints(min_length=1, max_length=64)]
MetadataValue = Annotated[str, StringConstraints(max_length=512)]
LearnerReference = Annotated[str, Field(min_length=1, max_length=200)]
CustomId = Annotated[str, StringConstraints(min_length=1, max_length=200)]
MAX_POINTER = 120
_OPEN = frozenset({"metadata", "levels"})
"""Members whose own members are named by the caller."""
MAX_ERRORS = 20


class Located(Protocol):
    """A model, and where it runs."""

    @property
    def name(self) -> ModelName:
        """As the operator configured it."""

    async def place(self) -> Place:
        """Where it runs now."""


class InvalidRequest(ValueError):
    """What was sent cannot be graded.

    Attributes:
        errors: each names its place (``pointer``) and says what is wrong (``detail``), without the input.
    """

    def __init__(self, errors: Sequence[Mapping[str, str]]) -> None:
        super().__init__("; ".join(f"{error['pointer']} {error['detail']}" for error in errors))
        self.errors = list(errors)

    @classmethod
    def at(cls, place: str, detail: str) -> InvalidRequest:
        """One problem at one place, a path with slashes."""
        return cls([{"pointer": f"#/{place}".rstrip("/"), "detail": detail}])


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ContextBody(_Body):
    """For whom and where the answer is given. It reaches the judge and the coach."""

    industry: str | None = Field(None, examples=["healthcare"])
    audience: str | None = Field(None, examples=["executives"])
    stage: str | None = Field(None, examples=["phone_screen"])
    seniority: str | None = Field(None, examples=["junior"])


class GradeBody(_Body):
    """A question and an answer to grade. Limits count Unicode code points."""

    question: str | None = Field(None, description="The interview question, at most 4,000 code points.")
    question_id: QuestionReference | None = Field(
        None,
        description="In place of `question`: a question of the bank. It brings its reference, key points, "
        "misconceptions and stage along, and the rubric of that stage, unless they are sent.",
    )
    answer: str = Field(description="The candidate's answer, at most 20,000 code points.")
    reference: str | None = Field(None, description="What a right answer says, at most 8,000 code points.")
    key_points: list[str] = Field([], description="Points a right answer covers; each is reported on.")
    misconceptions: list[str] = Field([], description="False statements to look for; each is reported on.")
    rubric: RubricReference | dict[str, Any] | None = Field(
        None,
        description="`id`, `id@version`, or a whole rubric object. Left out: the rubric of the question's stage where "
        "`question_id` is sent, else `ds-interview`.",
    )
    context: ContextBody = ContextBody()
    learner: LearnerReference | None = Field(None, description="Your reference; never sent to a model.")
    language: str | None = Field(None, description="Language of the feedback, a BCP 47 tag such as `en`.")
    detail: Detail = Field("full", description="`scores` leaves the commentary out.")
    metadata: dict[MetadataKey, MetadataValue] = Field({}, description="Strings, echoed back, never read.")
    data_policy: DataPolicy | None = Field(
        None,
        description="`local`: no model outside the machine's own network is shown anything. Left out: as the operator "
        "set it. The receipt says where the models ran.",
    )

    def submission(self) -> Submission:
        """The part that may reach a model."""
        context = Context(**{name: text or None for name, text in self.context.model_dump().items()})
        return Submission(
            question=self.question or "",
            answer=self.answer,
            reference=self.reference or None,
            key_points=tuple(self.key_points),
            misconceptions=tuple(self.misconceptions),
            context=context,
            language=self.language or None,
        )


class BatchLine(GradeBody):
    """A line of a batch: a grade request with a name of the caller's for it."""

    custom_id: CustomId = Field(description="Yours, unique in the batch; results carry it.")


@dataclass(slots=True)
class Intake:
    """Turns bodies into requests for a tenant, their question and rubric found and their text checked.

    Attributes:
        data_policy: where a submission may go that does not say so itself.
        models: all that may be asked about one.
    """

    catalogue: Catalogue
    limits: Limits
    metadata_keys: int
    data_policy: DataPolicy = "cloud"
    models: Sequence[Located] = ()

    async def request(self, tenant: Tenant, body: GradeBody, known: KnownRubrics | None = None) -> GradeRequest:
        """The request of a body.

        Args:
            tenant: whose rubrics are looked into.
            body: what was sent, its form already checked.
            known: remembers the rubrics found, for the many lines of one batch.

        Raises:
            InvalidRequest: naming the place.
        """
        question = self._asked(body)
        given = body.submission()
        wanted = body.rubric or (question.stage.rubric if question else DEFAULT_RUBRIC)
        try:
            submission = submit(self.catalogue.completed(question, given) if question else given, self.limits)
            rubric = await self._rubric(tenant, wanted, known or KnownRubrics())
        except InvalidSubmission as error:
            raise InvalidRequest.at(error.field.replace(".", "/"), error.problem) from None
        except InvalidRubric as error:
            raise InvalidRequest.at("rubric", str(error)[:1_000]) from None
        self._check_metadata(body)
        policy = body.data_policy or self.data_policy
        if policy == "local":
            await self._check_models_are_here()
        return GradeRequest(
            submission=submission,
            rubric=rubric,
            question_id=body.question_id,
            detail=body.detail,
            learner=body.learner,
            metadata=body.metadata,
            data_policy=policy,
        )

    async def _check_models_are_here(self) -> None:
        outside = [model.name for model in self.models if not (await model.place()).local]
        if outside:
            raise InvalidRequest.at(
                "data_policy",
                f"is local, and {', '.join(outside)} runs outside the machine's own network: "
                "ask the operator for a model that runs here, or send cloud",
            )

    def _asked(self, body: GradeBody) -> Question | None:
        """The question of the bank, where one is named."""
        if body.question_id is None:
            if body.question is None:
                raise InvalidRequest.at("question", "Field required, or question_id in its place")
            return None
        if body.question is not None:
            raise InvalidRequest.at("question_id", "stands in place of question: send one of the two")
        question = self.catalogue.question(body.question_id)
        if question is None:
            raise InvalidRequest.at("question_id", "no question has this id; GET /v1/questions lists them")
        return question

    async def _rubric(self, tenant: Tenant, wanted: str | dict[str, Any], known: KnownRubrics) -> Rubric:
        if isinstance(wanted, dict):
            return parse_rubric(wanted)
        rubric = known.found.get(wanted) or await self.catalogue.rubric(tenant, wanted)
        if rubric is None:
            raise InvalidRubric("no rubric has this name; GET /v1/rubrics lists them")
        known.found[wanted] = rubric
        return rubric

    def _check_metadata(self, body: GradeBody) -> None:
        if len(body.metadata) > self.metadata_keys:
            raise InvalidRequest.at(
                "metadata", f"holds {len(body.metadata)} entries, over the limit of {self.metadata_keys}"
            )
        for text in (body.learner or "", *body.metadata, *body.metadata.values()):
            if "\x00" in text:
                raise InvalidRequest.at("metadata", "holds a NUL character")


@dataclass(slots=True)
class KnownRubrics:
    """Rubrics by the name they were asked for, found once."""

    found: dict[str, Rubric] = field(default_factory=dict)


def read_line(text: bytes) -> BatchLine:
    """A line of a batch, its form checked.

    Raises:
        InvalidRequest: not JSON, or not of this form.
    """
    try:
        return BatchLine.model_validate(parse(text))
    except InvalidJSON as error:
        raise InvalidRequest.at("", str(error).replace("body", "line") or "is not valid JSON") from None
    except ValidationError as error:
        raise InvalidRequest([describe(("body", *item["loc"]), item) for item in error.errors()[:MAX_ERRORS]]) from None


def describe(location: Sequence[str | int], item: Mapping[str, Any]) -> dict[str, str]:
    """One of pydantic's errors: a JSON pointer (or ``?name`` for a query parameter) and what is wrong, no input."""
    place, *path = [str(part) for part in location] or ["body"]
    if item["type"] == "extra_forbidden":
        path, detail = path[:-1], "holds a member that is not known here"
    else:
        detail = str(item["msg"]).removeprefix("Value error, ")
    path = _until_open(path)
    pointer = "?" + "/".join(path) if place == "query" else f"#/{'/'.join(map(_escape, path))}".rstrip("/")
    return {"pointer": pointer[:MAX_POINTER], "detail": detail[:300]}


def _until_open(path: list[str]) -> list[str]:
    """A path without the names that the caller gave: those of the members of an open object."""
    at = next((place for place, part in enumerate(path) if part in _OPEN), len(path))
    return path[: at + 1]


def _escape(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")
