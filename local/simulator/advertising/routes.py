"""Microsoft Advertising, Customer Management REST v13: routes, authentication, error bodies.

https://learn.microsoft.com/advertising/customer-management-service/getuser
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, jsonify, request
from werkzeug.datastructures import Headers

from ..faults import Fault
from ..legs import play
from ..world import World
from . import customers, faults, users
from .faults import Fail
from .users import Caller

Operation = Callable[[World, Caller], dict[str, Any]]


def blueprint(world: World) -> Blueprint:
    """Routes for production and, under `/sandbox`, for the sandbox."""
    routes = Blueprint("advertising", __name__)
    operations: dict[str, Operation] = {
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


def _respond(world: World, environment: str, operation: Operation) -> Response:
    headers = Headers(request.headers)
    with world.lock:
        token = users.bearer(world, headers)
    subject: dict[str, Any] = {
        "path": request.path,
        "environment": environment,
        "user": token.email if token else None,
        "identity": token.identity if token else None,
        "client_id": token.client_id if token else None,
    }

    def work(taken: list[Fault]) -> Response:
        try:
            _scripted(taken)
            profile = users.authenticate(world, environment, headers, token)
            assert token is not None
            base = world.base_url if environment == "production" else f"{world.base_url}/sandbox"
            caller = Caller(token.email, token.name, profile, _body(), headers, environment, base)
            answer = operation(world, caller)
        except Fail as fail:
            return _failed(world, subject, fail)
        world.record(leg="advertising", **subject, outcome="ok")
        return _tracked(jsonify(answer))

    return play(world, "advertising", subject, work, lambda _: _failed(world, subject, Fail(0)))


def _body() -> dict[str, Any]:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise Fail(100)
    return body


def _scripted(taken: list[Fault]) -> None:
    """An ``api`` fault: `code`, `detail`, `status`, `shape`, `in_message`."""
    fault = next((one.fault for one in taken if one.kind == "api"), None)
    if fault:
        changes = {name: fault.get(name) for name in ("status", "shape", "in_message")}
        raise Fail(int(fault["code"]), fault.get("detail"), **changes)


def _failed(world: World, subject: dict[str, Any], fail: Fail) -> Response:
    world.record(leg="advertising", **subject, outcome="fault", number=fail.code)
    in_message = world.settings.fault_reason_in == "message"
    fault = faults.fault(fail, reason_in_message=in_message)
    answer = _tracked(jsonify(fault.body))
    answer.status_code = fault.status
    return answer


def _tracked(answer: Response) -> Response:
    """Every answer names its tracking id: in a header, in faults in the body too."""
    tracking = str(uuid.uuid4())
    content = answer.get_json()
    if content.get("Type") in faults.SHAPES:
        answer.set_data(jsonify({"TrackingId": tracking, **content}).get_data())
    answer.headers["TrackingId"] = tracking
    return answer
