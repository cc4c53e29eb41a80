"""What operators send: JSON bodies and queries, checked field by field. Pure.

Every function raises `invalid_request` with the field's name; unknown fields are refused, so that
a misspelt one is not silently without effect. A field that is null counts as left out; in a merge
patch it is emptied. What each field may hold is in `fields`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from broker.domain.connection import Connection, Expected, Status
from broker.domain.contacts import Contact
from broker.domain.credentials import CredentialKind
from broker.domain.grants import Grant
from broker.domain.names import IdentityProvider, Name
from broker.domain.problems import Problem
from broker.domain.secret import Secret
from broker.sealing.envelope import PARAMETERS
from broker.services import catalogue
from broker.web import representation
from broker.web.fields import FIELDS
from broker.web.readers import MAX_LABELS, members, people, wrong

MAX_PAGE = 100
"""What BatchGetItem takes at once."""


@dataclass(frozen=True, slots=True)
class Creation:
    """`POST /connections`."""

    connection: Name
    service: catalogue.Service
    resource: str | None = None
    identity_provider: IdentityProvider = "microsoft"
    tenant: str | None = None
    scopes: Sequence[str] | None = None
    display_name: str = ""
    purpose: str = ""
    account: Expected = field(default_factory=Expected)
    grants: tuple[Grant, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Secret | None] = field(default_factory=dict)
    contacts: Mapping[str, Contact] = field(default_factory=dict)
    send_link: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """`PATCH /connections/{connection}`, RFC 7396: what is None is unchanged; inside the maps it
    is removed."""

    display_name: str | None = None
    purpose: str | None = None
    grants: tuple[Grant, ...] | None = None
    labels: Mapping[str, str | None] | None = None
    parameters: Mapping[str, Secret | None] = field(default_factory=dict)
    contacts: Mapping[str, Any] | None = None
    suspended: bool | None = None
    version: int | None = None
    emptied: frozenset[str] = frozenset()
    """Maps that were sent as null."""

    def applied(self, before: Connection) -> dict[str, Any]:
        """The fields after the change, but for the parameters, which must be sealed first."""
        replaced = {
            name: getattr(before if getattr(self, name) is None else self, name)
            for name in ("display_name", "purpose", "grants", "suspended")
        }
        labels = {} if "labels" in self.emptied else before.labels
        contacts = {} if "contacts" in self.emptied else before.contacts
        return replaced | {
            "labels": merged_labels(labels, self.labels or {}),
            "contacts": people(self.contacts or {}, contacts),
        }


@dataclass(frozen=True, slots=True)
class Renewal:
    """`POST /connections/{connection}/authorizations`."""

    scopes: Sequence[str] | None = None
    identity_provider: IdentityProvider = "microsoft"
    allow_account_change: bool = False
    send_link: bool = False


@dataclass(frozen=True, slots=True)
class Refresh:
    """`POST /connections/{connection}/refresh`."""

    client_authentication: CredentialKind | None = None
    """The kind of credential to try alone; None: as usual."""


@dataclass(frozen=True, slots=True)
class Import:
    """`PUT /connections/{connection}/refresh-token`."""

    refresh_token: Secret


NEEDED = {Creation: ("connection", "service"), Import: ("refresh_token",)}
"""Fields that a body cannot do without."""
_EMPTY = {
    "display_name": "",
    "purpose": "",
    "grants": (),
    "parameters": dict.fromkeys(PARAMETERS),
    "suspended": False,
}
"""What null in a merge patch stands for."""


@dataclass(frozen=True, slots=True)
class Listing:
    """`GET /connections`."""

    status: Status | None
    limit: int
    after: tuple[str, str] | None


def listing(query: Mapping[str, Sequence[str]]) -> Listing:
    """The query of a listing."""
    if query.keys() - {"status", "limit", "cursor"} or any(len(v) != 1 for v in query.values()):
        raise Problem("invalid_request", "The query may hold status, limit and cursor, each once.")
    one = {name: values[0] for name, values in query.items()}
    status, limit = one.get("status"), one.get("limit", "50")
    if status is not None and status not in {*Status}:
        raise Problem("invalid_request", f"status: must be one of {', '.join(Status)}.")
    if not re.fullmatch("[0-9]{1,3}", limit) or not 1 <= int(limit) <= MAX_PAGE:
        raise Problem("invalid_request", f"limit: 1 to {MAX_PAGE}.")
    cursor = one.get("cursor")
    after = None if cursor is None else representation.position(cursor)
    return Listing(Status(status) if status else None, int(limit), after)


def names(kind: type) -> tuple[str, ...]:
    """The fields of a body, each described in `FIELDS`."""
    return tuple(part.name for part in fields(kind) if part.name in FIELDS)


def merged_labels(before: Mapping[str, str], patch: Mapping[str, str | None]) -> dict[str, str]:
    """The labels after a merge patch."""
    merged = {**before, **patch}
    kept = {name: text for name, text in merged.items() if text is not None}
    if len(kept) > MAX_LABELS:
        raise wrong("labels", f"at most {MAX_LABELS}.")
    return kept


def creation(data: object) -> Creation:
    """The wish for a new connection."""
    given = _read(data, Creation)
    given["labels"] = merged_labels({}, given.get("labels", {}))
    given["contacts"] = people(given.get("contacts", {}), {})
    wish = Creation(**given)
    if wish.account.subject and wish.identity_provider == "microsoft":
        raise wrong("account.subject", "is Google's; name Microsoft's accounts by object_id.")
    if wish.send_link:
        reachable(wish.contacts)
    return wish


def change(data: object) -> Change:
    """The wish for a change."""
    sent = members(data, "body", names(Change))
    nulls = {name for name, value in sent.items() if value is None}
    empty = {name: _EMPTY[name] for name in nulls & _EMPTY.keys()}
    maps = frozenset(nulls & {"labels", "contacts"})
    return Change(**_read(data, Change) | empty, emptied=maps)


def renewal(data: object) -> Renewal:
    """The wish for a new link."""
    return Renewal(**_read(data, Renewal))


def refresh(data: object) -> Refresh:
    """How to redeem."""
    return Refresh(**_read(data, Refresh))


def refresh_token(data: object) -> Secret:
    """A refresh token that is handed in."""
    return Import(**_read(data, Import)).refresh_token


def reachable(contacts: Mapping[str, Contact]) -> None:
    """Raises if a link is to be mailed and nobody knows where to."""
    if "owner" not in contacts:
        raise wrong("send_link", "needs contacts.owner.")


def _read(data: object, kind: type) -> dict[str, Any]:
    """The fields that are there and not null."""
    sent = members(data, "body", names(kind), NEEDED.get(kind, ()))
    return {name: FIELDS[name].read(value) for name, value in sent.items() if value is not None}
