"""Microsoft Advertising, Customer Management REST v13: routes, authentication, error bodies.

Error shapes are documented, HTTP statuses of errors are not: those here are the platform's choice,
so a client must go by the body.
https://learn.microsoft.com/advertising/customer-management-service/getuser
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, jsonify, request

from ..entra.store import AccessToken, digest
from ..faults import Fault
from ..legs import play
from ..world import World
from . import customers
from .customers import CODES, Caller, Fail, Known


def blueprint(world: World) -> Blueprint:
    """Routes for production and, under `/sandbox`, for the sandbox."""
    routes = Blueprint("advertising", __name__)
    operations: dict[str, Callable[[World, Caller], dict[str, Any]]] = {
        "User/Query": customers.get_user,
        "Accounts/Search": customers.search_accounts,
        "AccountsInfo/Query": customers.accounts_info,
    }
    for environment, prefix in (("production", ""), ("sandbox", "/sandbox")):
        for path, operation in operations.items():

            def view(environment: str = environment, operation: Any = operation) -> Response:
                return _respond(world, environment, operation)

            url = f"{prefix}/CustomerManagement/v13/{path}"
            routes.add_url_rule(url, f"{environment}:{path}", view, methods=["POST"])
    return routes


def _respond(
    world: World, environment: str, operation: Callable[[World, Caller], dict[str, Any]]
) -> Response:
    value = _bearer()
    with world.lock:
        token = world.store.access_tokens.get(digest(value))
    subject: dict[str, Any] = {
        "path": request.path,
        "environment": environment,
        "user": token.user.username if token else None,
        "client_id": token.client_id if token else None,
    }

    def work(taken: list[Fault]) -> Response:
        try:
            _fault(taken)
            answer = operation(world, _caller(world, environment, token))
        except Fail as fail:
            return _failed(world, subject, fail)
        world.record(leg="advertising", **subject, outcome="ok")
        return _tracked(jsonify(answer))

    return play(world, "advertising", subject, work, lambda _: _failed(world, subject, Fail(0)))


def _fault(taken: list[Fault]) -> None:
    fault = next((one.fault for one in taken if one.kind == "api"), None)
    if fault:
        raise Fail(int(fault["code"]), fault.get("detail"), fault.get("status"))


def _bearer() -> str:
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    return value if scheme.lower() == "bearer" else ""


def _caller(world: World, environment: str, token: AccessToken | None) -> Caller:
    """Raises Fail: 105, 109, 106, 100 or the user's own fault."""
    if token is None:
        raise Fail(105, "InvalidAccessToken")
    if token.expires_at <= world.clock.now():
        raise Fail(109)
    host = (
        "https://ads.microsoft.com"
        if environment == "production"
        else "https://si.ads.microsoft.com"
    )
    if f"{host}/msads.manage" not in token.scopes:
        raise Fail(105, "InvalidAccessToken")
    known = world.directory.advertising["developer_tokens"][environment]
    if request.headers.get("DeveloperToken") not in known:
        raise Fail(105, "InvalidDeveloperToken")
    profile = token.user.advertising
    if profile is None or not token.user.enabled:
        raise Fail(105, "UserNotFound")
    if profile.get("fault"):
        raise Fail(int(profile["fault"]))
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise Fail(100)
    return Caller(token.user, profile, body)


def _failed(world: World, subject: dict[str, Any], fail: Fail) -> Response:
    known = CODES.get(fail.code, Known(f"Error{fail.code}", "An error has occurred."))
    world.record(leg="advertising", **subject, outcome="fault", number=fail.code)
    error = {
        "Code": fail.code,
        "Detail": fail.detail,
        "ErrorCode": known.symbol,
        "Message": known.message,
    }
    answer = _tracked(jsonify({"Type": "AdApiFaultDetail", "Errors": [error]}))
    answer.status_code = fail.status or known.status
    return answer


def _tracked(answer: Response) -> Response:
    """Every answer names its tracking id: in a header, in faults in the body too."""
    tracking = str(uuid.uuid4())
    content = answer.get_json()
    if "Errors" in content:
        answer.set_data(jsonify({"TrackingId": tracking, **content}).get_data())
    answer.headers["TrackingId"] = tracking
    return answer
