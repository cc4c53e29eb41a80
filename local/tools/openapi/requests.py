"""Schemas of what operators send, beside the dataclasses that hold it: a field without a schema,
or a schema without a field, fails the generator."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from broker.domain import grants, names, scopes
from broker.domain.credentials import CredentialKind
from broker.lifecycle import policy
from broker.services import catalogue
from broker.web import bodies
from local.tools.openapi.infer import Schema

SCOPES: Schema = {
    "type": ["array", "null"],
    "items": {"type": "string", "pattern": f"^{scopes._TOKEN.pattern}$"},
    "maxItems": scopes.MAX_SCOPES,
    "description": "Scopes with their resource; one without belongs to Microsoft Graph.",
}
CONNECTION: Schema = {
    "type": "string",
    "pattern": f"^{names._SLUG.pattern}$",
    "description": "The connection's name.",
}
GRANTS: Schema = {
    "type": ["array", "null"],
    "maxItems": grants.MAX_GRANTS,
    "items": {
        "type": "object",
        "properties": {
            "principal": {
                "type": "string",
                "description": "12 digits of an account, or arn:aws:iam::<account>:role/<name>, "
                "'*' inside the name only.",
                "examples": ["111122223333", "arn:aws:iam::111122223333:role/report-*"],
            },
            "scopes": SCOPES,
        },
        "required": ["principal"],
        "additionalProperties": False,
    },
}
PARAMETERS: Schema = {
    "type": ["object", "null"],
    "description": "Handed out beside the token. Write-only. Numbers count as their digits.",
    "properties": {
        name: {"type": ["string", "integer", "null"], "pattern": f"^{pattern.pattern}$"}
        | ({"minimum": 0, "maximum": 10**20 - 1} if name.endswith("_id") else {})
        for name, pattern in bodies._PARAMETER.items()
    },
    "additionalProperties": False,
}
GUID: Schema = {"type": ["string", "null"], "format": "uuid"}
ACCOUNT: Schema = {
    "type": ["object", "null"],
    "description": "The account the operator expects; another one is refused.",
    "properties": {
        "tenant_id": GUID,
        "object_id": GUID,
        "username": {"type": ["string", "null"], "minLength": 1, "maxLength": 256},
    },
    "additionalProperties": False,
}


def _labels(values: str | list[str]) -> Schema:
    return {
        "type": ["object", "null"],
        "maxProperties": bodies.MAX_LABELS,
        "propertyNames": {"pattern": "^[A-Za-z0-9_.:/=+@-]{1,128}$"},
        "additionalProperties": {"type": values, "maxLength": 256, "pattern": r"^[^\x00-\x1f]*$"},
    }


def creation() -> Schema:
    """`POST /connections`."""
    fields: dict[str, Schema] = {
        "connection": CONNECTION,
        "service": {"type": "string", "enum": list(catalogue.load())},
        "resource": {
            "type": ["string", "null"],
            "description": "The customer's own host, for services that have one.",
        },
        "tenant": {
            "type": ["string", "null"],
            "description": "common, organizations, consumers, a tenant id or a domain.",
        },
        "scopes": SCOPES,
        "account": ACCOUNT,
        "grants": GRANTS,
        "labels": _labels("string"),
        "parameters": PARAMETERS,
    }
    return _body(bodies.Creation, fields, ["connection", "service"])


def change() -> Schema:
    """`PATCH /connections/{connection}`, RFC 7396."""
    fields: dict[str, Schema] = {
        "grants": GRANTS,
        "labels": _labels(["string", "null"]),
        "parameters": PARAMETERS,
        "suspended": {"type": ["boolean", "null"]},
        "version": {"type": ["integer", "null"], "description": "A stale one is a conflict."},
    }
    return _body(bodies.Change, fields, [], {"drop_labels"})


def renewal() -> Schema:
    """`POST /connections/{connection}/authorizations`."""
    fields: dict[str, Schema] = {
        "scopes": SCOPES,
        "allow_account_change": {"type": ["boolean", "null"], "default": False},
    }
    return _body(bodies.Renewal, fields, [])


def refresh() -> Schema:
    """`POST /connections/{connection}/refresh`."""
    kind: Schema = {
        "type": ["string", "null"],
        "enum": [*CredentialKind, None],
        "description": "Authenticate with this kind of client credential alone; a failure then "
        "touches no state.",
    }
    return {
        "type": "object",
        "properties": {"client_authentication": kind},
        "additionalProperties": False,
    }


def refresh_token() -> Schema:
    """`PUT /connections/{connection}/refresh-token`."""
    text: Schema = {
        "type": "string",
        "writeOnly": True,
        "minLength": 1,
        "maxLength": bodies.MAX_REFRESH_TOKEN,
        "pattern": r"^[\x21-\x7e]+$",
    }
    return {
        "type": "object",
        "properties": {"refresh_token": text},
        "required": ["refresh_token"],
        "additionalProperties": False,
    }


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


def _body(
    kind: type,
    fields: Mapping[str, Schema],
    needed: list[str],
    hidden: frozenset[str] | set[str] = frozenset(),
) -> Schema:
    known = {field.name for field in dataclasses.fields(kind)} - hidden
    if known != fields.keys():
        raise ValueError(
            f"{kind.__name__}: {sorted(known ^ fields.keys())} without field or schema"
        )
    schema: Schema = {
        "type": "object",
        "properties": dict(fields),
        "additionalProperties": False,
    }
    return schema | ({"required": needed} if needed else {})
