"""Consent: which page a signed-in person sees, what accepting grants, and the code.

https://learn.microsoft.com/entra/identity-platform/application-consent-experience
"""

from __future__ import annotations

import base64
import json
import secrets
import uuid

from ..world import World
from .answers import Answer, Page, leave
from .directory import User
from .errors import Refusal
from .scopes import GRAPH, OIDC, Permission
from .store import EVERYONE, Code, Visit, digest

_LEGACY = {"https://ads.microsoft.com/msads.manage": "https://ads.microsoft.com/ads.manage"}


def page(world: World, visit: Visit, user: User) -> Page | None:
    """The page to show, or None when nothing is left to ask. Raises Refusal."""
    _service(visit, user)
    if "consent" in user.troubles:
        raise Refusal(user.troubles["consent"])
    missing = _missing(world, visit, user)
    if not missing and visit.prompt != "consent":
        return None
    tenant = user.tenant
    restricted = tenant.user_consent == "restricted" or any(p.admin_only for p in missing)
    if tenant.personal or user.admin or not restricted or not missing:
        return Page("consent", visit)
    if tenant.workflow:
        return Page("approval", visit, number=90095)
    return Page("need_admin", visit, number=90094)


def admin_page(visit: Visit, user: User) -> Page:
    """The page of the admin-consent endpoint. Raises Refusal: 90093 for all but administrators."""
    if user.tenant.personal:
        raise Refusal(500208)
    if not user.admin:
        return Page("need_admin", visit, number=90093)
    _service(visit, user)
    return Page("admin_consent", visit)


def accept(world: World, visit: Visit, user: User, who: str) -> None:
    """Grant what was asked. A legacy user's consent yields ads.manage only."""
    scopes = {scope for permission in visit.asked.permissions for scope in permission.full}
    if user.legacy:
        scopes = {_LEGACY.get(scope, scope) for scope in scopes}
    oidc = OIDC if who == EVERYONE else visit.asked.oidc  # an administrator's covers signing in
    scopes |= {f"{GRAPH}/{name}" for name in oidc}
    world.store.consent(visit.client.client_id, user.tenant, who, scopes)
    if who != EVERYONE:
        return
    for request in world.store.requests:
        if (request.client_id, request.tenant) == (visit.client.client_id, user.tenant):
            request.status = "approved"


def code(world: World, visit: Visit, user: User) -> Answer:
    """The redirect with a fresh authorization code."""
    prefix = "M.C549_SN1.2.U." if user.tenant.personal else "1.AX"
    value = prefix + secrets.token_urlsafe(72)
    world.store.codes[digest(value)] = Code(visit, user, world.clock.now())
    params = {"code": value}
    if visit.client_info:
        params["client_info"] = client_info(user)
    answer = leave(world, visit, params)
    answer.params["session_state"] = str(uuid.uuid4())
    return answer


def client_info(user: User) -> str:
    """base64url JSON `{uid, utid}`, which MSAL asks for."""
    raw = json.dumps({"uid": user.id, "utid": user.tenant.id}).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _service(visit: Visit, user: User) -> None:
    if visit.client.client_id in user.tenant.blocked_clients:
        raise Refusal(7000112)
    if any(resource in user.tenant.missing_services for resource in visit.asked.resources):
        raise Refusal(650052)


def _missing(world: World, visit: Visit, user: User) -> list[Permission]:
    have = world.store.consented(visit.client.client_id, user)
    oidc = tuple(Permission(GRAPH, (name,), name) for name in visit.asked.oidc)
    return [p for p in visit.asked.permissions + oidc if not p.full <= have]
