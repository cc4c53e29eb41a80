"""What the control API does to users and tenants. Call under the world's lock."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ..world import World
from . import issue
from .directory import Tenant, User
from .redeem import Redeemed
from .scopes import GRAPH, OIDC
from .store import EVERYONE, Request

Body = dict[str, Any]
_USER_FIELDS = (
    "name", "note", "admin", "enabled", "assigned", "mfa_required", "legacy", "troubles",
    "advertising",
)  # fmt: skip
_TENANT_FIELDS = ("user_consent", "workflow", "missing_services", "blocked_clients")


def show_user(user: User) -> Body:
    """A user, with the tenant's id and domain."""
    return {
        "username": user.username,
        "object_id": user.id,
        "tenant_id": user.tenant.id,
        "domain": user.tenant.domain,
        "personal": user.tenant.personal,
        **{name: getattr(user, name) for name in _USER_FIELDS},
    }


def show_request(request: Request) -> Body:
    """A request for approval."""
    return {
        "client_id": request.client_id,
        "tenant_id": request.tenant.id,
        "user": request.user.username,
        "scopes": [p.asked for p in request.permissions],
        "reason": request.reason,
        "status": request.status,
    }


def add_user(world: World, body: Body) -> Body:
    """A new user in the tenant of the username's domain."""
    return show_user(world.directory.add(body))


def patch_user(world: World, name: str, body: Body) -> Body:
    """Change fields of `_USER_FIELDS`; `troubles` is replaced whole."""
    user = _user(world, name)
    patch(user, body, _USER_FIELDS)
    return show_user(user)


def user_operation(world: World, name: str, operation: str, body: Body) -> Body:
    """revoke {number?}, disable, enable, withdraw-consent, require-mfa, delete."""
    user = _user(world, name)
    if operation == "revoke":  # 50173; or 70008, 700082, 50132, ... by `number`
        user.tokens_valid_from = world.clock.now()
        user.revocation = int(body.get("number", 50173))
    elif operation in ("disable", "enable"):
        user.enabled = operation == "enable"
    elif operation == "withdraw-consent":
        world.store.withdraw(user)
    elif operation == "require-mfa":
        user.mfa_required = bool(body.get("required", True))
    elif operation == "delete":
        del world.directory.users[user.username]
    else:
        raise ValueError(f"no such operation: {operation}")
    return show_user(user)


def patch_tenant(world: World, name: str, body: Body) -> Body:
    """Change consent policy, workflow, missing services, blocked clients."""
    tenant = _tenant(world, name)
    if body.get("user_consent", "allowed") not in ("allowed", "restricted"):
        raise ValueError("user_consent is allowed or restricted")
    patch(tenant, body, _TENANT_FIELDS)
    return asdict(tenant)


def decide(world: World, name: str, decision: str, body: Body) -> Body:
    """approve, deny or block the pending requests of a tenant, all or those of one client."""
    tenant = _tenant(world, name)
    outcome = {"approve": "approved", "deny": "denied", "block": "blocked"}.get(decision)
    if outcome is None:
        raise ValueError("decide approve, deny or block")
    wanted = body.get("client_id")
    pending = [
        r
        for r in world.store.requests
        if r.tenant is tenant and r.status == "pending" and wanted in (None, r.client_id)
    ]
    for request in pending:
        request.status = outcome
        if outcome == "approved":
            scopes = {scope for p in request.permissions for scope in p.full}
            scopes |= {f"{GRAPH}/{name}" for name in OIDC}
            world.store.consent(request.client_id, tenant, EVERYONE, scopes)
        if outcome == "blocked" and request.client_id not in tenant.blocked_clients:
            tenant.blocked_clients.append(request.client_id)
    return {"decided": [show_request(request) for request in pending]}


def mint(world: World, body: Body) -> Body:
    """Consent and a token answer without any page: a grant made elsewhere, to import."""
    user = _user(world, str(body["user"]))
    client_id = body.get("client_id") or world.registration.client_id
    asked = world.parse(str(body["scope"]))
    scopes = {scope for p in asked.permissions for scope in p.full}
    scopes |= {f"{GRAPH}/{name}" for name in asked.oidc}
    world.store.consent(client_id, user.tenant, user.id, scopes)
    client = world.directory.clients[client_id]
    resource = asked.resources[0]
    grant = Redeemed(client, user, asked.only(resource), resource, asked.oidc, mfa=True)
    return issue.answer(world, grant, with_client_info=False, forged=None)


def patch(target: object, body: Body, allowed: tuple[str, ...]) -> None:
    """Set the fields given. Raises ValueError on one that is not allowed."""
    unknown = set(body) - set(allowed)
    if unknown:
        raise ValueError(f"unknown fields: {', '.join(sorted(unknown))}")
    for name, value in body.items():
        setattr(target, name, value)


def _user(world: World, name: str) -> User:
    user = world.directory.user(name)
    if user is None:
        raise ValueError(f"no such user: {name}")
    return user


def _tenant(world: World, name: str) -> Tenant:
    tenant = world.directory.tenant(name)
    if tenant is None:
        raise ValueError(f"no such tenant: {name}")
    return tenant
