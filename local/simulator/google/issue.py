"""Google's token answers and ID tokens.

https://developers.google.com/identity/openid-connect/reference
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import Any

from ..entra.store import digest
from ..world import World
from .scopes import answered
from .state import AccessToken, Grant, RefreshToken

ID_TOKEN_SECONDS = 3600


def access(world: World, grant: Grant) -> dict[str, Any]:
    """What every success holds."""
    google, now = world.google, world.clock.now()
    value = "ya29.a0" + secrets.token_urlsafe(160)
    lifetime = google.settings.expires_in
    google.access_tokens[digest(value)] = AccessToken(grant, now + lifetime)
    return {
        "access_token": value,
        "expires_in": lifetime,
        "scope": answered(grant.scopes),
        "token_type": "Bearer",
    }


def refresh(world: World, grant: Grant) -> dict[str, Any]:
    """A new refresh token, and its end where the person gave access for a time only."""
    now = world.clock.now()
    value = "1//0g" + secrets.token_urlsafe(72)
    seconds = grant.account.access_seconds
    ends_at = None if seconds is None else now + seconds
    world.google.keep(digest(value), RefreshToken(grant, now, now, ends_at))
    fields: dict[str, Any] = {"refresh_token": value}
    return fields if seconds is None else fields | {"refresh_token_expires_in": seconds}


def identity(
    world: World, grant: Grant, access_token: str, forged: dict[str, Any] | None
) -> dict[str, Any]:
    """An ID token if `openid` was granted. `forged`: an ``id_token`` fault's claims, signature."""
    if "openid" not in grant.scopes:
        return {}
    google, account, now = world.google, grant.account, int(world.clock.now())
    bare = google.settings.issuer == "bare"
    half = hashlib.sha256(access_token.encode()).digest()[:16]
    claims: dict[str, Any] = {
        "iss": google.base_url.partition("://")[2] if bare else google.base_url,
        "azp": grant.client.client_id,
        "aud": grant.client.client_id,
        "sub": account.sub,
        "at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode(),
        "iat": now,
        "exp": now + ID_TOKEN_SECONDS,
        "hd": google.directory.domain(account),
        "nonce": grant.nonce,
    }
    if "email" in grant.scopes:
        claims |= {"email": account.email, "email_verified": account.email_verified}
    if "profile" in grant.scopes:
        claims |= {"name": account.name, "given_name": account.name.split()[0]}
    given = forged or {}
    claims |= given.get("claims", {})
    claims = {name: value for name, value in claims.items() if value is not None}
    key = google.keys[0]
    signer = google.foreign if given.get("signature") == "foreign" else key
    return {"id_token": signer.sign(claims, key.id)}
