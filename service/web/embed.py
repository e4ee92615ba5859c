"""One grade inside another site: an iframe behind a signed link that ends, and the script that puts it there."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from service.access import KeyId
from service.api import problems
from service.api.access import PUBLIC
from service.api.dependencies import ServicesOf
from service.api.problems import ProblemError
from service.api.signing import MAX_TEXT, Seal
from service.bootstrap import Services
from service.records import GradeId, GradeRecord, Tenant
from service.web.errors import PageRoute
from service.web.feedback import feedback_of
from service.web.render import POLICY, STATIC, page

router = APIRouter(include_in_schema=False, route_class=PageRoute, dependencies=[PUBLIC])

_SCRIPT_HEADERS = {
    "Cache-Control": "public, max-age=3600",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Content-Security-Policy": "default-src 'none'",
}


@router.get("/embed.js")
async def script() -> Response:
    """The script other sites load; it only makes an iframe."""
    text = (STATIC / "embed.js").read_bytes()
    return Response(text, headers=_SCRIPT_HEADERS, media_type="text/javascript; charset=utf-8")


@router.get("/embed/{link}")
async def embedded(request: Request, link: Annotated[str, Path(max_length=MAX_TEXT)], services: ServicesOf) -> Response:
    """The feedback on one grade, framed by the one site the link was made for and by no other."""
    said = Seal(services.secret, "embed", services.grading.clock).read(link)
    record = await _linked(services, said) if said else None
    feedback = feedback_of(record) if record else None
    if said is None or feedback is None or feedback.grade.overall is None:
        raise ProblemError(problems.NOT_FOUND, "This link has ended, or there is no feedback behind it yet.")
    response = page(request, "embed.html.j2", feedback=feedback, record=feedback.record, origin=said["o"])
    response.headers["Content-Security-Policy"] = f"{POLICY}; frame-ancestors {said['o']}"
    return response


async def _linked(services: Services, said: dict[str, str]) -> GradeRecord | None:
    """The grade of a link, while the key that made it lives; links of a server without keys end with the first key."""
    if said["k"]:
        alive = await services.keys.access_by_id(KeyId(said["k"])) is not None
    else:
        alive = not await services.keys.exist()
    return await services.grading.get(Tenant(said["t"]), GradeId(said["g"])) if alive else None
