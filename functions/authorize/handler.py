"""authorize: the pages before Microsoft, for owners (/authorize) and administrators
(/admin-consent)."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import parse_qs

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from broker import settings, wiring
from broker.adapters.telemetry import Telemetry
from broker.domain.attempts import LinkKind
from broker.domain.problems import Problem
from broker.web import browser, gateway, links
from broker.web.pages.language import negotiate

TELEMETRY = Telemetry("authorize")
SETTINGS = settings.parse(settings.Authorize, os.environ)
STEP = wiring.authorize_step(SETTINGS, TELEMETRY)
ROUTES = APIGatewayRestResolver()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """API Gateway's proxy event."""
    try:
        return browser.guard(
            lambda: ROUTES.resolve(event, context),
            gateway.Request(event),
            TELEMETRY,
            SETTINGS.client_id,
        )
    finally:
        TELEMETRY.flush()


@ROUTES.get("/authorize")
def ask() -> Response[str]:
    """The page with the Continue button, for the owner."""
    return _show(LinkKind.AUTHORIZE)


@ROUTES.post("/authorize")
def go() -> Response[str]:
    """303 to Microsoft."""
    return _begin(LinkKind.AUTHORIZE)


@ROUTES.get("/admin-consent")
def ask_admin() -> Response[str]:
    """The page with the Continue button, for the administrator."""
    return _show(LinkKind.ADMIN)


@ROUTES.post("/admin-consent")
def go_admin() -> Response[str]:
    """303 to Microsoft."""
    return _begin(LinkKind.ADMIN)


def _show(kind: LinkKind) -> Response[str]:
    request = _request()
    language = negotiate(request.header("accept-language"))
    base_url = request.base_url(SETTINGS.public_base_url)
    page = STEP.show(kind, request.one("ticket"), base_url, language)
    return browser.page(page, browser.targets(SETTINGS.identity_platform_url))


def _begin(kind: LinkKind) -> Response[str]:
    request = _request()
    form = parse_qs(
        request.body("application/x-www-form-urlencoded").decode("ascii", "replace"),
        max_num_fields=10,
    )
    tickets = form.get("ticket", [])
    if len(tickets) != 1:
        raise Problem("invalid_request", "The form holds no ticket.")
    departure = STEP.begin(
        kind,
        tickets[0],
        links.cookie(request.header("cookie")),
        request.base_url(SETTINGS.public_base_url),
    )
    return browser.redirect(departure.location, departure.cookie)


def _request() -> gateway.Request:
    return gateway.Request(ROUTES.current_event.raw_event)
