"""What the pages' logic answers with: a page, or a redirect to the application."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from flask import Response, render_template
from werkzeug.datastructures import Headers

from ..world import World
from .errors import Refusal, description
from .store import Visit

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


@dataclass(frozen=True, slots=True)
class Page:
    """A page a person reads. `name` is the template and what tests look for."""

    name: str
    visit: Visit | None = None
    status: int = 200
    number: int | None = None
    context: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Redirect:
    """The way back to the application. `mode`: query, fragment or form_post."""

    uri: str
    params: dict[str, str]
    mode: str = "query"

    @property
    def location(self) -> str:
        """The URL, in Microsoft's form: a query is closed with an empty fragment."""
        uri = self.uri if urlsplit(self.uri).path else self.uri + "/"
        query = urlencode(self.params)
        if self.mode == "fragment":
            return f"{uri}#{query}"
        return f"{uri}{'&' if '?' in uri else '?'}{query}#"


Answer = Page | Redirect


class _Found(Response):
    """302 whose Location keeps its empty fragment, which Werkzeug's normalizing would drop."""

    def get_wsgi_headers(self, environ: WSGIEnvironment) -> Headers:
        headers = super().get_wsgi_headers(environ)
        headers["Location"] = self.headers["Location"]
        return headers


def refuse(
    world: World,
    refusal: Refusal,
    visit: Visit | None = None,
    *,
    subcode: str | None = None,
) -> Answer:
    """A refusal as a redirect, or as a page where Microsoft never returns to the application."""
    trace = world.trace(visit.correlation_id if visit else None)
    if visit is None or refusal.page:
        text = description(refusal, trace)
        status = 400 if visit is None else 200
        return Page("error", visit, status, refusal.number, {"text": text, "trace": trace})
    params = {"error": refusal.redirect_error, "error_description": description(refusal, trace)}
    if refusal.number is not None:
        params["error_uri"] = f"{world.base_url}/error?code={refusal.number}"
    if subcode:
        params["error_subcode"] = subcode
    if visit.kind == "adminconsent":
        params["admin_consent"] = "True"
    return leave(world, visit, params)


def leave(world: World, visit: Visit, params: dict[str, str]) -> Redirect:
    """End the visit; `state` goes back unchanged."""
    world.store.visits.pop(visit.id, None)
    if visit.state is not None:
        params["state"] = visit.state
    return Redirect(visit.redirect_uri, params, visit.response_mode)


def render(world: World, answer: Answer) -> Response:
    """As HTTP. Pages name themselves in `X-Page`, for those who drive them without a browser."""
    if isinstance(answer, Redirect) and answer.mode != "form_post":
        return _Found(status=302, headers={"Location": answer.location})
    if isinstance(answer, Redirect):
        answer = Page("form_post", context={"uri": answer.uri, "params": answer.params})
    html = render_template(
        f"{answer.name}.html",
        page=answer.name,
        visit=answer.visit,
        world=world,
        number=answer.number,
        **answer.context,
    )
    response = Response(html, answer.status, mimetype="text/html")
    response.headers["X-Page"] = answer.name
    response.headers["Cache-Control"] = "no-store"
    if answer.visit:
        response.headers["X-Visit"] = answer.visit.id
    if answer.number:
        response.headers["X-AADSTS"] = str(answer.number)
    return response
