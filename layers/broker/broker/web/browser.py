"""The edge for browsers: pages, redirects, and a page for whatever goes wrong."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from aws_lambda_powertools.event_handler import Response

from broker.domain.secret import Secret
from broker.ports.ambient import Telemetry
from broker.web import gateway, links
from broker.web.links import LinkProblem
from broker.web.outcomes import Ending
from broker.web.pages.language import negotiate
from broker.web.pages.layout import Page, headers

PERSONAL_SIGN_IN = "https://login.live.com"
"""Microsoft sends personal accounts on to here. Chromium holds every redirect after a form against
the page's form-action, not only the first."""


def targets(platform: str) -> tuple[str, ...]:
    """Where the Continue button may lead."""
    return (platform, PERSONAL_SIGN_IN)


def page(found: Page, form_action: Sequence[str] = ()) -> Response[str]:
    """A page as an answer."""
    sent = headers(form_action, found.language)
    return Response(found.status, sent.pop("Content-Type"), found.html, sent)


def redirect(location: str, cookie: Secret | None) -> Response[str]:
    """303 (RFC 9700 §4.12: the form's content must not travel on)."""
    headers: dict[str, Any] = {
        "Location": location,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
    }
    if cookie:
        headers["Set-Cookie"] = links.set_cookie(cookie)
    return Response(303, "text/plain; charset=utf-8", "", headers)


def guard(
    work: Callable[[], dict[str, Any]],
    request: gateway.Request,
    telemetry: Telemetry,
    client_id: str,
) -> dict[str, Any]:
    """The answer of some work; whatever it raises becomes a page and a reason in the log."""
    try:
        return work()
    except Exception as error:  # noqa: BLE001 (the edge: nothing may escape with its message)
        problem = gateway.known(error, telemetry, request.id)
    broken = Ending(problem.code, at=int(time.time()), request_id=request.id)
    if isinstance(problem, LinkProblem):
        broken = broken.refused(problem, problem.page)
    else:
        broken = broken.refused(problem)
    found = broken.render(negotiate(request.header("accept-language")), client_id)
    sent = headers((), found.language)
    return {
        "statusCode": problem.status,
        "headers": sent,
        "body": found.html,
        "isBase64Encoded": False,
    }
