"""What each function needs to know, read once from its environment; a missing name fails the cold
start. The template sets the names, `tests/template` holds both together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar, get_type_hints

from broker.domain.credentials import CredentialKind, preference
from broker.domain.names import secure

T = TypeVar("T")

OPTIONAL = frozenset({"PUBLIC_BASE_URL", "ADVERTISING_URL", "GRAPH_URL"})
"""URLs that may be empty: API Gateway's own, and those of the service catalogue."""


@dataclass(frozen=True, slots=True)
class Token:
    """The function `token`."""

    stack_name: str
    connections_table: str
    connections_key: str
    refresh_function: str


@dataclass(frozen=True, slots=True)
class Rotate:
    """The function `rotate`."""

    stack_name: str
    vault_table: str
    queue_url: str
    queue_concurrency: int
    rotation_minutes: int


@dataclass(frozen=True, slots=True)
class Authorize:
    """The function `authorize`."""

    stack_name: str
    connections_table: str
    authorizations_table: str
    client_id: str
    identity_platform_url: str
    public_base_url: str
    organization_name: str
    support_contact: str


@dataclass(frozen=True, slots=True)
class Connections:
    """The function `connections`."""

    stack_name: str
    connections_table: str
    vault_table: str
    authorizations_table: str
    connections_key: str
    vault_key: str
    refresh_function: str
    event_bus: str
    client_id: str
    identity_platform_url: str
    allowed_tenants: tuple[str, ...]
    public_base_url: str
    link_days: int


@dataclass(frozen=True, slots=True)
class Refresh:
    """The function `refresh`."""

    stack_name: str
    connections_table: str
    vault_table: str
    authorizations_table: str
    connections_key: str
    vault_key: str
    client_authentication: tuple[CredentialKind, ...]
    client_secret: str
    """ARN of the secret; empty unless `secret` is listed."""
    client_key: str
    """ARN of the certificate's KMS key; empty unless `certificate` is listed."""
    client_certificate: str
    """Name of the certificate's parameter; empty unless `certificate` is listed."""
    event_bus: str
    client_id: str
    identity_platform_url: str
    allowed_tenants: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Callback(Refresh):
    """The function `callback`."""

    queue_url: str
    refresh_function: str
    verify_function: str
    public_base_url: str
    organization_name: str
    support_contact: str


@dataclass(frozen=True, slots=True)
class Notify:
    """The function `notify`. An empty `mail_from` sends no mail."""

    stack_name: str
    connections_table: str
    authorizations_table: str
    event_bus: str
    notify_secret: str
    mail_from: str
    public_base_url: str
    link_days: int
    organization_name: str
    support_contact: str


@dataclass(frozen=True, slots=True)
class Verify:
    """The function `verify`. An empty URL leaves the catalogue's."""

    stack_name: str
    connections_table: str
    connections_key: str
    refresh_function: str
    advertising_url: str
    graph_url: str


def parse(kind: type[T], environment: Mapping[str, str]) -> T:
    """The settings; RuntimeError names what is missing or wrong, never a value."""
    hints = get_type_hints(kind)
    found: dict[str, Any] = {}
    for field in fields(kind):  # type: ignore[arg-type]
        name = field.name.upper()
        if name not in environment:
            raise RuntimeError(f"The environment lacks {name}.")
        found[field.name] = _read(name, environment[name], hints[field.name])
    return kind(**found)


def _read(name: str, text: str, hint: Any) -> Any:
    if hint is int:
        if not (text.isascii() and text.isdigit()):
            raise RuntimeError(f"{name} must be a whole number.")
        return int(text)
    if name == "CLIENT_AUTHENTICATION":
        return _preference(name, text)
    if hint is not str:
        return tuple(item.strip().lower() for item in text.split(",") if item.strip())
    if name.endswith("_URL") and not (secure(text) or (not text and name in OPTIONAL)):
        raise RuntimeError(f"{name} must be https, or http on localhost.")
    return text.rstrip("/") if name.endswith("_URL") else text


def _preference(name: str, text: str) -> tuple[CredentialKind, ...]:
    try:
        return preference(text)
    except ValueError as error:
        raise RuntimeError(f"{name} {error}.") from None
