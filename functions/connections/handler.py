"""connections: the operators' routes (IAM), JSON in and out."""

from __future__ import annotations

import json
import os
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from broker import settings, wiring
from broker.adapters.telemetry import Telemetry
from broker.domain import names
from broker.domain.problems import Problem
from broker.web import bodies, gateway

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
    return _answer(201, STEP.create(wish, request.arn, _base(request)))


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
    return _answer(200, STEP.change(name, wish))


@ROUTES.delete("/connections/<connection>")
def delete(connection: str) -> Response[str]:
    """204."""
    STEP.delete(names.slug(connection))
    return Response(204, "application/json", "", gateway.NO_STORE)


@ROUTES.post("/connections/<connection>/authorizations")
def reauthorize(connection: str) -> Response[str]:
    """201 with new links; the old ones end."""
    request, name = _request(), names.slug(connection)
    wish = bodies.renewal(request.json() if request.event.get("body") else {})
    return _answer(201, STEP.reauthorize(name, wish, request.arn, _base(request)))


@ROUTES.post("/connections/<connection>/refresh")
def refresh(connection: str) -> Response[str]:
    """200 with the connection after a redemption."""
    request, name = _request(), names.slug(connection)
    body = request.json() if request.event.get("body") else {}
    return _answer(200, STEP.refresh(name, bodies.client_authentication(body)))


@ROUTES.put("/connections/<connection>/refresh-token")
def adopt(connection: str) -> Response[str]:
    """200 with the connection after the refresh token has been proven."""
    name = names.slug(connection)
    return _answer(200, STEP.adopt(name, bodies.refresh_token(_request().json())))


@ROUTES.not_found
def unknown(_: Exception) -> Response[str]:
    """A name that the router's pattern does not hold; or an invocation past API Gateway."""
    if name := _request().path("connection"):
        names.slug(name)
    raise Problem("not_found", "There is no such route.")


def _request() -> gateway.Request:
    return gateway.Request(ROUTES.current_event.raw_event)


def _base(request: gateway.Request) -> str:
    return request.base_url(SETTINGS.public_base_url)


def _answer(status: int, content: dict[str, Any]) -> Response[str]:
    return Response(status, "application/json", json.dumps(content), gateway.NO_STORE)
