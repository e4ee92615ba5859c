"""Which error is which HTTP status: every problem the API answers with (RFC 9457), in one table.

A problem never repeats what was sent: not the answer, not a field's value, not a member's name that is not
ours.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException as StarletteHTTPException

from service.batches import TooManyLines
from service.catalogue import PublishedDifferently, ReservedRubric, TooManyRubrics
from service.intake import MAX_ERRORS, InvalidRequest, describe
from service.lines import BrokenArray
from service.ports import GradeGone, InvalidCursor, LearnerErased, StoreUnavailable
from service.reviewing import AlreadyAppealed, NotReviewable
from service.telemetry import log
from service.webhooks.addresses import UrlRefused
from service.webhooks.endpoints import EndpointDisabled, TooManyEndpoints
from service.workflow import AnswerExpired, NothingToRetry, Overloaded

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem: a stable ``type``, its status, and what to do about it."""

    slug: str
    status: int
    title: str
    advice: str

    @property
    def type(self) -> str:
        """The ``type`` member: a URN, stable for clients to switch on."""
        return f"urn:debrief:problem:{self.slug}"


INVALID_JSON = Kind("invalid-json", 400, "The body is not valid JSON", "Send one JSON object, UTF-8, no repeats.")
INVALID_REQUEST = Kind("invalid-request", 422, "The request is not valid", "See errors; each names its place.")
INVALID_HEADER = Kind("invalid-header", 400, "A header is not valid", "See detail.")
UNSUPPORTED_MEDIA = Kind(
    "unsupported-media-type", 415, "The body's type is not supported", "Send application/json, not compressed."
)
NOT_ACCEPTABLE = Kind("not-acceptable", 406, "No acceptable representation", "Accept application/json.")
BODY_TOO_LARGE = Kind("body-too-large", 413, "The body is too large", "Send less; the limit is in detail.")
INVALID_HTTP = Kind("invalid-http", 400, "This is not HTTP", "Send a request as in RFC 9112.")
REQUEST_TIMEOUT = Kind("request-timeout", 408, "The request came too slowly", "Send it without pauses.")
HEADERS_TOO_LARGE = Kind("headers-too-large", 431, "The headers are too large", "Send at most 16 KiB of headers.")
URI_TOO_LONG = Kind("uri-too-long", 414, "The address is too long", "Send at most 4 KiB of path and query.")
NOT_FOUND = Kind("not-found", 404, "There is nothing here", "Check the path and the id.")
METHOD_NOT_ALLOWED = Kind("method-not-allowed", 405, "This method does not exist here", "See Allow.")
UNAUTHORIZED = Kind("unauthorized", 401, "A key is needed", "Send a live key: Authorization: Bearer dbf_...")
FORBIDDEN = Kind("forbidden", 403, "The key does not allow this", "Use a key with the scope named in detail.")
HOST_NOT_ALLOWED = Kind(
    "host-not-allowed",
    421,
    "This host name is not answered",
    "Use 127.0.0.1 or localhost: the server has no keys. `debrief keys create` makes one.",
)
RATE_LIMITED = Kind("rate-limited", 429, "Too much was asked for", "Retry after the time given; see RateLimit-Policy.")
SPENDING_LIMIT = Kind(
    "spending-limit-reached", 429, "Nothing more may be spent on models today", "Retry after the time given."
)
KEY_IN_USE = Kind(
    "idempotency-key-in-use", 409, "The first request with this key still runs", "Repeat it after the time given."
)
KEY_REUSED = Kind(
    "idempotency-key-reused",
    422,
    "This key was used for another request",
    "Take a new key for each request.",
)
NOTHING_TO_RETRY = Kind("nothing-to-retry", 409, "There is nothing to retry", "The grade stands as it is.")
NOT_REVIEWABLE = Kind("not-reviewable", 409, "There is no finished grade", "Wait for it, or POST .../retry first.")
ALREADY_APPEALED = Kind(
    "already-appealed", 409, "There was an appeal against this grade", "It stands; a person may review the grade."
)
ANSWER_EXPIRED = Kind(
    "answer-expired", 409, "The answer's text has expired", "Its levels and scores stand; send the answer anew."
)
LEARNER_ERASED = Kind(
    "learner-erased", 409, "The learner was erased meanwhile", "Nothing was kept; send it anew to have it graded."
)
RUBRIC_IS_OURS = Kind("rubric-is-built-in", 409, "This id belongs to a built-in rubric", "Choose another id.")
RUBRIC_PUBLISHED = Kind(
    "rubric-version-published", 409, "This version is published with other content", "Raise the version: none changes."
)
TOO_MANY_RUBRICS = Kind("too-many-rubrics", 409, "No more rubric versions can be kept", "Use the versions there are.")
BATCH_TOO_LONG = Kind(
    "batch-too-long", 413, "The batch has too many lines", "Send it in parts; the limit is in detail."
)
NO_SIGN_IN = Kind(
    "no-sign-in", 409, "Nobody signs in here", "The server has no keys: open the pages on its own machine."
)
TOO_MANY_ENDPOINTS = Kind(
    "too-many-webhook-endpoints", 409, "No more webhook endpoints can be kept", "Remove one that is not used."
)
ENDPOINT_DISABLED = Kind(
    "webhook-endpoint-disabled", 409, "This webhook endpoint is disabled", "Enable it with PATCH, then try again."
)
NOT_GRADED = Kind("not-graded", 503, "The answer could not be graded now", "Retry later; see grade.reason.")
OVERLOADED = Kind("overloaded", 503, "Too many answers are waiting", "Retry after the time given.")
STORE_UNAVAILABLE = Kind("store-unavailable", 503, "The store cannot be used now", "Nothing was kept; retry later.")
INTERNAL = Kind("internal-error", 500, "Something went wrong here", "It is logged; please report it.")

KINDS: tuple[Kind, ...] = (
    INVALID_JSON,
    INVALID_REQUEST,
    INVALID_HEADER,
    UNSUPPORTED_MEDIA,
    NOT_ACCEPTABLE,
    BODY_TOO_LARGE,
    INVALID_HTTP,
    REQUEST_TIMEOUT,
    HEADERS_TOO_LARGE,
    URI_TOO_LONG,
    NOT_FOUND,
    METHOD_NOT_ALLOWED,
    UNAUTHORIZED,
    FORBIDDEN,
    HOST_NOT_ALLOWED,
    RATE_LIMITED,
    SPENDING_LIMIT,
    KEY_IN_USE,
    KEY_REUSED,
    NOTHING_TO_RETRY,
    NOT_REVIEWABLE,
    ALREADY_APPEALED,
    ANSWER_EXPIRED,
    LEARNER_ERASED,
    RUBRIC_IS_OURS,
    RUBRIC_PUBLISHED,
    TOO_MANY_RUBRICS,
    BATCH_TOO_LONG,
    NO_SIGN_IN,
    TOO_MANY_ENDPOINTS,
    ENDPOINT_DISABLED,
    NOT_GRADED,
    OVERLOADED,
    STORE_UNAVAILABLE,
    INTERNAL,
)

_BY_STATUS = {kind.status: kind for kind in reversed(KINDS)}


class ProblemError(HTTPException):
    """Raised anywhere in the API to answer with a problem."""

    def __init__(
        self,
        kind: Kind,
        detail: str | None = None,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(kind.status, detail or kind.advice, dict(headers or {}))
        self.kind = kind
        self.errors = list(errors)
        self.members = members

    def response(self) -> Response:
        """The problem as a response; 429 and 503 always carry Retry-After."""
        body: dict[str, Any] = {
            "type": self.kind.type,
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail,
            **({"errors": self.errors} if self.errors else {}),
            **self.members,
        }
        headers = dict(self.headers or {})
        if self.kind.status in (429, 503):
            headers.setdefault("Retry-After", retry_after_header(None))
        return Response(orjson.dumps(body), self.kind.status, headers, MEDIA_TYPE)


def retry_after_header(seconds: float | None) -> str:
    """Whole seconds, at least 1, jittered so that many callers do not come back at once."""
    wait = RETRY_SECONDS if seconds is None else seconds
    return str(max(1, math.ceil(wait * random.uniform(1.0, 1.3))))


def response_for(error: Exception) -> Response:
    """The response for any exception that reaches the edge."""
    return problem_for(error).response()


async def handle(_request: Request, error: Exception) -> Response:
    """FastAPI's exception handler for everything."""
    return response_for(error)


def problem_for(error: Exception) -> ProblemError:
    """The problem any exception that reaches the edge stands for."""
    match error:
        case ProblemError():
            return error
        case RequestValidationError():
            described = [describe(item["loc"], item) for item in error.errors()[:MAX_ERRORS]]
            return ProblemError(INVALID_REQUEST, errors=described)
        case StarletteHTTPException():
            kind = _BY_STATUS.get(error.status_code, INVALID_REQUEST if error.status_code < 500 else INTERNAL)
            return ProblemError(kind, headers=error.headers)
        case BrokenArray():
            return ProblemError(INVALID_JSON, str(error))
        case TooManyLines():
            return ProblemError(BATCH_TOO_LONG, str(error))
        case InvalidRequest():
            return ProblemError(INVALID_REQUEST, errors=error.errors)
        case InvalidCursor():
            return ProblemError(INVALID_REQUEST, errors=[{"pointer": "?cursor", "detail": "is not a cursor of ours"}])
        case UrlRefused():
            return ProblemError(INVALID_REQUEST, errors=[{"pointer": "#/url", "detail": str(error)}])
        case StoreUnavailable():
            log("store_unavailable", error=str(error))
            return ProblemError(STORE_UNAVAILABLE)
        case _:
            return ProblemError(_KIND_OF.get(type(error), INTERNAL))


_KIND_OF: Mapping[type[Exception], Kind] = {
    Overloaded: OVERLOADED,
    NothingToRetry: NOTHING_TO_RETRY,
    NotReviewable: NOT_REVIEWABLE,
    AlreadyAppealed: ALREADY_APPEALED,
    AnswerExpired: ANSWER_EXPIRED,
    LearnerErased: LEARNER_ERASED,
    GradeGone: NOT_FOUND,
    ReservedRubric: RUBRIC_IS_OURS,
    PublishedDifferently: RUBRIC_PUBLISHED,
    TooManyRubrics: TOO_MANY_RUBRICS,
    TooManyEndpoints: TOO_MANY_ENDPOINTS,
    EndpointDisabled: ENDPOINT_DISABLED,
}
