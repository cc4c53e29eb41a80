"""Who and what exists: tenants, users, resources, clients. Seeded from `directory.json`."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .registered import ClientCertificate, ClientSecret, FederatedCredential

PERSONAL_TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"
"""The tenant of every personal Microsoft account (MSA)."""


@dataclass(slots=True)
class Tenant:
    """`user_consent`: ``allowed`` or ``restricted``; `workflow`: users may request approval."""

    id: str
    domain: str
    name: str
    personal: bool = False
    user_consent: str = "allowed"
    workflow: bool = False
    missing_services: list[str] = field(default_factory=list)
    blocked_clients: list[str] = field(default_factory=list)


@dataclass(slots=True)
class User:
    """`troubles`: AADSTS number by stage: ``sign_in``, ``consent``, ``code``, ``refresh``."""

    username: str
    name: str
    tenant: Tenant
    id: str
    note: str = ""
    admin: bool = False
    enabled: bool = True
    assigned: bool = True
    mfa_required: bool = False
    legacy: bool = False
    troubles: dict[str, int] = field(default_factory=dict)
    advertising: dict[str, Any] | None = None
    tokens_valid_from: float = 0.0
    revocation: int = 50173


@dataclass(frozen=True, slots=True)
class Resource:
    """An API. `id` may hold ``{host}`` for resources that live on the customer's own host."""

    id: str
    app_id: str
    name: str
    scopes: dict[str, str]
    admin_only: tuple[str, ...] = ()


@dataclass(slots=True)
class Client:
    """An app registration. `audience` is the manifest's `signInAudience`; `looks` counts how often
    its credentials were looked at, for changes that spread."""

    client_id: str
    name: str = "Token Broker"
    audience: str = "AzureADandPersonalMicrosoftAccount"
    redirect_uris: list[str] = field(default_factory=list)
    secrets: list[ClientSecret] = field(default_factory=list)
    certificates: list[ClientCertificate] = field(default_factory=list)
    federated: list[FederatedCredential] = field(default_factory=list)
    public: bool = False
    looks: int = 0


@dataclass(slots=True)
class Directory:
    """Everything seeded. Lookups are case-insensitive, as Microsoft's are."""

    tenants: dict[str, Tenant]
    users: dict[str, User]
    resources: list[Resource]
    advertising: dict[str, Any]
    clients: dict[str, Client] = field(default_factory=dict)

    def tenant(self, key: str) -> Tenant | None:
        """By GUID or domain."""
        key = key.lower()
        return self.tenants.get(key) or next(
            (tenant for tenant in self.tenants.values() if tenant.domain == key), None
        )

    def user(self, key: str) -> User | None:
        """By username or object id."""
        key = key.lower()
        return self.users.get(key) or next(
            (user for user in self.users.values() if user.id == key), None
        )

    def add(self, fields: dict[str, Any]) -> User:
        """A user whose tenant is that of the username's domain; object ids are stable."""
        username = str(fields["username"]).lower()
        tenant = self.tenant(username.partition("@")[2])
        if tenant is None:
            raise ValueError(f"no tenant has the domain of {username}")
        oid = str(uuid.uuid5(uuid.UUID(tenant.id), username))
        if tenant.personal:  # personal object ids show 64 bits of account id only
            oid = f"00000000-0000-0000-{oid[19:]}"
        user = User(**{**fields, "username": username, "tenant": tenant, "id": oid})
        self.users[username] = user
        return user


def load() -> Directory:
    """A fresh directory from the seed."""
    raw = json.loads(Path(__file__).with_name("directory.json").read_text(encoding="utf-8"))
    resources = [
        Resource(**{**entry, "admin_only": tuple(entry.get("admin_only", ()))})
        for entry in raw["resources"]
    ]
    tenants = {entry["id"]: Tenant(**entry) for entry in raw["tenants"]}
    directory = Directory(tenants, {}, resources, raw["advertising"])
    for entry in raw["users"]:
        directory.add(entry)
    return directory
