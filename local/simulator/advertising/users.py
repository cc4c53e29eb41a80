"""Who calls: a token of either provider, and the Microsoft Advertising user behind it.

A person is an Advertising user by address *and* type of identity: a token of another type for the
same address is fault 126, which names the type that is required.
https://learn.microsoft.com/advertising/guides/authentication-oauth
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from werkzeug.datastructures import Headers

from ..entra.store import AccessToken, digest
from ..google.state import AccessToken as GoogleToken
from ..world import World
from .faults import Fail

SCOPES = {
    "production": "https://ads.microsoft.com/msads.manage",
    "sandbox": "https://si.ads.microsoft.com/msads.manage",
}

_REQUIRED = {
    "google": "GoogleAccountIsRequired",
    "personal": "PersonalAccountIsRequired",
    "work": "WorkAccountIsRequired",
}


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token that exists. `identity`: ``google``, ``personal`` or ``work``; `scopes`: in full."""

    email: str
    name: str
    identity: str
    client_id: str
    profile: dict[str, Any] | None
    enabled: bool
    scopes: frozenset[str]
    expires_at: float
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated API user, the request's body, and its headers."""

    email: str
    name: str
    profile: dict[str, Any]
    body: dict[str, Any]
    headers: Headers
    environment: str
    base_url: str


def bearer(world: World, headers: Headers) -> Bearer | None:
    """Whose token an `Authorization` header holds."""
    scheme, _, value = headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    sha256 = digest(value)
    microsoft = world.store.access_tokens.get(sha256)
    if microsoft is not None:
        return _microsoft(microsoft)
    google = world.google.access_tokens.get(sha256)
    return _google(google) if google is not None else None


def _microsoft(token: AccessToken) -> Bearer:
    user = token.user
    identity = "personal" if user.tenant.personal else "work"
    return Bearer(
        user.username,
        user.name,
        identity,
        token.client_id,
        user.advertising,
        user.enabled,
        token.scopes,
        token.expires_at,
    )


def _google(token: GoogleToken) -> Bearer:
    account = token.grant.account
    return Bearer(
        account.email,
        account.name,
        "google",
        token.grant.client.client_id,
        account.advertising,
        account.enabled,
        frozenset(token.grant.scopes),
        token.expires_at,
        token.revoked,
    )


def authenticate(
    world: World, environment: str, headers: Headers, token: Bearer | None
) -> dict[str, Any]:
    """The user's profile. Raises Fail: 105, 109, 126 or the user's own fault."""
    if token is None or token.revoked:
        raise Fail(105, "InvalidAccessToken")
    if token.expires_at <= world.clock.now():
        raise Fail(109)
    _provider(world, environment, headers, token)
    known = world.directory.advertising["developer_tokens"][environment]
    if headers.get("DeveloperToken") not in known:
        raise Fail(105, "InvalidDeveloperToken")
    profile = token.profile
    if profile is None:
        other = _other_identity(world, token)
        raise Fail(126, _REQUIRED[other]) if other else Fail(105, "UserNotFound")
    if not token.enabled:
        raise Fail(105, "UserNotFound")
    if profile.get("fault"):
        raise Fail(int(profile["fault"]))
    return profile


def _provider(world: World, environment: str, headers: Headers, token: Bearer) -> None:
    """The header `IdentityProvider` goes with the token; only Microsoft's has a scope to check."""
    given = headers.get("IdentityProvider")
    if token.identity == "google":
        strict = world.settings.identity_provider_header == "required"
        if given != "Google" and (given is not None or strict):
            raise Fail(105, "InvalidAccessToken")
        if not {"openid", "email"} <= token.scopes:
            raise Fail(105, "InvalidAccessToken")
    elif given not in (None, "Microsoft") or SCOPES[environment] not in token.scopes:
        raise Fail(105, "InvalidAccessToken")


def _other_identity(world: World, token: Bearer) -> str | None:
    """The type under which an address is a user of Advertising, if it is another one."""
    account = world.google.directory.accounts.get(token.email)
    if token.identity != "google" and account is not None and account.advertising:
        return "google"
    user = world.directory.users.get(token.email)
    if token.identity == "google" and user is not None and user.advertising:
        return "personal" if user.tenant.personal else "work"
    return None
