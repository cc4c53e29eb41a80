"""The edge for browsers: pages, redirects, and a page for whatever goes wrong."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from aws_lambda_powertools.event_handler import Response

from broker import edge, links, pages
from broker.ending import Ending
from broker.links import LinkProblem
from broker.pages import Page
from broker.ports import Journal
from broker.secret import Secret

PERSONAL_SIGN_IN = "https://login.live.com"
"""Microsoft sends personal accounts on to here. Chromium holds every redirect after a form against
the page's form-action, not only the first."""


def targets(platform: str) -> tuple[str, ...]:
    """Where the Continue button may lead."""
    return (platform, PERSONAL_SIGN_IN)


def page(found: Page, form_action: Sequence[str] = ()) -> Response[str]:
    """A page as an answer."""
    headers = pages.headers(form_action, found.language)
    return Response(found.status, headers.pop("Content-Type"), found.html, headers)


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
    work: Callable[[], dict[str, Any]], request: edge.Request, journal: Journal, client_id: str
) -> dict[str, Any]:
    """The answer of some work; whatever it raises becomes a page and a reason in the log."""
    try:
        return work()
    except Exception as error:  # noqa: BLE001 (the edge: nothing may escape with its message)
        problem = edge.known(error, journal, request.id)
    broken = Ending(problem.code, at=int(time.time()), request_id=request.id)
    if isinstance(problem, LinkProblem):
        broken = broken.refused(problem, problem.page)
    else:
        broken = broken.refused(problem)
    found = broken.render(pages.negotiate(request.header("accept-language")), client_id)
    headers = pages.headers((), found.language)
    return {
        "statusCode": problem.status,
        "headers": headers,
        "body": found.html,
        "isBase64Encoded": False,
    }
