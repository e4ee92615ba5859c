"""Practice: choose a question, answer it, be graded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response, status
from fastapi.responses import RedirectResponse

from service.access import Scope
from service.api import problems
from service.api.access import allow
from service.api.dependencies import ServicesOf
from service.api.problems import ProblemError, problem_for
from service.bootstrap import Services
from service.grading.context_notes import IndustryNote
from service.grading.question import Question, Stage, Topic
from service.grading.rubric import DEFAULT_RUBRIC
from service.grading.structure import WORDS_PER_MINUTE
from service.intake import InvalidRequest
from service.ports import StoreUnavailable
from service.records import GradeRecord
from service.web.errors import PageRoute
from service.web.feedback import feedback_of
from service.web.forms import FieldError, PracticeForm, field_errors
from service.web.learning import find_grade
from service.web.render import page
from service.web.visitor import SameOrigin, VisitorOf
from service.workflow import Overloaded

router = APIRouter(include_in_schema=False, route_class=PageRoute)

FIRST_QUESTION = "p-value-meaning"
SENIORITIES = ("junior", "mid-level", "senior", "staff", "manager")
DIFFICULTIES = ("basic", "intermediate", "advanced")
_REFUSED = (ProblemError, InvalidRequest, Overloaded, StoreUnavailable)


@router.get("/", dependencies=[allow(Scope.GRADES_READ, learners=True)])
async def practise(
    request: Request,
    services: ServicesOf,
    who: VisitorOf,
    question: Annotated[str | None, Query(max_length=64)] = None,
    own: bool = False,
    again: Annotated[str | None, Query(max_length=64)] = None,
    follow: Annotated[str | None, Query(max_length=64)] = None,
) -> Response:
    """The question and a box for the answer.

    Args:
        request: what was asked.
        services: what is wired.
        who: who looks.
        question: a question of the bank.
        own: whether the learner writes the question.
        again: a grade whose question is to be answered once more.
        follow: a grade whose follow-up question is to be answered.
    """
    before = again or follow
    earlier = await find_grade(services, who, before) if before else None
    if earlier is not None:
        form = PracticeForm.again(earlier) if again else PracticeForm.follow_up(earlier)
    else:
        form = PracticeForm(question_id="" if own else question or _first(services))
    return _form_page(request, services, form, earlier=earlier if again else None)


@router.post("/", dependencies=[allow(Scope.GRADES_WRITE, learners=True), SameOrigin])
async def answer(
    request: Request,
    services: ServicesOf,
    who: VisitorOf,
    again: Annotated[str | None, Query(max_length=64)] = None,
) -> Response:
    """Take an answer and lead to its grade; what cannot be used is shown again with what to mend."""
    form = await PracticeForm.sent(request)
    try:
        asked = await services.intake.request(who.tenant, form.body(who.learner))
        record = await services.grading.submit(who.tenant, asked)
    except _REFUSED as error:
        problem = problem_for(error)
        earlier = await find_grade(services, who, again) if again else None
        return _form_page(request, services, form, problem=problem, earlier=earlier)
    return RedirectResponse(f"/grades/{record.id}", status.HTTP_303_SEE_OTHER)


@router.get("/questions", dependencies=[allow(None, learners=True)])
async def questions(
    request: Request,
    services: ServicesOf,
    q: Annotated[str, Query(max_length=200)] = "",
    topic: Annotated[str, Query(max_length=64)] = "",
    stage: Annotated[str, Query(max_length=64)] = "",
    difficulty: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """The question bank, to search and choose from. What is unknown narrows nothing."""
    chosen = {"q": q, "topic": topic, "stage": stage, "difficulty": difficulty}
    everything = services.catalogue.questions()
    found = [(part, item) for part, item in everything if _matches(part, item, chosen)]
    return page(
        request,
        "questions.html.j2",
        groups=_grouped(found),
        found=len(found),
        total=len(everything),
        chosen=chosen,
        topics=[(part.topic, part.title) for part in services.library.topics()],
        stages=[(item.value, item.spoken) for item in Stage],
        difficulties=[(item, item) for item in DIFFICULTIES],
    )


def _first(services: Services) -> str:
    """The question a newcomer is asked."""
    if services.catalogue.question(FIRST_QUESTION):
        return FIRST_QUESTION
    return next((question.id for _, question in services.catalogue.questions()), "")


def _form_page(
    request: Request,
    services: Services,
    form: PracticeForm,
    *,
    problem: ProblemError | None = None,
    earlier: GradeRecord | None = None,
) -> Response:
    asked = services.catalogue.question(form.question_id) if form.question_id else None
    if form.question_id and asked is None:
        raise ProblemError(problems.NOT_FOUND, "No question has this id. The list of questions has them all.")
    errors: Sequence[FieldError] = field_errors(problem) if problem else ()
    rubric = services.library.rubric(asked.stage.rubric if asked else DEFAULT_RUBRIC)
    return page(
        request,
        "practice.html.j2",
        problem.kind.status if problem else 200,
        form=form,
        asked=asked,
        criteria=rubric.criteria if rubric else (),
        earlier=feedback_of(earlier) if earlier else None,
        errors=errors,
        faulty={error.field for error in errors},
        words_per_minute=WORDS_PER_MINUTE,
        limits=services.intake.limits,
        **_choices(services),
    )


def _choices(services: Services) -> Mapping[str, object]:
    """What the context fields suggest; anything else may be typed."""
    notes = services.library.context_notes().all
    return {
        "industries": [note.name for note in notes if isinstance(note, IndustryNote)],
        "audiences": [note.name for note in notes if not isinstance(note, IndustryNote)],
        "stages": [stage.spoken for stage in Stage],
        "seniorities": SENIORITIES,
    }


def _matches(topic: Topic, question: Question, chosen: Mapping[str, str]) -> bool:
    text = f"{question.text} {topic.title} {question.stage.spoken} {question.difficulty}".casefold()
    known = {"topic": topic.topic, "stage": question.stage.value, "difficulty": question.difficulty}
    return all(word in text for word in chosen["q"].casefold().split()) and all(
        chosen[name] in ("", value) for name, value in known.items()
    )


def _grouped(found: Sequence[tuple[Topic, Question]]) -> list[tuple[Topic, list[Question]]]:
    groups: dict[str, tuple[Topic, list[Question]]] = {}
    for topic, question in found:
        groups.setdefault(topic.topic, (topic, []))[1].append(question)
    return list(groups.values())
