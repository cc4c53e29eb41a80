"""verify: POST /connections/{connection}/verify, or an invocation by callback; trusted alike.

Neither answer holds a secret. An invocation names the incarnation and the seconds there are, and
is told the key of each text as well: {"checks": [...]}, or {"checks": null} and nothing more. What
an operator asks for is a line of the audit log.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from broker import wiring
from broker.adapters.telemetry import Telemetry
from broker.domain import names
from broker.domain.names import Incarnation, Name
from broker.web import gateway
from broker.web.audit import Done

TELEMETRY = Telemetry("verify")
STEP = wiring.verify_step(TELEMETRY)
SHOWN = ("name", "ok", "code", "detail", "actor", "remedy")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """API Gateway's proxy event, or {"connection", "incarnation", "seconds"}."""
    try:
        if "requestContext" not in event:
            return _tell(event, str(getattr(context, "aws_request_id", "")))
        request = gateway.Request(event)
        return gateway.guard(lambda: _answer(request), TELEMETRY, request.id)
    finally:
        TELEMETRY.flush()


def _answer(request: gateway.Request) -> gateway.Answer:
    name = names.slug(request.path("connection"))
    done = gateway.audited(lambda: _verified(name), TELEMETRY, request, "verify", name)
    return gateway.answer(200, done)


def _verified(name: Name) -> Done:
    found = [asdict(check) for check in STEP.run(name)]
    checks = [{key: check[key] for key in SHOWN} for check in found]
    return Done({"ok": all(check["ok"] for check in checks), "checks": checks}, {})


def _tell(event: dict[str, Any], request_id: str) -> dict[str, Any]:
    try:
        name, incarnation = names.slug(event["connection"]), Incarnation(event["incarnation"])
        found = STEP.run(name, incarnation, float(event["seconds"]))
    except Exception as error:  # noqa: BLE001 (the edge: nothing may escape with its message)
        gateway.known(error, TELEMETRY, request_id)
        return {"checks": None}
    return {"checks": [asdict(check) for check in found]}
