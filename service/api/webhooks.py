"""Webhooks: endpoints to be told at, their secrets, what was delivered to them, and what was not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, NoReturn

from fastapi import APIRouter, Body, Depends, Path, Query, Response, status

from service.access import Scope
from service.api import problems
from service.api.access import allow
from service.api.dependencies import ServicesOf, TenantOf, acceptable
from service.api.examples import example, refusals
from service.api.problems import ProblemError
from service.api.strict_json import StrictJSONRoute
from service.api.webhook_examples import (
    BATCH_EVENT_EXAMPLE,
    DELIVERIES_EXAMPLE,
    DELIVERY_EXAMPLE,
    ENDPOINT_BODY,
    ENDPOINT_EXAMPLE,
    GRADE_EVENT_EXAMPLE,
    NEW_ENDPOINT_EXAMPLE,
    REVIEW_EVENT_EXAMPLE,
)
from service.api.webhook_schemas import (
    BatchEventDocument,
    DeliveryDocument,
    DeliveryList,
    EndpointBody,
    EndpointChangeBody,
    EndpointDocument,
    EndpointList,
    EndpointWithSecret,
    GradeEventDocument,
    delivery_document,
    delivery_list,
    endpoint_document,
    endpoint_with_secret,
)
from service.records import PageSize
from service.webhook_records import DeliveryId, DeliveryStatus, EndpointId
from service.webhooks.endpoints import EndpointChange

router = APIRouter(
    prefix="/v1/webhook-endpoints",
    tags=["webhooks"],
    route_class=StrictJSONRoute,
    dependencies=[allow(Scope.WEBHOOKS_MANAGE), Depends(acceptable)],
)


def _id(text: str) -> str:
    """An id that can be looked up: a NUL cannot."""
    return text if "\x00" not in text else _missing()


def _endpoint_id(
    endpoint_id: Annotated[str, Path(description="The endpoint's id.", max_length=64)],
) -> EndpointId:
    return EndpointId(_id(endpoint_id))


def _delivery_id(
    delivery_id: Annotated[str, Path(description="The delivery's id.", max_length=64)],
) -> DeliveryId:
    return DeliveryId(_id(delivery_id))


Of = Annotated[EndpointId, Depends(_endpoint_id)]
WhichDelivery = Annotated[DeliveryId, Depends(_delivery_id)]
_BODY = (
    problems.INVALID_JSON,
    problems.BODY_TOO_LARGE,
    problems.UNSUPPORTED_MEDIA,
    problems.INVALID_REQUEST,
    problems.STORE_UNAVAILABLE,
)


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Register a webhook endpoint",
    responses={
        201: {
            "headers": {"Location": {"description": "Where the endpoint is.", "schema": {"type": "string"}}},
            **example(NEW_ENDPOINT_EXAMPLE),
        },
        **refusals(*_BODY, problems.TOO_MANY_ENDPOINTS),
    },
)
async def create_endpoint(
    body: Annotated[EndpointBody, Body(examples=[ENDPOINT_BODY])],
    services: ServicesOf,
    tenant: TenantOf,
    response: Response,
) -> EndpointWithSecret:
    """Have events sent to a URL of yours, signed as Standard Webhooks 1.0 says.

    Keep the secret: it is shown this once. The URL has to be https and lead to public addresses only.
    """
    endpoint, secret = await services.webhooks.register(tenant, body.url, tuple(body.events), body.description)
    response.headers["Location"] = f"/v1/webhook-endpoints/{endpoint.id}"
    return endpoint_with_secret(endpoint, secret)


@router.get(
    "",
    summary="List webhook endpoints",
    responses={200: example({"data": [ENDPOINT_EXAMPLE]}), **refusals(problems.STORE_UNAVAILABLE)},
)
async def list_endpoints(services: ServicesOf, tenant: TenantOf) -> EndpointList:
    """Every endpoint, the oldest first; no secrets."""
    return EndpointList(data=[endpoint_document(each) for each in await services.webhooks.endpoints(tenant)])


@router.get(
    "/{endpoint_id}",
    summary="Get a webhook endpoint",
    responses={200: example(ENDPOINT_EXAMPLE), **refusals(problems.NOT_FOUND, problems.STORE_UNAVAILABLE)},
)
async def get_endpoint(endpoint_id: Of, services: ServicesOf, tenant: TenantOf) -> EndpointDocument:
    """One endpoint, without its secret."""
    return endpoint_document(await services.webhooks.endpoint(tenant, endpoint_id) or _missing())


@router.patch(
    "/{endpoint_id}",
    summary="Change a webhook endpoint",
    responses={200: example(ENDPOINT_EXAMPLE), **refusals(*_BODY, problems.NOT_FOUND)},
)
async def change_endpoint(
    endpoint_id: Of,
    body: Annotated[EndpointChangeBody, Body(examples=[{"enabled": True}])],
    services: ServicesOf,
    tenant: TenantOf,
) -> EndpointDocument:
    """Another URL, other events, another description; disabled or enabled again. The secret stays."""
    change = EndpointChange(
        url=body.url,
        events=tuple(body.events) if body.events is not None else None,
        description=body.description,
        enabled=body.enabled,
    )
    return endpoint_document(await services.webhooks.change(tenant, endpoint_id, change) or _missing())


@router.delete(
    "/{endpoint_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Remove a webhook endpoint",
    responses=refusals(problems.NOT_FOUND, problems.STORE_UNAVAILABLE),
)
async def delete_endpoint(endpoint_id: Of, services: ServicesOf, tenant: TenantOf) -> None:
    """Nothing more is sent there; its deliveries, dead ones too, are removed with it."""
    if not await services.webhooks.remove(tenant, endpoint_id):
        _missing()


@router.post(
    "/{endpoint_id}/rotate-secret",
    summary="Give a webhook endpoint a new secret",
    responses={200: example(NEW_ENDPOINT_EXAMPLE), **refusals(problems.NOT_FOUND, problems.STORE_UNAVAILABLE)},
)
async def rotate_secret(endpoint_id: Of, services: ServicesOf, tenant: TenantOf) -> EndpointWithSecret:
    """The new secret is shown this once. For 24 hours the one before signs as well, so that you can change over.

    Where a secret has leaked, rotate twice: only two secrets are ever live.
    """
    endpoint, secret = await services.webhooks.rotate(tenant, endpoint_id) or _missing()
    return endpoint_with_secret(endpoint, secret)


@router.post(
    "/{endpoint_id}/test",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Send a test event",
    responses={
        202: example({**DELIVERY_EXAMPLE, "event": {**DELIVERY_EXAMPLE["event"], "type": "webhook.test"}}),
        **refusals(problems.NOT_FOUND, problems.ENDPOINT_DISABLED, problems.STORE_UNAVAILABLE),
    },
)
async def send_test(endpoint_id: Of, services: ServicesOf, tenant: TenantOf) -> DeliveryDocument:
    """Queue an event of type `webhook.test` for this endpoint; its outcome is in the list of deliveries."""
    return delivery_document(await services.webhooks.test(tenant, endpoint_id) or _missing())


@router.get(
    "/{endpoint_id}/deliveries",
    summary="List deliveries, newest first",
    responses={
        200: example(DELIVERIES_EXAMPLE),
        **refusals(problems.NOT_FOUND, problems.INVALID_REQUEST, problems.STORE_UNAVAILABLE),
    },
)
async def list_deliveries(
    endpoint_id: Of,
    services: ServicesOf,
    tenant: TenantOf,
    status: Annotated[DeliveryStatus | None, Query(description="`dead` lists what was given up.")] = None,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: PageSize = 20,
) -> DeliveryList:
    """What was sent to an endpoint and what became of it. Kept 7 days when delivered, 30 days when dead."""
    page = await services.webhooks.deliveries(tenant, endpoint_id, status, cursor, limit)
    return delivery_list(page or _missing())


@router.post(
    "/{endpoint_id}/deliveries/{delivery_id}/replay",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Send a delivery again",
    responses={
        202: example(DELIVERY_EXAMPLE),
        **refusals(problems.NOT_FOUND, problems.ENDPOINT_DISABLED, problems.STORE_UNAVAILABLE),
    },
)
async def replay_delivery(
    endpoint_id: Of, delivery_id: WhichDelivery, services: ServicesOf, tenant: TenantOf
) -> DeliveryDocument:
    """Send it now, under the same `webhook-id`, whether it is dead, delivered or waiting for its next attempt."""
    return delivery_document(await services.webhooks.replay(tenant, endpoint_id, delivery_id) or _missing())


def document_events(hooks: APIRouter) -> None:
    """Describe what receivers are sent in the API document's own list of webhooks (OpenAPI 3.1)."""
    taken: dict[int | str, dict[str, Any]] = {
        204: {"description": "Taken: any 2xx within 15 seconds. 410 disables the endpoint, all else is tried again."}
    }

    def grade_event(body: Annotated[GradeEventDocument, Body(examples=[GRADE_EVENT_EXAMPLE])]) -> None:
        """A grade is finished: graded, in need of review, or ungraded for a reason. Verify the signature first."""

    def review_event(body: Annotated[GradeEventDocument, Body(examples=[REVIEW_EVENT_EXAMPLE])]) -> None:
        """A grade asks for a person. It is sent besides `grade.completed`."""

    def batch_event(body: Annotated[BatchEventDocument, Body(examples=[BATCH_EVENT_EXAMPLE])]) -> None:
        """A batch has ended."""

    events: dict[str, Callable[..., None]] = {
        "grade.completed": grade_event,
        "grade.review_needed": review_event,
        "batch.completed": batch_event,
    }
    for name, event in events.items():
        hooks.add_api_route(name, event, methods=["POST"], status_code=204, responses=taken, tags=["webhooks"])


def _missing() -> NoReturn:
    raise ProblemError(problems.NOT_FOUND)
