"""Signed links: for a learner to sign in with, and to show one grade inside another site."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, status
from pydantic import BaseModel, ConfigDict, Field

from service.access import Access, Scope
from service.api import problems
from service.api.access import AccessOf, allow
from service.api.dependencies import ServicesOf, acceptable
from service.api.examples import example, refusals
from service.api.grades import Id, grade_id_of
from service.api.problems import ProblemError
from service.api.signing import Seal
from service.api.strict_json import StrictJSONRoute
from service.intake import LearnerReference

router = APIRouter(prefix="/v1", tags=["links"], route_class=StrictJSONRoute, dependencies=[Depends(acceptable)])

Minutes = Annotated[int, Field(ge=1, le=30 * 24 * 60)]
Origin = Annotated[
    str, Field(pattern=r"^https?://[a-z0-9.-]{1,253}(:\d{1,5})?$", examples=["https://learn.example.com"])
]
_REFUSALS = (
    problems.INVALID_JSON,
    problems.NOT_ACCEPTABLE,
    problems.BODY_TOO_LARGE,
    problems.UNSUPPORTED_MEDIA,
    problems.INVALID_REQUEST,
    problems.STORE_UNAVAILABLE,
)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class SignInLinkBody(_Body):
    """For whom a link is, and for how long."""

    learner: LearnerReference = Field(description="Your reference of the learner; the link shows nobody else's grades.")
    minutes: Minutes = Field(60, description="How long the link works. A session begun with it lasts twelve hours.")


class EmbedLinkBody(_Body):
    """Which site may show the grade, and for how long."""

    origin: Origin = Field(description="The one site whose pages may frame it: scheme, host, port; no path.")
    minutes: Minutes = Field(24 * 60, description="How long the link works.")


class LinkDocument(BaseModel):
    """A signed link. Who holds it can use it: send it over an encrypted connection and to nobody else."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    object: Literal["link"] = "link"
    path: str = Field(description="Put the address in front under which people reach this service.")
    ends_at: datetime


_EXAMPLE = {
    "object": "link",
    "path": "/sign-in?link=eyJsIjoiYWRhIiwiZSI6MTc5ODAwMDAwMH0.c2lnbmF0dXJl",
    "ends_at": "2026-11-22T22:00:00Z",
}


@router.post(
    "/sign-in-links",
    status_code=status.HTTP_201_CREATED,
    summary="Make a link a learner signs in with",
    responses={201: example(_EXAMPLE), **refusals(*_REFUSALS, problems.NO_SIGN_IN)},
    dependencies=[allow(Scope.GRADES_WRITE)],
)
async def create_sign_in_link(body: SignInLinkBody, services: ServicesOf, access: AccessOf) -> LinkDocument:
    """The pages then show this learner's grades and progress and grade new answers, and nothing else.

    The link, and every session begun with it, ends with the key that made it.
    """
    if access.key_id is None:
        raise ProblemError(problems.NO_SIGN_IN)
    seal = Seal(services.secret, "sign-in", services.grading.clock)
    text, ends = seal.sign({"k": access.key_id, "l": body.learner}, timedelta(minutes=body.minutes))
    return LinkDocument(path=f"/sign-in?link={text}", ends_at=ends)


@router.post(
    "/grades/{grade_id}/embed-links",
    status_code=status.HTTP_201_CREATED,
    summary="Make a link that shows a grade in another site",
    responses={
        201: example({**_EXAMPLE, "path": _EXAMPLE["path"].replace("/sign-in?link=", "/embed/")}),
        **refusals(*_REFUSALS, problems.NOT_FOUND),
    },
    dependencies=[allow(Scope.GRADES_WRITE)],
)
async def create_embed_link(grade_id: Id, body: EmbedLinkBody, services: ServicesOf, access: AccessOf) -> LinkDocument:
    """For an `<iframe>`, or for `/embed.js`, in pages of `origin`; no other site can frame it.

    The link ends with the key that made it.
    """
    if await services.grading.get(access.tenant, grade_id_of(grade_id)) is None:
        raise ProblemError(problems.NOT_FOUND)
    seal = Seal(services.secret, "embed", services.grading.clock)
    text, ends = seal.sign(_embedded(access, grade_id, body.origin), timedelta(minutes=body.minutes))
    return LinkDocument(path=f"/embed/{text}", ends_at=ends)


def _embedded(access: Access, grade_id: str, origin: str) -> dict[str, str]:
    return {"k": access.key_id or "", "t": access.tenant, "g": grade_id, "o": origin}
