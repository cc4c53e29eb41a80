"""Microsoft Graph: `GET /v1.0/me`.

https://learn.microsoft.com/graph/api/user-get
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from ..faults import Fault
from ..legs import play
from ..world import World
from .errors import Refusal
from .scopes import GRAPH
from .store import digest


def blueprint(world: World) -> Blueprint:
    """The one route."""
    routes = Blueprint("graph", __name__)

    @routes.get("/v1.0/me")
    def me() -> Response:
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        with world.lock:
            token = world.store.access_tokens.get(digest(value))
        subject: dict[str, Any] = {"user": token.user.username if token else None}

        def failed(status: int, code: str, message: str) -> Response:
            world.record(leg="graph", **subject, outcome=code)
            trace = world.trace(request.headers.get("client-request-id"))
            inner = {"date": trace.timestamp, "request-id": trace.trace_id}
            error = {"code": code, "message": message, "innerError": inner}
            answer = jsonify({"error": error})
            answer.status_code = status
            return answer

        def work(_taken: list[Fault]) -> Response:
            if scheme.lower() != "bearer" or token is None or token.resource != GRAPH:
                return failed(401, "InvalidAuthenticationToken", "Access token is not valid.")
            if token.expires_at <= world.clock.now():
                return failed(401, "InvalidAuthenticationToken", "Lifetime validation failed.")
            if f"{GRAPH}/User.Read" not in token.scopes:
                return failed(403, "Authorization_RequestDenied", "Insufficient privileges.")
            world.record(leg="graph", **subject, outcome="ok")
            user = token.user
            return jsonify(
                {
                    "@odata.context": f"{GRAPH}/v1.0/$metadata#users/$entity",
                    "id": user.id,
                    "displayName": user.name,
                    "userPrincipalName": user.username,
                    "mail": user.username,
                }
            )

        def refused(_refusal: Refusal) -> Response:
            return failed(401, "InvalidAuthenticationToken", "Access token is not valid.")

        return play(world, "graph", subject, work, refused)

    return routes
