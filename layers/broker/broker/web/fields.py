"""Every field that operators send, described once: how its value is read, and its JSON Schema.

`bodies` reads by it, the OpenAPI document quotes it, `representation` shows by it what a connection
keeps of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from broker.domain import grants, names, scopes
from broker.domain.connection import Connection
from broker.domain.credentials import CredentialKind
from broker.domain.grants import Grant
from broker.services import catalogue
from broker.web import readers

Schema = Mapping[str, Any]
TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `show`: what of a connection it stands for in answers; None: not shown."""

    read: Callable[[Any], Any]
    schema: Schema
    show: Callable[[Connection], Any] | None = None


def _shown(grant: Grant) -> dict[str, Any]:
    limit = {} if grant.scopes is None else {"scopes": list(grant.scopes)}
    return {"principal": grant.principal, **limit}


def nullable(schema: Schema) -> Schema:
    """The schema of a field that may be null, which is the same as leaving it out."""
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    also = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return {**schema, "type": [*kinds, "null"], **also}


def _object(properties: Mapping[str, Schema], needed: Iterable[str] = ()) -> Schema:
    required = {"required": list(needed)} if needed else {}
    return {
        "type": "object",
        "properties": dict(properties),
        **required,
        "additionalProperties": False,
    }


def _line(most: int) -> Schema:
    pattern = r"^[^\x00-\x1f\x7f-\x9f]+$"
    return {**TEXT, "minLength": 1, "maxLength": most, "pattern": pattern}


_SCOPES: Schema = {
    "type": "array",
    "items": {"type": "string", "pattern": f"^{scopes._TOKEN.pattern}$"},
    "maxItems": scopes.MAX_SCOPES,
    "description": "Scopes with their resource; one without belongs to Microsoft Graph.",
}
_PRINCIPAL: Schema = {
    "type": "string",
    "description": "12 digits of an account, or arn:aws:iam::<account>:role/<name>, "
    "'*' inside the name only.",
    "examples": ["111122223333", "arn:aws:iam::111122223333:role/report-*"],
}
_GUID: Schema = {"type": ["string", "null"], "format": "uuid"}
_CONTACT: Schema = nullable(
    _object(
        {
            "email": {
                "type": ["string", "null"],
                "maxLength": 254,
                "pattern": f"^{readers.EMAIL.pattern}$",
            },
            "language": {"type": ["string", "null"], "enum": [*readers.LANGUAGES, None]},
        }
    )
)

FIELDS: dict[str, Field] = {
    "connection": Field(
        names.slug,
        {**TEXT, "pattern": f"^{names._SLUG.pattern}$", "description": "The connection's name."},
        lambda one: one.name,
    ),
    "service": Field(
        catalogue.find, {**TEXT, "enum": list(catalogue.load())}, lambda one: one.service
    ),
    "resource": Field(
        readers.instance("resource", str, "a string"),
        {**TEXT, "description": "The customer's own host, for services that have one."},
        lambda one: one.resource,
    ),
    "identity_provider": Field(
        readers.identity_provider,
        {**TEXT, "enum": ["microsoft", "google"], "description": "With whom the owner signs in."},
        lambda one: one.identity_provider,
    ),
    "tenant": Field(
        names.tenant,
        {**TEXT, "description": "common, organizations, consumers, a tenant id or a domain."},
        lambda one: one.tenant,
    ),
    "scopes": Field(
        readers.instance("scopes", list, "a list"), _SCOPES, lambda one: list(one.scopes)
    ),
    "display_name": Field(
        readers.line("display_name", 100), _line(100), lambda one: one.display_name or None
    ),
    "purpose": Field(readers.line("purpose", 500), _line(500), lambda one: one.purpose or None),
    "account": Field(
        readers.account,
        {
            **_object(
                {
                    "tenant_id": _GUID,
                    "object_id": _GUID,
                    "username": {"type": ["string", "null"], "minLength": 1, "maxLength": 256},
                    "subject": {
                        "type": ["string", "null"],
                        "pattern": f"^{readers.SUBJECT.pattern}$",
                        "description": "Of Google.",
                    },
                }
            ),
            "description": "The account the operator expects; another one is refused.",
        },
    ),
    "grants": Field(
        grants.parse,
        {
            "type": "array",
            "maxItems": grants.MAX_GRANTS,
            "items": _object({"principal": _PRINCIPAL, "scopes": nullable(_SCOPES)}, ["principal"]),
        },
        lambda one: [_shown(grant) for grant in one.grants],
    ),
    "labels": Field(
        readers.labels,
        {
            "type": "object",
            "maxProperties": readers.MAX_LABELS,
            "propertyNames": {"pattern": "^[A-Za-z0-9_.:/=+@-]{1,128}$"},
            "additionalProperties": {
                "type": ["string", "null"],
                "maxLength": 256,
                "pattern": r"^[^\x00-\x1f]*$",
            },
        },
        lambda one: dict(one.labels),
    ),
    "parameters": Field(
        readers.parameters,
        {
            **_object(
                {
                    name: {"type": ["string", "integer", "null"], "pattern": f"^{form.pattern}$"}
                    | ({"minimum": 0, "maximum": 10**20 - 1} if name.endswith("_id") else {})
                    for name, form in readers.PARAMETER.items()
                }
            ),
            "description": "Handed out beside the token. Write-only. Numbers count as digits.",
        },
    ),
    "contacts": Field(
        readers.contacts,
        {
            **_object(dict.fromkeys(readers.PEOPLE, _CONTACT)),
            "description": "Who is told when they must act.",
        },
        lambda one: {name: asdict(contact) for name, contact in one.contacts.items()},
    ),
    "send_link": Field(
        readers.instance("send_link", bool, "true or false"),
        {**FLAG, "description": "Whether the owner's link is to be mailed to contacts.owner."},
    ),
    "suspended": Field(
        readers.instance("suspended", bool, "true or false"), FLAG, lambda one: one.suspended
    ),
    "version": Field(
        readers.instance("version", int, "a whole number"),
        {"type": "integer", "description": "A stale one is a conflict."},
        lambda one: one.version,
    ),
    "allow_account_change": Field(
        readers.instance("allow_account_change", bool, "true or false"),
        {**FLAG, "description": "Whether another account may take the connection over."},
    ),
    "client_authentication": Field(
        lambda value: CredentialKind(readers.enum("client_authentication", CredentialKind)(value)),
        {
            **TEXT,
            "enum": list(CredentialKind),
            "description": "Authenticate with this kind of client credential alone; a failure "
            "then touches no state.",
        },
    ),
    "refresh_token": Field(
        readers.refresh_token,
        {
            **TEXT,
            "writeOnly": True,
            "minLength": 1,
            "maxLength": readers.MAX_REFRESH_TOKEN,
            "pattern": r"^[\x21-\x7e]+$",
        },
    ),
}
