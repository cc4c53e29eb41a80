"""The edge for browsers: pages, redirects, and a page for whatever goes wrong."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlencode

from aws_lambda_powertools.event_handler import Response

from broker.domain.problems import Problem
from broker.domain.secret import Secret
from broker.ports.ambient import Telemetry
from broker.web import gateway, links
from broker.web.links import LinkProblem
from broker.web.outcomes import Ending
from broker.web.pages.language import LANGUAGES, Language, negotiate
from broker.web.pages.layout import Frame, Page, framed, headers

PERSONAL_SIGN_IN = "https://login.live.com"
"""Microsoft sends personal accounts on to here. Chromium holds every redirect after a form against
the page's form-action, not only the first."""

MAX_FIELDS = 10
"""Of a form: ours has one."""


def targets(platform: str) -> tuple[str, ...]:
    """Where the Continue button may lead."""
    return (platform, PERSONAL_SIGN_IN)


def same_origin(request: gateway.Request) -> bool:
    """Whether a page of this site sent the request, as far as the browser tells (all of today's do:
    https://www.w3.org/TR/fetch-metadata/)."""
    return request.header("sec-fetch-site") in (None, "same-origin")


def form(request: gateway.Request, name: str) -> str:
    """The one field of a form; `invalid_request` for anything else."""
    text = request.body("application/x-www-form-urlencoded").decode("ascii", "replace")
    try:
        values = parse_qs(text, max_num_fields=MAX_FIELDS).get(name, [])
    except ValueError:
        raise Problem("invalid_request", f"The form has more than {MAX_FIELDS} fields.") from None
    if len(values) != 1:
        raise Problem("invalid_request", f"The form needs one {name}.")
    return values[0]


def language(request: gateway.Request) -> Language:
    """What the address asks for, else what was chosen before, else what the browser prefers."""
    chosen = _chosen(request) or links.language(request.header("cookie"))
    return chosen or negotiate(request.header("accept-language"))


def _chosen(request: gateway.Request) -> Language | None:
    asked = request.query.get("lang", [])
    return next((name for name in LANGUAGES if asked == [name]), None)


def page(
    shown: Page,
    request: gateway.Request,
    frame: Frame,
    form_action: Sequence[str] = (),
    cookie: Secret | None = None,
) -> Response[str]:
    """A page as an answer, in its frame. `cookie`: for a browser that has none."""
    sent: dict[str, Any] = {**headers(form_action, shown.language)}
    cookies = [links.set_cookie(cookie)] if cookie else []
    if chosen := _chosen(request):
        cookies.append(links.set_language(chosen))
    if cookies:
        sent["Set-Cookie"] = cookies
    html = framed(shown, replace(frame, switch=_switch(request, shown.language))).html
    return Response(shown.status, sent.pop("Content-Type"), html, sent)


def _switch(request: gateway.Request, shown: Language) -> str:
    """This page in the other language. Of the query only what names the page is kept: a ticket, or
    a state, whose outcome a second load shows without its code."""
    other = next(name for name in LANGUAGES if name != shown)
    kept = {
        name: values[0]
        for name in ("ticket", "state")
        if len(values := request.query.get(name, [])) == 1 and links.value(values[0])
    }
    return f"?{urlencode(kept | {'lang': other})}" if kept else ""


def redirect(location: Secret) -> Response[str]:
    """303 (RFC 9700 §4.12: the form's content must not travel on)."""
    headers: dict[str, Any] = {
        "Location": location.open(),
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
    }
    return Response(303, "text/plain; charset=utf-8", "", headers)


def guard(
    work: Callable[[], dict[str, Any]],
    request: gateway.Request,
    telemetry: Telemetry,
    client_id: str,
    frame: Frame,
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
    found = framed(broken.render(language(request), client_id), frame)
    sent = headers((), found.language)
    return {
        "statusCode": problem.status,
        "headers": sent,
        "body": found.html,
        "isBase64Encoded": False,
    }
