"""callback: GET /callback, where Microsoft sends the browser back to."""

from __future__ import annotations

import os
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from broker import settings, wiring
from broker.adapters.telemetry import Telemetry
from broker.web import browser, gateway, links
from broker.web.pages.layout import Frame

TELEMETRY = Telemetry("callback")
SETTINGS = settings.parse(settings.Callback, os.environ)
STEP = wiring.callback_step(SETTINGS, TELEMETRY)
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


@ROUTES.get("/callback")
def finish() -> Response[str]:
    """The page that tells how the attempt ended."""
    request = gateway.Request(ROUTES.current_event.raw_event)
    params = {name: values[0] for name, values in request.query.items() if len(values) == 1}
    ending = STEP.finish(params, links.cookie(request.header("cookie")), request.id)
    base = request.base_url(SETTINGS.public_base_url)
    admin_url = links.handover_url(base, params.get("state")) if ending.handover else None
    language = browser.language(request)
    shown = ending.render(language, SETTINGS.client_id, admin_url)
    return browser.page(shown, request, FRAME)
