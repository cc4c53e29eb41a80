"""callback: GET /callback, where Microsoft sends the browser back to."""

from __future__ import annotations

import os
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response

from broker import edge, links, pages, settings, site, wiring
from broker.adapters.journal import Journal

JOURNAL = Journal("callback")
SETTINGS = settings.parse(settings.Callback, os.environ)
STEP = wiring.callback_step(SETTINGS, JOURNAL)
ROUTES = APIGatewayRestResolver()


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """API Gateway's proxy event."""
    try:
        return site.guard(
            lambda: ROUTES.resolve(event, context), edge.Request(event), JOURNAL, SETTINGS.client_id
        )
    finally:
        JOURNAL.flush()


@ROUTES.get("/callback")
def finish() -> Response[str]:
    """The page that tells how the attempt ended."""
    request = edge.Request(ROUTES.current_event.raw_event)
    params = {name: values[0] for name, values in request.query.items() if len(values) == 1}
    ending = STEP.finish(params, links.cookie(request.header("cookie")), request.id)
    admin_url = STEP.handover(ending, request.base_url(SETTINGS.public_base_url))
    language = pages.negotiate(request.header("accept-language"))
    return site.page(ending.render(language, SETTINGS.client_id, admin_url))
