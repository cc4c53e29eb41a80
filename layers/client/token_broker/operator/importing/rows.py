"""One row of an import: a connection as it should be, and its refresh token. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from token_broker.operator.shapes import Grant, Wish
from token_broker.operator.words import PARAMETERS, grant, pairs

LABEL = "import"
"""The label that holds a row's digest, so that a repeated run knows what it has done."""

ACCOUNT = ("username", "object_id", "tenant_id")
FIELDS = frozenset(
    {
        *("connection", "service", "refresh_token", "client_id", "resource", "tenant", "scopes"),
        *("account", *ACCOUNT, "grants", "labels", "parameters", *PARAMETERS),
    }
)

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_JWT = re.compile(r"eyJ[\w-]+\.eyJ[\w-]+\.[\w-]*")
_VISIBLE = re.compile(r"[\x21-\x7e]{1,16384}")

LINK = "Have the owner consent instead: token-broker connect."


@dataclass(frozen=True, slots=True)
class Defaults:
    """What the command line says for rows that do not. `client_id`: the broker's own, if known."""

    service: str = "microsoft-advertising"
    tenant: str | None = None
    grants: tuple[Grant, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    client_id: str | None = None
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """`source`: where it stands, for people."""

    source: str
    wish: Wish
    refresh_token: str = field(repr=False)

    @property
    def connection(self) -> str:
        """The connection's name."""
        return self.wish["connection"]

    @property
    def digest(self) -> str:
        """SHA-256 of the row without its token: nothing that comes from a secret is shown."""
        return hashlib.sha256(json.dumps(self.wish, sort_keys=True).encode()).hexdigest()


class BadRow(Exception):  # noqa: N818 (a row, and the reason)
    """A row that is not even tried. `detail` never holds a value of the row."""

    def __init__(self, source: str, detail: str, connection: str = "", **more: str) -> None:
        self.source, self.detail, self.connection = source, detail, connection
        self.code = more.get("code", "invalid_request")
        self.remedy = more.get("remedy", "Correct the row, and run the import again.")
        super().__init__(detail)


def row(source: str, given: Mapping[str, Any], defaults: Defaults, strict: bool = True) -> Row:
    """The row of a dictionary. Raises BadRow. `strict`: unknown fields are refused."""
    fields = {str(name): value for name, value in given.items() if value not in (None, "", [], {})}
    name = defaults.prefix + str(fields.get("connection", ""))
    if not _SLUG.fullmatch(name):
        raise BadRow(source, "connection: 1 to 63 of a-z, 0-9 and '-'.")
    if strict and (unknown := fields.keys() - FIELDS):
        raise BadRow(source, f"{len(unknown)} unknown field(s).", name)
    _foreign(source, name, fields.get("client_id"), defaults)
    token = _token(source, name, fields.get("refresh_token"))
    try:
        return Row(source, _wish(name, fields, defaults), token)
    except (ValueError, TypeError, AttributeError):
        detail = "scopes, account, grants, labels or parameters: not of their form."
        raise BadRow(source, detail, name) from None


def _foreign(source: str, name: str, client_id: object, defaults: Defaults) -> None:
    if client_id and defaults.client_id and client_id != defaults.client_id:
        raise BadRow(
            source,
            "The token was issued to another client id than the broker's.",
            name,
            code="refresh_token_refused",
            remedy=LINK,
        )


def _token(source: str, name: str, found: object) -> str:
    if not isinstance(found, str) or not _VISIBLE.fullmatch(found):
        raise BadRow(source, "refresh_token: 1 to 16384 visible ASCII characters.", name)
    if _JWT.fullmatch(found):
        raise BadRow(
            source,
            "It holds an access or ID token (a JWT), not a refresh token.",
            name,
            code="refresh_token_refused",
            remedy=LINK,
        )
    return found


def _wish(name: str, fields: Mapping[str, Any], defaults: Defaults) -> Wish:
    """The connection, as POST /connections takes it."""
    account = dict(fields.get("account") or {}) | _some(fields, ACCOUNT)
    parameters = dict(fields.get("parameters") or {}) | _some(fields, PARAMETERS)
    found: dict[str, Any] = {
        "connection": name,
        "service": str(fields.get("service") or defaults.service),
        "resource": fields.get("resource"),
        "tenant": fields.get("tenant") or defaults.tenant,
        "scopes": _words(fields.get("scopes")),
        "account": account,
        "grants": _grants(fields.get("grants")) or [*defaults.grants],
        "labels": {**defaults.labels, **_labels(fields.get("labels"))},
        "parameters": {name: str(value) for name, value in parameters.items()},
    }
    wish: Wish = {key: value for key, value in found.items() if value}  # type: ignore[assignment]
    return wish


def _some(fields: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: fields[name] for name in names if name in fields}


def _words(value: Any) -> list[str]:
    return value.split() if isinstance(value, str) else [str(word) for word in value or ()]


def _grants(value: Any) -> list[Grant]:
    if isinstance(value, str):
        return [grant(text) for text in value.replace(";", " ").split()]
    return [grant(one) if isinstance(one, str) else one for one in value or ()]


def _labels(value: Any) -> dict[str, str]:
    if isinstance(value, str):
        return pairs(text.strip() for text in value.split(";") if text.strip())
    return {str(name): str(text) for name, text in (value or {}).items()}
