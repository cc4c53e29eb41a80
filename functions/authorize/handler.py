"""authorize: the pages before Microsoft, for owners (/authorize) and administrators
(/admin-consent)."""

from __future__ import annotations

import os
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from broker import settings, wiring
from broker.adapters.telemetry import Telemetry
from broker.domain.attempts import LinkKind
from broker.web import browser, gateway, links
from broker.web.pages.layout import Frame

TELEMETRY = Telemetry("authorize")
SETTINGS = settings.parse(settings.Authorize, os.environ)
STEP = wiring.authorize_step(SETTINGS, TELEMETRY)
FRAME = Frame(SETTINGS.organization_name, SETTINGS.support_contact)
ROUTES = APIGatewayRestResolver()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """API Gateway's proxy event."""
    try:
        return browser.guard(
            lambda: ROUTES.resolve(event, context),
            gateway.Request(event),
            TELEMETRY,
            SETTINGS.client_id,
            FRAME,
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
    return _page(kind, request, request.one("ticket"))


def _begin(kind: LinkKind) -> Response[str]:
    """On to Microsoft; or the page again, for whom this site's own page did not send, or who has
    no cookie of it."""
    request = _request()
    ticket = browser.form(request, "ticket")
    cookie = links.cookie(request.header("cookie"))
    if cookie is None or not browser.same_origin(request):
        TELEMETRY.note("shown_again", reason="other site" if cookie else "no cookie")
        TELEMETRY.count("ShownAgain")
        return _page(kind, request, ticket, again=True)
    return browser.redirect(STEP.begin(kind, ticket, cookie, _base(request)))


def _page(
    kind: LinkKind, request: gateway.Request, ticket: str | None, *, again: bool = False
) -> Response[str]:
    language = browser.language(request)
    page = STEP.show(kind, ticket, _base(request), language, again=again)
    cookie = None if links.cookie(request.header("cookie")) else STEP.randomness.secret()
    targets = browser.targets(SETTINGS.identity_platform_url)
    return browser.page(page, request, FRAME, targets, cookie)


def _base(request: gateway.Request) -> str:
    return request.base_url(SETTINGS.public_base_url)


def _request() -> gateway.Request:
    return gateway.Request(ROUTES.current_event.raw_event)
