"""Who may use a route: every route declares one rule, and the app does not start with a route that has none.

    @router.get("/{grade_id}", dependencies=[allow(Scope.GRADES_READ)])

A rule is checked before the body is read. A caller restricted to one learner is refused by every rule that does not
say ``learners=True``: a route that does has to keep to ``access.learner`` itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request, params
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from service.access import LOCAL_ACCESS, Access, Scope
from service.api import problems
from service.api.problems import ProblemError
from service.api.usage import SPENDING, within_limits
from service.bootstrap import Services
from service.keys import KeyRefused

CHALLENGE = 'Bearer realm="debrief"'
PATHS_OF_FASTAPI = ("/openapi.json", "/docs", "/docs/oauth2-redirect")
"""What FastAPI adds itself: the documentation, which says nothing that the source does not."""

SessionAccess = Callable[[Request], Awaitable[Access | None]]
"""Finds what a signed session opens; None when the request carries none. Set as ``app.state.session_access``."""


@dataclass(frozen=True, slots=True)
class AccessRule:
    """What a caller needs for a route.

    Attributes:
        scope: the scope; None where any key will do.
        public: whether no key is needed at all.
        learners: whether a caller restricted to a learner may use it.
    """

    scope: Scope | None = None
    public: bool = False
    learners: bool = False

    async def __call__(self, request: Request) -> None:
        """Let the request pass.

        Raises:
            ProblemError: 401 without a live key, 403 without the scope, 429 beyond a limit.
        """
        if self.public:
            return
        access = await presented(request)
        await within_limits(request, access, spends=self.scope in SPENDING)
        self._check(access)

    def _check(self, access: Access) -> None:
        if access.learner is not None and not self.learners:
            raise ProblemError(problems.FORBIDDEN, "This cannot be used while signed in as a learner.")
        if self.scope is not None and self.scope not in access.scopes:
            raise ProblemError(
                problems.FORBIDDEN,
                f"The key lacks the scope {self.scope}.",
                headers={"WWW-Authenticate": f'{CHALLENGE}, error="insufficient_scope", scope="{self.scope}"'},
            )


def allow(scope: Scope | None, *, learners: bool = False) -> params.Depends:
    """The rule of a route that needs ``scope``, or any key where it is None."""
    return params.Depends(AccessRule(scope, learners=learners))


PUBLIC = params.Depends(AccessRule(public=True))
"""The rule of a route that is open to everybody."""


async def presented(request: Request) -> Access:
    """What the caller may do, by key, by session, or as anybody on this machine while there are no keys.

    Raises:
        ProblemError: 401.
    """
    known: Access | None = getattr(request.state, "access", None)
    if known is None:
        known = request.state.access = await _presented(request)
    return known


async def _presented(request: Request) -> Access:
    services: Services = request.app.state.services
    if not await services.keys.exist():
        return LOCAL_ACCESS
    given = request.headers.get("authorization")
    if given is None:
        session: SessionAccess | None = getattr(request.app.state, "session_access", None)
        if session is not None and (access := await session(request)):
            return access
        raise _unauthorized("Send a key: Authorization: Bearer dbf_...", CHALLENGE)
    scheme, _, text = given.partition(" ")
    try:
        if scheme.lower() != "bearer":
            raise KeyRefused("Keys are sent as Authorization: Bearer dbf_...")
        return await services.keys.access_of(text.strip(" "))
    except KeyRefused as error:
        raise _unauthorized(str(error), f'{CHALLENGE}, error="invalid_token"') from None


def _unauthorized(detail: str, challenge: str) -> ProblemError:
    return ProblemError(problems.UNAUTHORIZED, detail, headers={"WWW-Authenticate": challenge})


AccessOf = Annotated[Access, Depends(presented)]


def rule_of(dependant: Dependant) -> AccessRule | None:
    """The rule a route declares."""
    return next((part.call for part in dependant.dependencies if isinstance(part.call, AccessRule)), None)


def ruled_routes(routes: Sequence[BaseRoute]) -> Iterator[tuple[str, frozenset[str], AccessRule | None]]:
    """Every route but static files, those of included routers too: path, methods, rule."""
    for context in iter_route_contexts(routes):
        route: Any = context
        path, original = str(route.path).replace(":path}", "}"), context.original_route
        if path in PATHS_OF_FASTAPI or (isinstance(original, Mount) and isinstance(original.app, StaticFiles)):
            continue
        is_api = isinstance(original, APIRoute)
        yield path, frozenset(route.methods or ()), rule_of(route.dependant) if is_api else None


def check_rules(app: FastAPI) -> None:
    """Refuse an app with a route that does not say who may use it.

    Raises:
        RuntimeError: naming the routes.
    """
    bare = [f"{'/'.join(sorted(methods))} {path}" for path, methods, rule in ruled_routes(app.routes) if rule is None]
    if bare:
        raise RuntimeError(f"no access rule (dependencies=[allow(Scope...)]): {', '.join(bare)}")
