"""What goes to `refresh` and comes back, as JSON.

An order: {connection, incarnation, reason, scope?, owner?, generation?}. The answer of a direct
invocation: {"problem": null, or the problem as RFC 9457 shows it}; never a token.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from broker import names
from broker.names import Incarnation
from broker.ports import Order
from broker.problems import KINDS, Problem, Provider

_KINDS: dict[str, type] = {
    "incarnation": str,
    "reason": str,
    "scope": str,
    "owner": str,
    "generation": int,
}


def dump(order: Order) -> str:
    """The order as JSON, without what is None."""
    return json.dumps({name: value for name, value in asdict(order).items() if value is not None})


def load(body: Mapping[str, Any]) -> Order:
    """The order from parsed JSON, or `invalid_request`."""
    for name, kind in _KINDS.items():
        if not isinstance(body.get(name), kind) and (
            name in body or name in ("incarnation", "reason")
        ):
            raise Problem("invalid_request", f"{name}: is missing or of the wrong type.")
    return Order(
        names.slug(body.get("connection")),
        Incarnation(body["incarnation"]),
        body["reason"],
        body.get("scope"),
        body.get("owner"),
        body.get("generation"),
    )


def answer(problem: Problem | None) -> dict[str, Any]:
    """What `refresh` answers."""
    return {"problem": problem.as_dict() if problem else None}


def outcome(body: object) -> Problem | None:
    """What `refresh` answered, parsed from JSON; ValueError if it is nothing of the kind."""
    if not isinstance(body, dict) or "problem" not in body:
        raise ValueError("no outcome")
    told = body["problem"]
    if told is None:
        return None
    if not isinstance(told, dict) or told.get("code") not in KINDS:
        raise ValueError("no problem")
    provider = told.get("provider")
    return Problem(
        told["code"],
        told["detail"],
        actor=told["actor"],
        remedy=told["remedy"],
        status=told["status"],
        retry_after=told.get("retry_after"),
        provider=_provider(provider) if provider else None,
    )


def _provider(told: Mapping[str, Any]) -> Provider:
    return Provider(**{**told, "error_codes": tuple(told.get("error_codes", ()))})
