"""Schemas of what operators send, from the broker's own description of each field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from broker.domain import scopes
from broker.lifecycle import policy
from broker.web import bodies
from broker.web.fields import FIELDS, nullable
from local.tools.openapi.infer import Schema


def body(kind: type) -> Schema:
    """A JSON body. A field that it can do without may also be null."""
    needed = bodies.NEEDED.get(kind, ())
    properties = {
        name: dict(FIELDS[name].schema if name in needed else nullable(FIELDS[name].schema))
        for name in bodies.names(kind)
    }
    schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return schema | ({"required": list(needed)} if needed else {})


def listing() -> list[Mapping[str, Any]]:
    """The query of `GET /connections`."""
    from local.tools.openapi.answers import STATUSES

    page: Schema = {"type": "integer", "minimum": 1, "maximum": bodies.MAX_PAGE, "default": 50}
    cursor: Schema = {"type": "string"}
    return [_query("status", STATUSES), _query("limit", page), _query("cursor", cursor)]


def token() -> list[Mapping[str, Any]]:
    """The query of `GET /connections/{connection}/token`."""
    ttl: Schema = {"type": "integer", "minimum": 0, "maximum": policy.MAX_MIN_TTL, "default": 0}
    digest: Schema = {"type": "string", "pattern": "^[0-9A-Fa-f]{64}$"}
    return [
        _query(
            "scope",
            {"type": "string", "maxLength": scopes.MAX_LENGTH},
            "Scopes of one resource, all among the connection's, or `<resource>/.default`.",
        ),
        _query("min_ttl", ttl, "Seconds the token must still live."),
        _query("rejected", digest, "SHA-256 of a token that the API refused."),
    ]


def _query(name: str, schema: Schema, text: str = "") -> Mapping[str, Any]:
    said = {"description": text} if text else {}
    return {"name": name, "in": "query", **said, "schema": schema}
