"""`POST /{tenant}/oauth2/v2.0/token`: strict reading, client authentication, one ledger line.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Response, jsonify, request

from ..faults import Fault
from ..legs import play
from ..world import World
from . import assertions, credentials, issue, redeem
from .credentials import Attempt
from .errors import Refusal, body
from .federation import Keys
from .store import digest

_GRANTS = {"authorization_code": redeem.code, "refresh_token": redeem.refresh}


@dataclass(slots=True)
class Call:
    """One token request, as read."""

    segment: str
    form: Mapping[str, str]
    basic: str | None
    endpoint: str
    keys: Keys | None = None
    subject: dict[str, Any] = field(default_factory=dict)


def respond(world: World, segment: str) -> Response:
    """Answer the current request."""
    if world.settings.latency_ms:
        time.sleep(world.settings.latency_ms / 1000)
    form = {name: values[0] for name, values in request.form.lists()}
    header = request.headers.get("Authorization")
    call = Call(segment, form, header, world.base_url + request.path, _issuer_keys(world, form))
    with world.lock:
        call.subject = {**redeem.subject(world, form), "tenant": segment.lower()}

    def work(taken: list[Fault]) -> Response:
        try:
            _strict()
            answer, user = _grant(world, call, taken)
        except Refusal as refusal:
            return _refuse(world, call, refusal)
        call.subject["user"] = user
        _record(world, call, "ok", None)
        response = jsonify(answer)
        response.headers["Cache-Control"] = "no-store, no-cache"
        response.headers["Pragma"] = "no-cache"
        return response

    answer = play(world, "token", call.subject, work, lambda refusal: _refuse(world, call, refusal))
    if answer.status_code == 401 and call.basic:  # RFC 6749 §5.2
        answer.headers["WWW-Authenticate"] = 'Basic realm="token"'
    return answer


def _issuer_keys(world: World, form: Mapping[str, str]) -> Keys | None:
    """Of the issuer that an assertion names, if it is registered. Fetched without the lock."""
    if "client_assertion" not in form:
        return None
    try:
        assertion = assertions.read(form)
    except Refusal:
        return None
    issuer = str(assertion.claims.get("iss"))
    with world.lock:
        client = world.directory.clients.get(form.get("client_id", "").lower())
        known = client is not None and any(r.issuer == issuer for r in client.federated)
    if not known:
        return None
    return world.issuers.keys(issuer, str(assertion.header.get("kid")), world.clock.now())


def _strict() -> None:
    """Rules of the request itself. Raises Refusal."""
    if request.method != "POST":
        text = f"The endpoint only accepts POST requests. Received a {request.method} request."
        raise Refusal(900561, text=text)
    if "Origin" in request.headers:
        raise Refusal(9002326)
    if request.query_string:
        raise Refusal(9002313, text="Parameters belong in the body, not in the URL.")
    if request.mimetype != "application/x-www-form-urlencoded":
        raise Refusal(900144, text="The request body lacks the parameter 'grant_type'.")
    repeated = next((n for n, values in request.form.lists() if len(values) > 1), None)
    if repeated:
        raise Refusal(9000411, text=f"The parameter '{repeated[:40]}' is duplicated.")


def _grant(world: World, call: Call, taken: list[Fault]) -> tuple[dict[str, Any], str]:
    form = call.form
    if not form.get("grant_type"):
        raise Refusal(900144, text="The request body lacks the parameter 'grant_type'.")
    redeemer = _GRANTS.get(form["grant_type"])
    if redeemer is None and form["grant_type"] != "client_credentials":
        raise Refusal(70003)
    world.segment(call.segment)
    pair = credentials.basic(call.basic)
    client_id = form.get("client_id") or (pair[0] if pair else "")
    if not client_id:
        raise Refusal(900144, text="The request body lacks the parameter 'client_id'.")
    if pair and pair[0] != client_id:
        raise Refusal(9002313, text="Header and body name different clients.")
    client = world.client(client_id, call.segment, token=True)
    attempt = Attempt(call.endpoint, world.clock.now(), world.settings.spreading_seconds, call.keys)
    used = credentials.authenticate(client, form, call.basic, attempt)
    call.subject |= {"credential": used.kind, "credential_id": used.id}
    if redeemer is None:
        raise Refusal(70003, text="There are no application permissions here.")
    redeemed = redeemer(world, call.segment, client, form)
    forged = next((fault.fault for fault in taken if fault.kind == "id_token"), None)
    wanted = form.get("client_info") == "1"
    answer = issue.answer(world, redeemed, with_client_info=wanted, forged=forged)
    return answer, redeemed.user.username


def _refuse(world: World, call: Call, refusal: Refusal) -> Response:
    trace = world.trace(request.headers.get("client-request-id"))
    _record(world, call, refusal.error, refusal.number)
    response = jsonify(body(refusal, trace, world.base_url))
    response.status_code = refusal.status
    response.headers["Cache-Control"] = "no-store, no-cache"
    return response


def _record(world: World, call: Call, outcome: str, number: int | None) -> None:
    presented = call.form.get("refresh_token") or call.form.get("code")
    world.record(
        leg="token",
        **call.subject,
        outcome=outcome,
        number=number,
        presented_sha256=digest(presented)[:12] if presented else None,
    )
