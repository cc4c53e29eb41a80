"""The control API of the simulated Google, under `/_control/google/`.

GET   /accounts, /clients, /settings, /tokens
POST  /accounts  {email, ...}            PATCH /accounts/{email}
POST  /accounts/{email}/{revoke|withdraw|disable|enable|delete}   {project?}
POST  /clients   {client_id, secrets, redirect_uris, project, state, internal, name}
PATCH /settings  {expires_in, issuer, redirect_issuer, ...}
PATCH /workspaces/{domain}  {policy: allow | block | education}
POST  /refresh-tokens  {user, client_id?}   a grant made elsewhere, to import
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, fields
from typing import Any

from flask import Blueprint, Response, jsonify, request

from ..world import World
from . import issue
from .accounts import DEFAULT_PROJECT, POLICIES, Account, Client, Secret
from .state import Grant, Settings

Body = dict[str, Any]

_ACCOUNT_FIELDS = (
    "name", "note", "email_verified", "enabled", "troubles", "access_seconds", "advertising",
)  # fmt: skip
_CLIENT_FIELDS = ("name", "project", "redirect_uris", "state", "internal")


def routes(control: Blueprint, world: World) -> None:
    """Add them."""
    operations: list[tuple[str, str, Callable[..., Any]]] = [
        ("GET", "accounts", _accounts),
        ("POST", "accounts", _add),
        ("PATCH", "accounts/<email>", _change),
        ("POST", "accounts/<email>/<operation>", _act),
        ("GET", "clients", _clients),
        ("POST", "clients", _put_client),
        ("GET", "settings", _settings),
        ("PATCH", "settings", _settings),
        ("GET", "tokens", _tokens),
        ("PATCH", "workspaces/<domain>", _workspace),
        ("POST", "refresh-tokens", _mint),
    ]
    for method, path, operation in operations:

        def view(perform: Callable[..., Any] = operation, **names: str) -> Response:
            with world.lock:
                body = request.get_json() if request.data else {}
                return jsonify(perform(world, body, **names))

        control.add_url_rule(f"/google/{path}", f"google_{method}_{path}", view, methods=[method])


def _accounts(world: World, _body: Body) -> list[Body]:
    return [asdict(account) for account in world.google.directory.accounts.values()]


def _add(world: World, body: Body) -> Body:
    return asdict(world.google.directory.add(body))


def _change(world: World, body: Body, email: str) -> Body:
    account = _account(world, email)
    _patch(account, body, _ACCOUNT_FIELDS)
    return asdict(account)


def _act(world: World, body: Body, email: str, operation: str) -> Body:
    """revoke: the tokens die, as at a removal of access; withdraw: the consent goes with them."""
    account, google = _account(world, email), world.google
    if operation in ("revoke", "withdraw"):
        google.withdraw(body.get("project", DEFAULT_PROJECT), account, world.clock.now())
    elif operation in ("disable", "enable"):
        account.enabled = operation == "enable"
    elif operation == "delete":
        del google.directory.accounts[account.email]
    else:
        raise ValueError(f"no such operation: {operation}")
    return asdict(account)


def _clients(world: World, _body: Body) -> list[Body]:
    return [_show(client) for client in world.google.directory.clients.values()]


def _put_client(world: World, body: Body) -> Body:
    """Register or change; `secrets`: at most two, ``[{value, enabled?}]``."""
    clients = world.google.directory.clients
    client = clients.get(body["client_id"]) or Client(str(body["client_id"]))
    given = {k: v for k, v in body.items() if k not in ("client_id", "secrets")}
    if given.get("state", "ok") not in ("ok", "deleted", "disabled"):
        raise ValueError("state is ok, deleted or disabled")
    _patch(client, given, _CLIENT_FIELDS)
    if "secrets" in body:
        if len(body["secrets"]) > 2:
            raise ValueError("a client has at most two secrets")
        client.secrets = [Secret(**entry) for entry in body["secrets"]]
    clients[client.client_id] = client
    return _show(client)


def _settings(world: World, body: Body) -> Body:
    settings = world.google.settings
    _patch(settings, body, tuple(entry.name for entry in fields(Settings)))
    return asdict(settings)


def _tokens(world: World, _body: Body) -> list[Body]:
    """Refresh tokens, oldest first: whose, for which client, alive or since when dead."""
    return [
        {
            "sha256": digest[:12],
            "user": token.grant.account.email,
            "client_id": token.grant.client.client_id,
            "issued_at": token.issued_at,
            "died_at": token.died_at,
        }
        for digest, token in world.google.refresh_tokens.items()
    ]


def _workspace(world: World, body: Body, domain: str) -> Body:
    if body["policy"] not in POLICIES:
        raise ValueError(f"policy is one of {', '.join(POLICIES)}")
    world.google.directory.workspaces[domain] = body["policy"]
    return {"domain": domain, "policy": body["policy"]}


def _mint(world: World, body: Body) -> Body:
    google = world.google
    client_id = body.get("client_id") or next(iter(google.directory.clients))
    account = _account(world, str(body["user"]))
    grant = Grant(google.directory.clients[client_id], account, ("openid", "email", "profile"))
    google.consent(grant.client, account, grant.scopes)
    answer = issue.access(world, grant) | issue.refresh(world, grant)
    return answer | issue.identity(world, grant, answer["access_token"], None)


def _show(client: Client) -> Body:
    return asdict(client) | {"secrets": [secret.enabled for secret in client.secrets]}


def _account(world: World, email: str) -> Account:
    account = world.google.directory.account(email)
    if account is None:
        raise ValueError(f"no such account: {email}")
    return account


def _patch(target: object, body: Body, allowed: tuple[str, ...]) -> None:
    unknown = set(body) - set(allowed)
    if unknown:
        raise ValueError(f"unknown fields: {', '.join(sorted(unknown))}")
    for name, value in body.items():
        setattr(target, name, value)
