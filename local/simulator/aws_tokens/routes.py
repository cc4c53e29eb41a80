"""Routes: the issuer's documents, AWS's two services in front of the emulator, the control API.

GET   /_control/health, /_control/settings, /_control/requests
PATCH /_control/settings  {enabled, session_seconds, documents_status, refuse}
POST  /_control/keys      sign with a new key;  POST /_control/reset
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from typing import Any, Protocol

import requests
from flask import Flask, Response, jsonify, request

from . import policy, query
from .emulator import Function
from .issuer import Asked, Issuer, Refused, Settings
from .query import Query

_FEATURE = (
    "EnableOutboundWebIdentityFederation",
    "DisableOutboundWebIdentityFederation",
    "GetOutboundWebIdentityFederationInfo",
)
_ACTION = "sts:GetWebIdentityToken"


class Account(Protocol):
    """What this service asks of the emulator; `emulator.Emulator` is the real one."""

    def forward(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> requests.Response:
        """The emulator's answer to a request, as it was signed."""

    def function(self, access_key_id: str) -> Function | None:
        """Whose session a key is, if a function's."""

    def statements(self, role: str) -> list[dict[str, Any]]:
        """All policy statements of a role."""


def create(issuer: Issuer, emulator: Account) -> Flask:
    """The service as a WSGI application."""
    app = Flask(__name__, static_folder=None)
    _documents(app, issuer)
    _control(app, issuer)

    @app.post("/")
    def aws() -> Response:
        headers, body = dict(request.headers), request.get_data()
        judged = emulator.forward("POST", request.full_path.rstrip("?"), headers, body)
        call = query.read(request.headers.get("Authorization", ""), body)
        try:
            if call and (call.service, call.action) == ("sts", "GetWebIdentityToken"):
                return _token(issuer, emulator, call, judged)
            if call and call.service == "iam" and call.action in _FEATURE:
                return _feature(issuer, call, judged)
        except Refused as refused:
            assert call is not None
            with issuer.lock:
                issuer.record(action=call.action, outcome=refused.code)
            return query.failure(call.service, refused)
        return _passed(judged)

    return app


def _token(issuer: Issuer, emulator: Account, call: Query, judged: requests.Response) -> Response:
    """The emulator has checked signature and parameters; it knows none of the condition keys."""
    if query.error_code(judged.content) not in (None, "AccessDenied"):
        return _passed(judged)
    caller = emulator.function(call.access_key_id)
    if caller is None:
        raise _denied("The caller is no function of this account", _ACTION)
    asked = query.asked(call)
    _authorize(emulator, caller, asked)
    with issuer.lock:
        token, end = issuer.issue(caller, asked)
        issuer.record(
            action=call.action,
            outcome="ok",
            role_arn=caller.role_arn,
            audiences=list(asked.audiences),
            algorithm=asked.algorithm,
            seconds=asked.seconds,
        )
    result = {"WebIdentityToken": token, "Expiration": query.moment(end)}
    return query.answer("sts", call.action, result)


def _authorize(emulator: Account, caller: Function, asked: Asked) -> None:
    """By the role's own policies, with the condition keys of the action. Raises Refused."""
    statements = emulator.statements(caller.role_name)
    context = {
        "sts:IdentityTokenAudience": asked.audiences,
        "sts:SigningAlgorithm": (asked.algorithm,),
        "sts:DurationSeconds": (str(asked.seconds),),
    }
    actions = [_ACTION, *(["sts:TagGetWebIdentityToken"] if asked.tags else [])]
    for action in actions:
        if not policy.allows(statements, action, context):
            raise _denied(f"User: {caller.role_arn}", action)


def _denied(who: str, action: str) -> Refused:
    reason = f"because no identity-based policy allows the {action} action"
    return Refused("AccessDenied", f"{who} is not authorized to perform: {action} {reason}", 403)


def _feature(issuer: Issuer, call: Query, judged: requests.Response) -> Response:
    """Switching the account's federation on and off, by IAM."""
    if query.error_code(judged.content) != "InvalidAction":  # a bad signature, or no permission
        return _passed(judged)
    with issuer.lock:
        enabled = issuer.settings.enabled
        if call.action.startswith("Enable"):
            if enabled:
                raise Refused("FeatureEnabled", "Outbound federation is enabled already.", 409)
            issuer.settings.enabled = True
        elif not enabled:
            raise Refused("FeatureDisabled", "Outbound federation is not enabled.", 404)
        elif call.action.startswith("Disable"):
            issuer.settings.enabled = False
            return query.answer("iam", call.action, {})
        result = {"IssuerIdentifier": issuer.url}
        if call.action.startswith("Get"):
            result["JwtVendingEnabled"] = "true"
        return query.answer("iam", call.action, result)


def _passed(answer: requests.Response) -> Response:
    kind = answer.headers.get("Content-Type", "text/xml")
    return Response(answer.content, answer.status_code, content_type=kind)


def _documents(app: Flask, issuer: Issuer) -> None:
    for path, make in (
        ("openid-configuration", issuer.configuration),
        ("jwks.json", issuer.jwks),
    ):

        def view(make: Callable[[], dict[str, Any]] = make) -> Response:
            with issuer.lock:
                response = jsonify(make())
                response.status_code = issuer.settings.documents_status
                return response

        app.add_url_rule(f"/.well-known/{path}", path, view)


def _control(app: Flask, issuer: Issuer) -> None:
    @app.get("/_control/health")
    def health() -> Response:
        return jsonify({"status": "ok", "issuer": issuer.url})

    @app.get("/_control/settings")
    def show() -> Response:
        with issuer.lock:
            return jsonify(asdict(issuer.settings))

    @app.patch("/_control/settings")
    def settings() -> tuple[Response, int]:
        body = request.get_json()
        unknown = set(body) - {entry.name for entry in fields(Settings)}
        if unknown:
            return jsonify({"error": f"unknown settings: {', '.join(sorted(unknown))}"}), 400
        with issuer.lock:
            for name, value in body.items():
                setattr(issuer.settings, name, value)
            return jsonify(asdict(issuer.settings)), 200

    @app.get("/_control/requests")
    def ledger() -> Response:
        with issuer.lock:
            return jsonify(list(issuer.ledger))

    @app.post("/_control/keys")
    def rotate() -> Response:
        with issuer.lock:
            issuer.rotate()
        return jsonify({})

    @app.post("/_control/reset")
    def reset() -> Response:
        with issuer.lock:
            issuer.reset()
        return jsonify({})
