"""token: GET /connections/{connection}/token. Its log is the audit log: a line for each decision.

One route, so no router: importing one would make the cold start longer by a third.
"""
# ruff: noqa: E402 (garbage collection is off before anything is imported)

from __future__ import annotations

import gc

# What imports make stays. Looking for garbage in it takes a tenth of the time or more.
gc.disable()

from typing import Any

from broker import wiring
from broker.adapters.telemetry import Telemetry
from broker.domain import grants, names
from broker.domain.problems import Problem
from broker.lifecycle import serving
from broker.web import gateway

TELEMETRY = Telemetry("token")
STEP = wiring.token_step(TELEMETRY)

gc.freeze()
gc.enable()


def handler(event: dict[str, Any], context: object) -> gateway.Answer:  # noqa: ARG001
    """API Gateway's proxy event to a token, or a problem."""
    request = gateway.Request(event)
    # The whole ARN: its session decides nothing, but tells who it was.
    audit = {"code": "served", "request_id": request.id, "principal": request.arn}
    try:
        return gateway.guard(lambda: _serve(request, audit), TELEMETRY, request.id, audit)
    finally:
        TELEMETRY.note("token", **audit)
        TELEMETRY.flush()


def _serve(request: gateway.Request, audit: dict[str, str]) -> gateway.Answer:
    name = names.slug(request.path("connection"))
    audit["connection"] = name
    query = serving.parse(request.query)
    if not request.arn:
        raise Problem("access_denied", "The request carries no AWS principal.")
    return gateway.answer(200, STEP.serve(grants.caller(request.arn), name, query, audit))
