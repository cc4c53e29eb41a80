"""Token answers: access token, refresh token, ID token, and the scopes they carry."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import uuid
from typing import Any

from ..world import World
from .consent import client_info
from .directory import Client, User
from .errors import Refusal
from .redeem import Redeemed
from .scopes import GRAPH
from .store import AccessToken, RefreshToken, digest

ID_TOKEN_SECONDS = 3600


def answer(
    world: World, grant: Redeemed, *, with_client_info: bool, forged: dict[str, Any] | None
) -> dict[str, Any]:
    """The body of a success. Raises Refusal when the resource was not consented to.

    `forged`: an ``id_token`` fault: claims to override (null removes one), and `signature`.
    """
    granted = _granted(world, grant)
    lifetime = world.settings.expires_in or 3600 + secrets.randbelow(1801)
    body: dict[str, Any] = {
        "token_type": "Bearer",
        "scope": _text(grant, granted),
        "expires_in": lifetime,
        "ext_expires_in": lifetime,
        "access_token": _access(world, grant, granted, lifetime),
    }
    if world.settings.refresh_in is not None:
        body["refresh_in"] = world.settings.refresh_in
    if _wants(grant, "offline_access"):
        body["refresh_token"] = _refresh(world, grant)
    if _wants(grant, "openid"):
        body["id_token"] = _identity(world, grant, forged or {})
    if with_client_info:
        body["client_info"] = client_info(grant.user)
    return body


def _wants(grant: Redeemed, scope: str) -> bool:
    """Work accounts remember the grant's OIDC scopes; personal ones go by each request."""
    if grant.user.tenant.personal:
        return scope in grant.oidc and scope in grant.asked.oidc
    return scope in grant.oidc


def _granted(world: World, grant: Redeemed) -> set[str]:
    """Every consented scope of the resource, whatever subset was asked."""
    if grant.resource in grant.user.tenant.missing_services:
        raise Refusal(650052)
    consented = world.store.consented(grant.client.client_id, grant.user)
    prefix = grant.resource + "/"
    granted = {s for s in consented if s.startswith(prefix) and "/" not in s[len(prefix) :]}
    granted -= {f"{GRAPH}/offline_access"}
    asked = {scope for p in grant.asked.permissions for scope in p.full}
    if not granted or (not asked <= granted and not grant.user.legacy):
        if grant.user.tenant.personal:
            text = "One or more scopes requested are unauthorized or expired."
            raise Refusal(70000, text=text)
        raise Refusal(65001)
    return granted


def _text(grant: Redeemed, granted: set[str]) -> str:
    """Scopes of Graph come back short unless they were asked in full."""
    if grant.resource != GRAPH or any(p.asked.startswith(GRAPH) for p in grant.asked.permissions):
        oidc = {f"{GRAPH}/{name}" for name in ("openid", "profile", "email")}
        return " ".join(sorted(s.removeprefix(GRAPH + "/") if s in oidc else s for s in granted))
    return " ".join(sorted(scope.removeprefix(GRAPH + "/") for scope in granted))


def _access(world: World, grant: Redeemed, granted: set[str], lifetime: int) -> str:
    now = int(world.clock.now())
    if grant.user.tenant.personal:  # opaque, and with characters that must be encoded
        value = "EwB" + base64.b64encode(secrets.token_bytes(300)).decode() + "+/="
    else:
        claims = {"aud": grant.resource, "iss": world.issuer(grant.user.tenant.id), "iat": now}
        claims |= {"exp": now + lifetime, "oid": grant.user.id, "tid": grant.user.tenant.id}
        parts = (_segment({"typ": "JWT", "alg": "RS256"}), _segment(claims))
        value = ".".join((*parts, secrets.token_urlsafe(256)))
    world.store.access_tokens[digest(value)] = AccessToken(
        grant.client.client_id, grant.user, grant.resource, frozenset(granted), now + lifetime
    )
    return value


def _refresh(world: World, grant: Redeemed) -> str:
    value = secrets.token_urlsafe(300)
    value = f"M.C549_SN1.0.U.-{value}!*$$" if grant.user.tenant.personal else f"1.AX{value}"
    now = world.clock.now()
    world.store.refresh_tokens[digest(value)] = RefreshToken(
        grant.client.client_id, grant.user, grant.oidc, grant.mfa, now, now
    )
    return value


def _identity(world: World, grant: Redeemed, forged: dict[str, Any]) -> str:
    now = int(world.clock.now())
    user, client = grant.user, grant.client
    claims: dict[str, Any] = {
        "aud": client.client_id,
        "iss": world.issuer(user.tenant.id),
        "iat": now,
        "nbf": now,
        "exp": now + ID_TOKEN_SECONDS,
        "name": user.name,
        "oid": user.id,
        "preferred_username": user.username,
        "sub": _pairwise(user, client),
        "tid": user.tenant.id,
        "uti": uuid.uuid4().hex,
        "ver": "2.0",
    }
    if "email" in grant.oidc:
        claims["email"] = user.username
    if grant.nonce is not None:
        claims["nonce"] = grant.nonce
    claims |= forged.get("claims", {})
    claims = {name: value for name, value in claims.items() if value is not None}
    return world.keys.sign(claims, str(forged.get("signature", "own")))


def _pairwise(user: User, client: Client) -> str:
    seed = f"{user.id}:{client.client_id}".encode()
    return base64.urlsafe_b64encode(hashlib.sha256(seed).digest()).rstrip(b"=").decode()


def _segment(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
