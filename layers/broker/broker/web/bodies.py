"""What operators send: JSON bodies and queries, checked field by field. Pure.

Every function raises `invalid_request` with the field's name; unknown fields are refused, so that
a misspelt one is not silently without effect.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from broker.domain import grants, names
from broker.domain.connection import Expected, Status
from broker.domain.credentials import CredentialKind
from broker.domain.grants import Grant
from broker.domain.names import Name
from broker.domain.problems import Problem
from broker.domain.secret import Secret
from broker.sealing.envelope import PARAMETERS
from broker.services import catalogue
from broker.web import representation

MAX_LABELS = 50
MAX_PAGE = 100
"""What BatchGetItem takes at once."""
MAX_REFRESH_TOKEN = 16_384
_REFRESH_TOKEN = re.compile(rf"[\x21-\x7e]{{1,{MAX_REFRESH_TOKEN}}}")

_PARAMETER = {
    "developer_token": re.compile(r"[\x21-\x7e]{1,256}"),
    "customer_id": re.compile(r"[0-9]{1,20}"),
    "account_id": re.compile(r"[0-9]{1,20}"),
}
_LABEL_NAME = re.compile(r"[\w.:/=+@-]{1,128}")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters, and halves of characters: JSON can write them, UTF-8 cannot."""


@dataclass(frozen=True, slots=True)
class Creation:
    """`POST /connections`."""

    connection: Name
    service: catalogue.Service
    resource: str | None = None
    tenant: str | None = None
    scopes: Sequence[str] | None = None
    account: Expected = field(default_factory=Expected)
    grants: tuple[Grant, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Secret | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """`PATCH /connections/{connection}`: None is "unchanged", inside the maps it is "remove"."""

    grants: tuple[Grant, ...] | None = None
    labels: Mapping[str, str | None] | None = None
    drop_labels: bool = False
    parameters: Mapping[str, Secret | None] = field(default_factory=dict)
    suspended: bool | None = None
    version: int | None = None

    def merged_labels(self, before: Mapping[str, str]) -> dict[str, str]:
        """The labels after the change."""
        merged = {**({} if self.drop_labels else before), **(self.labels or {})}
        found = {name: text for name, text in merged.items() if text is not None}
        if len(found) > MAX_LABELS:
            raise Problem("invalid_request", f"labels: at most {MAX_LABELS}.")
        return found


@dataclass(frozen=True, slots=True)
class Renewal:
    """`POST /connections/{connection}/authorizations`."""

    scopes: Sequence[str] | None = None
    allow_account_change: bool = False


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


def creation(data: object) -> Creation:
    """The wish for a new connection."""
    known = {*Creation.__dataclass_fields__}
    fields = _object(data, "body", known, {"connection", "service"})
    tenant = fields.get("tenant")
    return Creation(
        connection=names.slug(fields["connection"]),
        service=catalogue.find(fields["service"]),
        resource=_optional(fields, "resource", str),
        tenant=None if tenant is None else names.tenant(tenant),
        scopes=_optional(fields, "scopes", list),
        account=_account(fields.get("account")),
        grants=() if fields.get("grants") is None else grants.parse(fields["grants"]),
        labels={k: v for k, v in _labels(fields.get("labels")).items() if v is not None},
        parameters=_parameters(fields.get("parameters")),
    )


def change(data: object) -> Change:
    """The wish for a change."""
    fields = _object(data, "body", {"grants", "labels", "parameters", "suspended", "version"})
    wiped = {name for name in ("grants", "labels", "parameters") if fields.get(name, 0) is None}
    suspended = _optional(fields, "suspended", bool)
    version = fields.get("version")
    if version is not None and (isinstance(version, bool) or not isinstance(version, int)):
        raise Problem("invalid_request", "version: must be a whole number.")
    listed = () if "grants" in wiped else None
    return Change(
        grants=grants.parse(fields["grants"]) if fields.get("grants") is not None else listed,
        labels=_labels(fields.get("labels")),
        drop_labels="labels" in wiped,
        parameters=dict.fromkeys(PARAMETERS)
        if "parameters" in wiped
        else _parameters(fields.get("parameters")),
        suspended=False if "suspended" in fields and suspended is None else suspended,
        version=version,
    )


def renewal(data: object) -> Renewal:
    """The wish for a new link."""
    fields = _object(data, "body", {"scopes", "allow_account_change"})
    return Renewal(
        scopes=_optional(fields, "scopes", list),
        allow_account_change=_optional(fields, "allow_account_change", bool) or False,
    )


def client_authentication(data: object) -> CredentialKind | None:
    """The kind of credential that a redemption is to be tried with; None: as usual."""
    text = _object(data, "body", {"client_authentication"}).get("client_authentication")
    if text is None:
        return None
    if text not in list(CredentialKind):
        known = ", ".join(CredentialKind)
        raise Problem("invalid_request", f"client_authentication: must be one of {known}.")
    return CredentialKind(text)


def refresh_token(data: object) -> Secret:
    """A refresh token that is handed in."""
    text = _object(data, "body", {"refresh_token"}, {"refresh_token"})["refresh_token"]
    if not isinstance(text, str) or not _REFRESH_TOKEN.fullmatch(text):
        raise Problem(
            "invalid_request",
            f"refresh_token: 1 to {MAX_REFRESH_TOKEN} visible ASCII characters.",
        )
    return Secret(text)


def _object(
    data: object, name: str, known: set[str], needed: set[str] | None = None
) -> dict[str, Any]:
    """A JSON object with known fields only. Unknown names are counted, not echoed."""
    if not isinstance(data, dict):
        raise Problem("invalid_request", f"{name}: must be a JSON object.")
    if extra := data.keys() - known:
        raise Problem(
            "invalid_request",
            f"{name}: {len(extra)} unknown field(s); known are {', '.join(sorted(known))}.",
        )
    for field_name in sorted(needed or ()):
        if data.get(field_name) is None:
            raise Problem("invalid_request", f"{field_name}: is needed.")
    return data


def _optional(fields: Mapping[str, Any], name: str, kind: type) -> Any:
    found = fields.get(name)
    if found is not None and not isinstance(found, kind):
        words = {str: "a string", list: "a list", bool: "true or false"}
        raise Problem("invalid_request", f"{name}: must be {words[kind]}.")
    return found


def _account(data: object) -> Expected:
    if data is None:
        return Expected()
    fields = _object(data, "account", {"username", "object_id", "tenant_id"})
    username = _optional(fields, "username", str)
    if username is not None and (not 1 <= len(username) <= 256 or _UNPRINTABLE.search(username)):
        raise Problem("invalid_request", "account.username: 1 to 256 printable characters.")
    object_id, tenant_id = fields.get("object_id"), fields.get("tenant_id")
    return Expected(
        tenant_id=None if tenant_id is None else names.guid(tenant_id, "account.tenant_id"),
        object_id=None if object_id is None else names.guid(object_id, "account.object_id"),
        username=username,
    )


def _labels(data: object) -> dict[str, str | None]:
    if data is None:
        return {}
    if not isinstance(data, dict) or len(data) > MAX_LABELS:
        raise Problem("invalid_request", f"labels: must be an object of at most {MAX_LABELS}.")
    for name, text in data.items():
        if not _LABEL_NAME.fullmatch(name):
            raise Problem("invalid_request", "labels: a name has 1 to 128 of letters and _.:/=+@-.")
        if text is not None and (
            not isinstance(text, str) or len(text) > 256 or _UNPRINTABLE.search(text)
        ):
            raise Problem(
                "invalid_request", "labels: a value has at most 256 printable characters."
            )
    return data


def _parameters(data: object) -> dict[str, Secret | None]:
    fields = _object({} if data is None else data, "parameters", {*PARAMETERS})
    found: dict[str, Secret | None] = {}
    for name, text in fields.items():
        if isinstance(text, int) and not isinstance(text, bool):
            text = str(text)  # noqa: PLW2901 (ids are numbers in Microsoft's own pages)
        if text is not None and not (isinstance(text, str) and _PARAMETER[name].fullmatch(text)):
            raise Problem("invalid_request", f"parameters.{name}: is not of its form.")
        found[name] = None if text is None else Secret(text)
    return found
