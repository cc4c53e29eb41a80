"""Who and what exists at Google: accounts, Workspaces, clients. Seeded from `accounts.json`."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DEFAULT_PROJECT = "token-broker"

POLICIES = {"allow": None, "block": "admin_policy_enforced", "education": "access_not_configured"}
"""What a Workspace's administrator set for this application → the page its members see."""


@dataclass(slots=True)
class Account:
    """`troubles`: an answer by stage: ``sign_in``, ``code``, ``refresh``. `access_seconds`: the
    person gives access for so long only. `advertising`: a user of Microsoft Advertising who signs
    in with Google."""

    email: str
    name: str
    sub: str
    note: str = ""
    email_verified: bool = True
    enabled: bool = True
    troubles: dict[str, str] = field(default_factory=dict)
    access_seconds: int | None = None
    advertising: dict[str, Any] | None = None


@dataclass(slots=True)
class Secret:
    """One of a client's secrets; a disabled one can be enabled again."""

    value: str = field(repr=False)
    enabled: bool = True


@dataclass(slots=True)
class Client:
    """An OAuth client of a Cloud project. `state`: ``ok``, ``deleted`` or ``disabled``;
    `internal`: the Workspace domain it is restricted to."""

    client_id: str
    name: str = "Token Broker"
    project: str = DEFAULT_PROJECT
    secrets: list[Secret] = field(default_factory=list)
    redirect_uris: list[str] = field(default_factory=list)
    state: str = "ok"
    internal: str | None = None


@dataclass(slots=True)
class Directory:
    """Everything seeded."""

    accounts: dict[str, Account] = field(default_factory=dict)
    workspaces: dict[str, str] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)

    def account(self, key: str) -> Account | None:
        """By e-mail address or `sub`."""
        return self.accounts.get(key.lower()) or next(
            (account for account in self.accounts.values() if account.sub == key), None
        )

    def add(self, fields: dict[str, Any]) -> Account:
        """A new account; its `sub` follows from the address."""
        email = str(fields["email"]).lower()
        number = int(hashlib.sha256(email.encode()).hexdigest(), 16) % 10**20
        account = Account(**{"sub": f"1{number:020}", **fields, "email": email})
        self.accounts[email] = account
        return account

    def domain(self, account: Account) -> str | None:
        """The Workspace an account belongs to; None for a consumer's."""
        domain = account.email.partition("@")[2]
        return domain if domain in self.workspaces else None


def load() -> Directory:
    """A fresh directory from the seed."""
    raw = json.loads(Path(__file__).with_name("accounts.json").read_text(encoding="utf-8"))
    directory = Directory()
    for entry in raw["workspaces"]:
        directory.workspaces[entry["domain"]] = entry.get("policy", "allow")
    for entry in raw["accounts"]:
        directory.add(entry)
    return directory
