"""Redeeming codes and refresh tokens: who they are for, and whether they still count.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
https://learn.microsoft.com/entra/identity-platform/refresh-tokens
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..world import World
from . import credentials
from .directory import Client, User
from .errors import Refusal
from .scopes import Asked
from .store import Code, RefreshToken, digest

CODE_SECONDS = 600
"""Life of an authorization code: about ten minutes."""

IDLE_SECONDS = 90 * 86_400
"""A refresh token unused for 90 days is dead."""

THROTTLE_SECONDS = 300
"""The window in which identical requests are counted."""

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")  # RFC 7636 §4.1
_MSA_DEAD = (
    "The user could not be authenticated or the grant is expired. The user must first sign in "
    "and if needed grant the client application access to the requested scope."
)


@dataclass(frozen=True, slots=True)
class Redeemed:
    """A grant that counts: whose, for which resource, and what the request asked of it."""

    client: Client
    user: User
    asked: Asked
    resource: str
    oidc: tuple[str, ...]  # of the grant
    mfa: bool
    nonce: str | None = None


Form = Mapping[str, str]


def code(world: World, segment: str, client: Client, form: Form) -> Redeemed:
    """An authorization code, once. Raises Refusal."""
    found = world.store.codes.get(digest(_needed(form, "code")))
    if found is None:
        raise Refusal(9002313, error="invalid_grant", text="The authorization code is malformed.")
    visit = found.visit
    redirect_uri = _needed(form, "redirect_uri")
    if visit.client.client_id != client.client_id:
        raise Refusal(70000, text="The code was issued to another client.")
    if found.used:
        raise Refusal(54005)
    if world.clock.now() - found.issued_at >= CODE_SECONDS:
        raise Refusal(70008)
    if visit.segment.lower() != segment.lower():
        raise Refusal(700005)
    if redirect_uri != visit.redirect_uri:
        raise Refusal(500112)
    _verify(visit.challenge, form.get("code_verifier"))
    _alive(world, client, found.user, found.issued_at)
    if "code" in found.user.troubles:
        raise Refusal(found.user.troubles["code"])
    asked, resource = _code_scope(world, found, form)
    found.used = True
    return Redeemed(client, found.user, asked, resource, visit.asked.oidc, visit.mfa, visit.nonce)


def refresh(world: World, segment: str, client: Client, form: Form) -> Redeemed:
    """A refresh token, as often as it lives. Raises Refusal."""
    found = world.store.refresh_tokens.get(digest(_needed(form, "refresh_token")))
    if found is None or found.client_id != client.client_id:
        raise Refusal(70000)
    user = found.user
    if not world.admits(segment, client, user):
        raise Refusal(50020, error="invalid_grant")
    if "scope" not in form:
        raise Refusal(90009)
    asked = world.parse(form["scope"])
    throttle(world, client, user, form["scope"])
    _alive(world, client, user, found.issued_at)
    now = world.clock.now()
    if now - found.used_at >= IDLE_SECONDS:
        raise Refusal(700082)
    _trouble(found)
    resource = asked.resources[0]  # Microsoft answers for the first scope's resource
    found.used_at = now
    return Redeemed(client, user, asked.only(resource), resource, found.oidc, found.mfa)


def subject(world: World, form: Form) -> dict[str, Any]:
    """Whose grant a request presents, without judging it: for faults and the ledger."""
    held: Code | RefreshToken | None = world.store.codes.get(
        digest(form.get("code", ""))
    ) or world.store.refresh_tokens.get(digest(form.get("refresh_token", "")))
    return {
        "grant_type": form.get("grant_type"),
        "client_id": form.get("client_id"),
        "scope": form.get("scope"),
        "user": held.user.username if held else None,
    }


def throttle(world: World, client: Client, user: User, scope: str) -> None:
    """15 identical requests in five minutes are a loop: AADSTS50196."""
    limit = world.settings.throttle_threshold
    if limit is None:
        return
    now = world.clock.now()
    key = (client.client_id, user.id, scope)
    recent = world.store.recent.setdefault(key, deque())
    while recent and recent[0] <= now - THROTTLE_SECONDS:
        recent.popleft()
    if len(recent) >= limit:
        raise Refusal(50196)
    recent.append(now)


def _needed(form: Form, name: str) -> str:
    if not form.get(name):
        raise Refusal(900144, text=f"The request body lacks the parameter '{name}'.")
    return form[name]


def _verify(challenge: str | None, verifier: str | None) -> None:
    if (challenge is None) != (verifier is None):
        raise Refusal(50148)
    if verifier is None:
        return
    if not _VERIFIER.fullmatch(verifier):
        raise Refusal(501481, text="The size of the code verifier is not valid.")
    if credentials.challenge(verifier) != challenge:
        raise Refusal(501481)


def _code_scope(world: World, found: Code, form: Form) -> tuple[Asked, str]:
    if "scope" not in form:
        asked = found.visit.asked
        if len(asked.resources) > 1:
            raise Refusal(28003)
        return asked, asked.resources[0]
    asked = world.parse(form["scope"])
    if len(asked.resources) > 1:
        raise Refusal(28000)
    return asked, asked.resources[0]


def _alive(world: World, client: Client, user: User, issued_at: float) -> None:
    personal = user.tenant.personal
    gone = world.directory.users.get(user.username) is not user
    revoked = issued_at < user.tokens_valid_from
    if personal and (gone or revoked or not user.enabled):
        raise Refusal(None, error="invalid_grant", text=_MSA_DEAD)
    if gone:
        raise Refusal(50034)
    if not user.enabled:
        raise Refusal(50057)
    if client.client_id in user.tenant.blocked_clients:
        raise Refusal(7000112)
    if not user.assigned:
        raise Refusal(50105, error="invalid_grant")
    if revoked:
        raise Refusal(user.revocation)


def _trouble(found: RefreshToken) -> None:
    user = found.user
    if "refresh" in user.troubles:
        raise Refusal(user.troubles["refresh"])
    if user.mfa_required and not found.mfa:
        raise Refusal(50076)
