"""token: GET /connections/{connection}/token. Its log is the audit log: a line for each decision.

One route, so no router: importing one would make the cold start longer by a third.
"""
# ruff: noqa: E402 (garbage collection is off before anything is imported)

from __future__ import annotations

import gc

# What imports make stays. Looking for garbage in it takes a tenth of the time or more.
gc.disable()

from typing import Any

from broker import edge, grants, names, view, wiring
from broker.adapters.journal import Journal
from broker.problems import Problem

JOURNAL = Journal("token")
STEP = wiring.token_step(JOURNAL)

gc.freeze()
gc.enable()


def handler(event: dict[str, Any], context: object) -> edge.Answer:  # noqa: ARG001
    """API Gateway's proxy event to a token, or a problem."""
    request = edge.Request(event)
    audit: dict[str, str] = {"code": "served", "request_id": request.id}
    try:
        return edge.guard(lambda: _serve(request, audit), JOURNAL, request.id, audit)
    finally:
        JOURNAL.note("token", **audit)
        JOURNAL.flush()


def _serve(request: edge.Request, audit: dict[str, str]) -> edge.Answer:
    name = names.slug(request.path("connection"))
    audit["connection"] = name
    query = view.parse(request.query)
    if not request.arn:
        raise Problem("access_denied", "The request carries no AWS principal.")
    caller = grants.caller(request.arn)
    audit["principal"] = str(caller)
    return edge.answer(200, STEP.serve(caller, name, query, audit))
