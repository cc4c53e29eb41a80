"""Orders as JSON:
{connection, incarnation, reason, resource?, owner?, generation?, client_authentication?}."""

from __future__ import annotations

import json
from dataclasses import asdict

from broker.domain import names
from broker.domain.credentials import CredentialKind
from broker.domain.names import Incarnation
from broker.domain.problems import Problem
from broker.ports.outside import RefreshRequest

_KINDS: dict[str, type] = {
    "incarnation": str,
    "reason": str,
    "resource": str,
    "owner": str,
    "generation": int,
    "client_authentication": str,
}


def dump(order: RefreshRequest) -> str:
    """The order as JSON, without what is None."""
    return json.dumps({name: value for name, value in asdict(order).items() if value is not None})


def load(body: object) -> RefreshRequest:
    """The order from parsed JSON, or `invalid_request`."""
    if not isinstance(body, dict):
        raise Problem("invalid_request", "An order is an object.")
    for name, kind in _KINDS.items():
        if not isinstance(body.get(name), kind) and (
            name in body or name in ("incarnation", "reason")
        ):
            raise Problem("invalid_request", f"{name}: is missing or of the wrong type.")
    return RefreshRequest(
        names.slug(body.get("connection")),
        Incarnation(body["incarnation"]),
        body["reason"],
        body.get("resource"),
        body.get("owner"),
        body.get("generation"),
        _kind(body.get("client_authentication")),
    )


def _kind(text: str | None) -> CredentialKind | None:
    if text is None or text in set(CredentialKind):
        return CredentialKind(text) if text else None
    raise Problem("invalid_request", "client_authentication: is not a kind.")
