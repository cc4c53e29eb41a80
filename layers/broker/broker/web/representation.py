"""Connections as operators see them: all but secrets. Pure."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from broker.domain.attempts import Ticket
from broker.domain.connection import Connection, Failure, Findings, Status
from broker.domain.names import Instant, rfc3339, slug
from broker.domain.problems import Problem
from broker.web.fields import FIELDS


def connection(
    one: Connection, ticket: Ticket | None = None, admin: Ticket | None = None
) -> dict[str, Any]:
    """The body of `GET /connections/{connection}`. `ticket`, `admin`: the current links' for the
    owner and for the administrator."""
    account = one.account
    due = None if one.status is Status.REAUTHORIZATION_REQUIRED else one.next_refresh_at
    given = {name: field.show(one) for name, field in FIELDS.items() if field.show}
    return given | {
        "status": one.status.value,
        "granted_scopes": {resource: list(scopes) for resource, scopes in one.granted.items()},
        "excess_scopes": list(one.excess_scopes),
        "account": account
        and {
            "username": account.username,
            "tenant_id": account.tenant_id,
            "object_id": account.object_id,
        },
        "generation": one.generation,
        "created_at": rfc3339(one.created_at),
        "authorized_at": _time(one.authorized_at),
        "refreshed_at": _time(one.refreshed_at),
        "next_refresh_at": _time(due),
        "last_used_at": _time(one.last_used_at),
        "used_by": _uses(one.used_by),
        "last_error": one.last_error and _failure(one.last_error),
        "consent_error": one.consent_error and _failure(one.consent_error),
        "findings": one.findings and _findings(one.findings),
        "authorization": _authorization(one, ticket, admin),
    }


def size(one: Connection) -> int:
    """Bytes it takes in a list, as Lambda sends it to API Gateway: JSON within JSON."""
    return len(json.dumps(json.dumps(connection(one))))


def links(authorize_url: str, admin_consent_url: str, expires_at: Instant) -> dict[str, str]:
    """A pair of links."""
    return {
        "authorize_url": authorize_url,
        "admin_consent_url": admin_consent_url,
        "expires_at": rfc3339(expires_at),
    }


def cursor(position: tuple[str, str]) -> str:
    """A position in the list, opaque to callers."""
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


def position(text: str) -> tuple[str, str]:
    """The position of a cursor, or `invalid_request`."""
    try:
        found = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True))
        status, name = found
        return Status(status).value, slug(name)
    except (ValueError, binascii.Error, TypeError, RecursionError, Problem):
        raise Problem("invalid_request", "cursor: is not one of this API.") from None


def _time(instant: Instant | None) -> str | None:
    return None if instant is None else rfc3339(instant)


def _findings(findings: Findings) -> dict[str, Any]:
    """In the shape that `verify` answers, and when it was."""
    shown = ("name", "ok", "code", "detail", "actor", "remedy")
    checks = [{name: getattr(check, name) for name in shown} for check in findings.checks]
    return {"at": rfc3339(findings.at), "ok": findings.failed is None, "checks": checks}


def _uses(used_by: Mapping[str, Instant]) -> list[dict[str, str]]:
    """The latest first."""
    latest = sorted(used_by.items(), key=lambda use: use[1], reverse=True)
    return [{"principal": principal, "at": rfc3339(at)} for principal, at in latest]


def _failure(failure: Failure) -> dict[str, Any]:
    return {
        "code": failure.code,
        "detail": failure.detail,
        "actor": failure.actor,
        "remedy": failure.remedy,
        "at": rfc3339(failure.at),
        "provider": failure.provider.as_dict() or None,
    }


def _authorization(
    one: Connection, ticket: Ticket | None, admin: Ticket | None
) -> dict[str, Any] | None:
    """The link that is open, if any; an attempt that never came back shows as started only."""
    if one.open_link is None:
        return None
    shown: dict[str, Any] = {"expires_at": rfc3339(one.open_link.expires_at)}
    if ticket:
        shown |= _use(ticket)
    if admin:
        shown["admin_consent"] = _use(admin)
    return shown


def _use(ticket: Ticket) -> dict[str, Any]:
    return {
        "opened_at": _time(ticket.opened_at),
        "started_at": _time(ticket.started_at),
        "returned_at": _time(ticket.returned_at),
        "attempts": ticket.starts,
    }
