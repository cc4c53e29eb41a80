"""Google's routes: accounts.google.com's and oauth2.googleapis.com's, on one origin."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, jsonify, render_template, request

from ..entra.store import digest
from ..faults import Fault
from ..legs import play
from ..world import World
from . import authorize, signin, token
from .errors import GoogleRefusal, body
from .signin import Page, Redirect
from .state import Visit
from .token import Form

AUTHORIZE = "/o/oauth2/v2/auth"


def blueprint(world: World) -> Blueprint:
    """All of them."""
    routes = Blueprint("google", __name__, template_folder="pages")
    _pages(routes, world)
    _documents(routes, world)
    _tokens(routes, world)
    return routes


def _pages(routes: Blueprint, world: World) -> None:
    def played(subject: dict[str, Any], visit: Visit | None, step: Callable[[], Any]) -> Response:
        def work(_taken: list[Fault]) -> Response:
            try:
                return _shown(world, subject, step())
            except GoogleRefusal as refusal:
                return _error(world, subject, refusal)

        def refuse(refusal: GoogleRefusal) -> Response:
            if visit and refusal.answer.status == 302:  # an error for the application
                error = {"error": refusal.answer.error}
                return _shown(world, subject, signin.leave(world.google, visit, error))
            return _error(world, subject, refusal)

        return play(world, "google_authorize", subject, work, refuse)

    @routes.get(AUTHORIZE)
    def begin() -> Response:
        subject = {"client_id": request.args.get("client_id"), "action": None}
        return played(
            subject,
            None,
            lambda: signin.choose(world, authorize.begin(world.google, request.args)),
        )

    @routes.post("/google/signin/<visit_id>")
    def step(visit_id: str) -> Response:
        with world.lock:
            visit = world.google.visits.get(visit_id)
        email, action = request.form.get("user", ""), request.form.get("action", "")
        if visit is None:
            return _error(world, {}, GoogleRefusal("invalid_request", text="Start again."))
        chosen = email or (visit.account.email if visit.account else None)
        subject = {"client_id": visit.client.client_id, "user": chosen, "action": action}
        if action == "sign_in":
            return played(subject, visit, lambda: signin.sign_in(world, visit, email))
        return played(subject, visit, lambda: signin.consent(world, visit, action))


def _shown(world: World, subject: dict[str, Any], step: signin.Step) -> Response:
    if isinstance(step, Redirect):
        world.record(leg="google_authorize", **subject, outcome="redirect")
        return Response(status=302, headers={"Location": step.url})
    world.record(leg="google_authorize", **subject, outcome=step.name)
    return _page(step)


def _page(page: Page) -> Response:
    html = render_template(f"{page.name}.html", page=page.name, visit=page.visit, **page.context)
    response = Response(html, mimetype="text/html")
    response.headers["X-Page"] = page.name
    response.headers["X-Visit"] = page.visit.id
    response.headers["Cache-Control"] = "no-store"
    return response


def _error(world: World, subject: dict[str, Any], refusal: GoogleRefusal) -> Response:
    """Google's own error page: the application never hears of it."""
    answer = refusal.answer
    world.record(leg="google_authorize", **subject, outcome=answer.error or "html")
    html = answer.html or render_template("google_error.html", page="google_error", answer=answer)
    status = 400 if answer.status == 302 else answer.status
    response = Response(html, status, mimetype="text/html")
    response.headers["X-Page"] = "google_error"
    response.headers["X-Error"] = answer.error or refusal.name
    return response


def _documents(routes: Blueprint, world: World) -> None:
    def document(make: Callable[[], dict[str, Any]]) -> Response:
        def work(_taken: list[Fault]) -> Response:
            response = jsonify(make())
            response.headers["Cache-Control"] = "public, max-age=3600, must-revalidate"
            return response

        return play(world, "google_discovery", {"path": request.path}, work, _json)

    @routes.get("/.well-known/openid-configuration")
    def configuration() -> Response:
        return document(lambda: _configuration(world.google.base_url))

    @routes.get("/oauth2/v3/certs")
    def certs() -> Response:
        return document(lambda: {"keys": [key.jwk() for key in world.google.keys]})

    @routes.get("/v1/userinfo")
    def userinfo() -> Response:
        value = request.headers.get("Authorization", "").removeprefix("Bearer ")
        with world.lock:
            access = world.google.access_tokens.get(digest(value))
            if access is None or access.revoked or access.expires_at <= world.clock.now():
                answer = jsonify({"error": "invalid_request", "error_description": "Bad token"})
                answer.status_code = 401
                return answer
            account = access.grant.account
            return jsonify({"sub": account.sub, "email": account.email, "name": account.name})


def _configuration(base: str) -> dict[str, Any]:
    return {
        "issuer": base,
        "authorization_endpoint": f"{base}{AUTHORIZE}",
        "token_endpoint": f"{base}/token",
        "userinfo_endpoint": f"{base}/v1/userinfo",
        "revocation_endpoint": f"{base}/revoke",
        "jwks_uri": f"{base}/oauth2/v3/certs",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "email", "profile"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "claims_supported": ["aud", "email", "email_verified", "exp", "iat", "iss", "name", "sub"],
        "code_challenge_methods_supported": ["plain", "S256"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "authorization_response_iss_parameter_supported": True,
    }


def _tokens(routes: Blueprint, world: World) -> None:
    @routes.post("/token")
    def redeem() -> Response:
        if world.google.settings.latency_ms:
            time.sleep(world.google.settings.latency_ms / 1000)
        header = request.headers.get("Authorization")

        def make(form: Form, taken: list[Fault]) -> dict[str, Any]:
            forged = next((fault.fault for fault in taken if fault.kind == "id_token"), None)
            return token.grant(world, form, header, forged)

        return _answered(world, "google_token", make)

    @routes.post("/revoke")
    def withdraw() -> Response:
        def make(form: Form, _taken: list[Fault]) -> dict[str, Any]:
            token.revoke(world, request.args.get("token") or form.get("token", ""))
            return {}

        return _answered(world, "google_revoke", make)

    @routes.route("/token", methods=["GET", "PUT", "DELETE"])
    @routes.route("/revoke", methods=["GET", "PUT", "DELETE"])
    def not_found() -> Response:
        return _json(GoogleRefusal("not_found"))


def _answered(
    world: World, leg: str, make: Callable[[Form, list[Fault]], dict[str, Any]]
) -> Response:
    """One form post: its faults, its answer, one ledger line with a digest of what it presents."""
    form = {name: values[0] for name, values in request.form.lists()}
    with world.lock:
        subject = token.subject(world, form)
    presented = form.get("refresh_token") or form.get("code") or form.get("token")
    sha256 = digest(presented)[:12] if presented else None

    def refuse(refusal: GoogleRefusal) -> Response:
        outcome = {"outcome": refusal.answer.error or "html", "answer": refusal.name}
        world.record(leg=leg, **subject, presented_sha256=sha256, **outcome)
        return _json(refusal)

    def work(taken: list[Fault]) -> Response:
        try:
            _strict()
            answer = make(form, taken)
        except GoogleRefusal as refusal:
            return refuse(refusal)
        world.record(leg=leg, **subject, presented_sha256=sha256, outcome="ok")
        response = jsonify(answer)
        response.headers["Cache-Control"] = "no-cache, no-store, max-age=0, must-revalidate"
        return response

    return play(world, leg, subject, work, refuse)


def _strict() -> None:
    """Rules of the request itself. Raises GoogleRefusal."""
    if request.mimetype != "application/x-www-form-urlencoded":
        raise GoogleRefusal("no_client_id")
    if request.query_string and request.path == "/token":
        raise GoogleRefusal("invalid_request", text="Parameters belong in the body.")
    repeated = next((n for n, values in request.form.lists() if len(values) > 1), None)
    if repeated:
        text = f"OAuth 2 parameters can only have a single value: {repeated[:40]}"
        raise GoogleRefusal("invalid_request", text=text)


def _json(refusal: GoogleRefusal) -> Response:
    answer = refusal.answer
    if answer.html is not None:
        response = Response(f"<!DOCTYPE html><html lang=en>{answer.html}</html>", answer.status)
    else:
        response = jsonify(body(answer))
        response.status_code = answer.status
    for name, value in answer.headers.items():
        response.headers[name] = value
    return response
