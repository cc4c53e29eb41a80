"""connections: the operators' routes (IAM), JSON in and out. Writes to the audit log: a line for
each action."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from broker import settings, wiring
from broker.adapters.telemetry import Telemetry
from broker.domain import names
from broker.domain.names import Name
from broker.domain.problems import Problem
from broker.web import bodies, gateway
from broker.web.audit import Done

TELEMETRY = Telemetry("connections")
SETTINGS = settings.parse(settings.Connections, os.environ)
STEP = wiring.connections_step(SETTINGS, TELEMETRY)
ROUTES = APIGatewayRestResolver()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """API Gateway's proxy event."""
    request = gateway.Request(event)
    try:
        return gateway.guard(lambda: ROUTES.resolve(event, context), TELEMETRY, request.id)
    finally:
        TELEMETRY.flush()


@ROUTES.post("/connections")
def create() -> Response[str]:
    """201 with the links for the owner and the administrator."""
    request = _request()
    wish = bodies.creation(request.json())
    done = _audited(
        "create", wish.connection, lambda: STEP.create(wish, request.arn, _base(request))
    )
    return _answer(201, done)


@ROUTES.get("/connections")
def listing() -> Response[str]:
    """200 with a page of connections."""
    query = bodies.listing(_request().query)
    return _answer(200, STEP.list(query.status, query.limit, query.after))


@ROUTES.get("/connections/<connection>")
def show(connection: str) -> Response[str]:
    """200 with all but secrets."""
    return _answer(200, STEP.show(names.slug(connection)))


@ROUTES.patch("/connections/<connection>")
def change(connection: str) -> Response[str]:
    """200 with the connection after the merge patch."""
    name = names.slug(connection)
    wish = bodies.change(_request().json("application/json", "application/merge-patch+json"))
    return _answer(200, _audited("change", name, lambda: STEP.change(name, wish)))


@ROUTES.delete("/connections/<connection>")
def delete(connection: str) -> Response[str]:
    """204."""
    name = names.slug(connection)
    _audited("delete", name, lambda: STEP.delete(name))
    return Response(204, "application/json", "", gateway.NO_STORE)


@ROUTES.post("/connections/<connection>/authorizations")
def reauthorize(connection: str) -> Response[str]:
    """201 with new links; the old ones end."""
    request, name = _request(), names.slug(connection)
    wish = bodies.renewal(request.json() if request.event.get("body") else {})
    done = _audited(
        "authorize", name, lambda: STEP.reauthorize(name, wish, request.arn, _base(request))
    )
    return _answer(201, done)


@ROUTES.post("/connections/<connection>/refresh")
def refresh(connection: str) -> Response[str]:
    """200 with the connection after a redemption."""
    request, name = _request(), names.slug(connection)
    wish = bodies.refresh(request.json() if request.event.get("body") else {})
    kind = wish.client_authentication
    return _answer(200, _audited("refresh", name, lambda: STEP.refresh(name, kind)))


@ROUTES.put("/connections/<connection>/refresh-token")
def adopt(connection: str) -> Response[str]:
    """200 with the connection after the refresh token has been proven."""
    name, token = names.slug(connection), bodies.refresh_token(_request().json())
    return _answer(200, _audited("import", name, lambda: STEP.adopt(name, token)))


@ROUTES.not_found
def unknown(_: Exception) -> Response[str]:
    """A name that the router's pattern does not hold; or an invocation past API Gateway."""
    if name := _request().path("connection"):
        names.slug(name)
    raise Problem("not_found", "There is no such route.")


def _request() -> gateway.Request:
    return gateway.Request(ROUTES.current_event.raw_event)


def _audited(action: str, name: Name, work: Callable[[], Done]) -> dict[str, Any]:
    return gateway.audited(work, TELEMETRY, _request(), action, name)


def _base(request: gateway.Request) -> str:
    return request.base_url(SETTINGS.public_base_url)


def _answer(status: int, content: dict[str, Any]) -> Response[str]:
    return Response(status, "application/json", json.dumps(content), gateway.NO_STORE)
