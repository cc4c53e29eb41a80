"""Schemas of what the broker answers: inferred from its own output for the fullest and barest."""

from __future__ import annotations

import dataclasses
from typing import Any, get_args

from broker.domain.attempts import LinkKind, OpenLink, Ticket
from broker.domain.connection import Account, Check, Connection, Failure, Findings, Status
from broker.domain.contacts import Contact
from broker.domain.grants import Grant
from broker.domain.names import IdentityProvider, Incarnation, Instant, Name
from broker.domain.problems import KINDS, Actor, Problem, Provider
from broker.sealing.envelope import PARAMETERS
from broker.services import catalogue
from broker.web import readers, representation
from local.tools.openapi.infer import Schema, infer

CONTACT: Schema = {
    "type": "object",
    "properties": {
        "email": {"type": "string"},
        "language": {"type": ["string", "null"], "enum": [*readers.LANGUAGES, None]},
    },
    "required": ["email", "language"],
    "additionalProperties": False,
}
CONTACTS: Schema = {
    "type": "object",
    "properties": dict.fromkeys(readers.PEOPLE, CONTACT),
    "additionalProperties": False,
}

NOON = Instant(1_800_000_000)

ACTORS: Schema = {"type": "string", "enum": list(get_args(Actor))}
STATUSES: Schema = {"type": "string", "enum": [status.value for status in Status]}
CODES: Schema = {"type": "string", "enum": list(KINDS)}

PROVIDER = Provider("invalid_grant", "bad_token", (50173,), "t", "c", "2027-01-15 08:00:00Z")

BARE = Connection(
    name=Name("bare"),
    incarnation=Incarnation("i"),
    service="microsoft-graph",
    resource="https://graph.microsoft.com",
    tenant="common",
    scopes=("https://graph.microsoft.com/User.Read",),
    client_id="c",
    authority="https://login.microsoftonline.com/common",
    created_at=NOON,
    created_by="arn:aws:iam::111122223333:root",
)
FULL = dataclasses.replace(
    BARE,
    account=Account("t", "o", "owner@example.com"),
    display_name="d",
    purpose="p",
    contacts={"owner": Contact("a@b.example", "en"), "tenant_admin": Contact("c@b.example")},
    grants=(Grant("111122223333"), Grant("111122223333", BARE.scopes)),
    tickets=("a", "b"),
    open_link=OpenLink(BARE.scopes, "arn", NOON),
    authorized_at=NOON,
    refreshed_at=NOON,
    next_refresh_at=NOON,
    last_used_at=NOON,
    findings=Findings(
        NOON,
        (Check("token", True), Check("service", False, "provider_error", "d", "operator", "r")),
    ),
    used_by={"arn:aws:iam::111122223333:role/team-a": NOON},
    last_error=Failure("throttled", "d", "nobody", "r", NOON, NOON, PROVIDER),
    consent_error=Failure("consent_declined", "d", "owner", "r", NOON, NOON, PROVIDER),
)
FAILED = dataclasses.replace(
    FULL,
    last_error=Failure("internal_error", "d", "operator", "r", NOON, NOON),
    consent_error=Failure("account_mismatch", "d", "owner", "r", NOON, NOON),
)
TICKET = Ticket(LinkKind.AUTHORIZE, FULL.name, FULL.incarnation, 1, NOON)
USED = dataclasses.replace(TICKET, opened_at=NOON, started_at=NOON, returned_at=NOON, starts=1)


def _optional(schema: Schema) -> Schema:
    return {name: part for name, part in schema.items() if name != "required"}


def connection() -> Schema:
    """`GET /connections/{connection}`."""
    shown = [
        representation.connection(BARE),
        representation.connection(FULL),
        representation.connection(FAILED),
    ]
    shown += [
        representation.connection(FULL, TICKET, USED),
        representation.connection(FULL, USED, TICKET),
    ]
    texts: Schema = {"type": "object", "additionalProperties": {"type": "string"}}
    lists: Schema = {"type": "array", "items": {"type": "string"}}
    known: dict[str, Schema] = {
        "status": STATUSES,
        "service": {"type": "string", "enum": list(catalogue.load())},
        "labels": texts,
        "identity_provider": {"type": "string", "enum": list(get_args(IdentityProvider))},
        "contacts": CONTACTS,
        "granted_scopes": {"type": "object", "additionalProperties": lists},
        "excess_scopes": lists,
    }
    for failure in ("last_error", "consent_error"):
        known |= {
            f"{failure}.code": CODES,
            f"{failure}.actor": ACTORS,
            f"{failure}.provider": {"$ref": "#/components/schemas/Provider"},
        }
    return infer(shown, known)


def provider() -> Schema:
    """What Microsoft said."""
    return _optional(infer([PROVIDER.as_dict()], {}))


def problem() -> Schema:
    """RFC 9457, with the broker's additions."""
    samples = [
        Problem("throttled", provider=PROVIDER, retry_after=5).as_dict(),
        Problem("not_found").as_dict(),
    ]
    known = {
        "type": {"type": "string", "format": "uri"},
        "code": CODES,
        "actor": ACTORS,
        "provider": {"$ref": "#/components/schemas/Provider"},
    }
    return infer(samples, known)


def links() -> Schema:
    """A pair of links."""
    return infer([representation.links("https://a", "https://b", NOON)], {})


def created() -> Schema:
    """`POST /connections`."""
    schema = links()
    schema["properties"] = {
        "connection": {"type": "string"},
        "status": {"type": "string", "const": Status.PENDING.value},
        **schema["properties"],
    }
    schema["required"] = list(schema["properties"])
    return schema


def listing() -> Schema:
    """`GET /connections`."""
    samples: list[Any] = [
        {"connections": [], "next_cursor": "c"},
        {"connections": [], "next_cursor": None},
    ]
    page = {"type": "array", "items": {"$ref": "#/components/schemas/Connection"}}
    return infer(samples, {"connections": page})


def token() -> Schema:
    """`GET /connections/{connection}/token`, RFC 6749 §5.1. Made where secrets are opened, so the
    one answer that is written down here; the tests hold it against the running stack."""
    parameters: Schema = {
        "type": "object",
        "properties": {name: {"type": "string"} for name in PARAMETERS},
        "additionalProperties": False,
    }
    known: dict[str, Schema] = {
        "token_type": {"type": "string", "const": "Bearer"},
        "expires_in": {"type": "integer", "minimum": 1, "description": "Seconds left."},
        "scope": {"type": "string", "description": "What Microsoft answered."},
        "parameters": parameters,
    }
    texts = ("access_token", "token_type", "scope", "connection", "expires_at")
    return infer([dict.fromkeys(texts, "") | {"expires_in": 1, "parameters": {}}], known)


def verification() -> Schema:
    """`POST /connections/{connection}/verify`."""
    checks = [Check("refresh", True), Check("refresh", False, "not_found", "d", "caller", "r")]
    shown = [dataclasses.asdict(check) for check in checks]
    for check in shown:
        del check["finding"]
    known = {"checks[].code": CODES, "checks[].actor": ACTORS}
    return infer([{"ok": True, "checks": shown}], known)
