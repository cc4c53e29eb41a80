"""`POST /token` and `POST /revoke`: client authentication, codes, refresh tokens, withdrawal.

https://developers.google.com/identity/protocols/oauth2/web-server#exchange-authorization-code
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from typing import Any

from ..entra.credentials import basic, challenge
from ..entra.errors import Refusal
from ..entra.store import digest
from ..world import World
from . import issue, scopes
from .accounts import Account, Client
from .authorize import known_client
from .errors import GoogleRefusal
from .state import IDLE_SECONDS, Code, RefreshToken

CODE_SECONDS = 600
"""Life of a code: about ten minutes."""

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")

Form = Mapping[str, str]


def grant(
    world: World, form: Form, header: str | None, forged: dict[str, Any] | None
) -> dict[str, Any]:
    """The answer to a token request. Raises GoogleRefusal."""
    client = _authenticate(world, form, header)
    kind = form.get("grant_type", "")
    if kind == "authorization_code":
        return _code(world, client, form, forged)
    if kind == "refresh_token":
        return _refresh(world, client, form, forged)
    raise GoogleRefusal("unsupported_grant_type", text=f"Invalid grant_type: {kind[:40]}")


def revoke(world: World, value: str) -> None:
    """Withdraw the consent behind an access or refresh token, for its whole project."""
    google, now = world.google, world.clock.now()
    refresh = google.refresh_tokens.get(digest(value))
    access = google.access_tokens.get(digest(value))
    if refresh is not None and _dead(refresh, now) is None:
        grant = refresh.grant
    elif access is not None and not access.revoked and access.expires_at > now:
        grant = access.grant
    else:
        raise GoogleRefusal("invalid_token")
    google.withdraw(grant.client.project, grant.account, now)


def subject(world: World, form: Form) -> dict[str, Any]:
    """Whose grant a request presents: for faults and the ledger."""
    google = world.google
    held: Code | RefreshToken | None = google.codes.get(
        digest(form.get("code", ""))
    ) or google.refresh_tokens.get(digest(form.get("refresh_token") or form.get("token", "")))
    return {
        "grant_type": form.get("grant_type"),
        "client_id": form.get("client_id"),
        "user": held.grant.account.email if held else None,
    }


def _authenticate(world: World, form: Form, header: str | None) -> Client:
    try:
        pair = basic(header)
    except Refusal as refusal:  # the header's form is RFC 6749's at both providers
        raise GoogleRefusal("invalid_request", text="Malformed Authorization header.") from refusal
    client_id = form.get("client_id") or (pair[0] if pair else "")
    if not client_id:
        raise GoogleRefusal("no_client_id")
    client = known_client(world.google, client_id)
    if "client_assertion" in form:
        raise GoogleRefusal("invalid_request", text="Client assertions are not supported.")
    given = pair[1] if pair else form.get("client_secret")
    if not given:
        raise GoogleRefusal("missing_secret")
    for secret in client.secrets:
        if secret.enabled and hmac.compare_digest(secret.value.encode(), given.encode()):
            return client
    raise GoogleRefusal("wrong_secret")


def _code(
    world: World, client: Client, form: Form, forged: dict[str, Any] | None
) -> dict[str, Any]:
    if not form.get("code"):
        raise GoogleRefusal("missing_code")
    code = world.google.codes.get(digest(form["code"]))
    if code is None:
        raise GoogleRefusal("malformed_code")
    if code.grant.client.client_id != client.client_id:
        raise GoogleRefusal("foreign_token")
    if code.used or world.clock.now() - code.issued_at >= CODE_SECONDS:
        raise GoogleRefusal("code_redeemed")
    if form.get("redirect_uri") != code.visit.redirect_uri:
        raise GoogleRefusal("redirect_uri_differs")
    _verify(code, form.get("code_verifier"))
    _alive(world, code.grant.account, "code")
    code.used = True
    answer = issue.access(world, code.grant)
    if code.refreshes:
        answer |= issue.refresh(world, code.grant)
    return answer | issue.identity(world, code.grant, answer["access_token"], forged)


def _verify(code: Code, verifier: str | None) -> None:
    expected = code.visit.challenge
    if expected is None and verifier is not None:
        raise GoogleRefusal("unneeded_verifier")
    if expected is None:
        return
    if verifier is None:
        raise GoogleRefusal("missing_verifier")
    hashed = code.visit.challenge_method == "S256"
    if not _VERIFIER.fullmatch(verifier) or (
        (challenge(verifier) if hashed else verifier) != expected
    ):
        raise GoogleRefusal("invalid_verifier")


def _refresh(
    world: World, client: Client, form: Form, forged: dict[str, Any] | None
) -> dict[str, Any]:
    """No rotation: the same token serves again and again."""
    google, now = world.google, world.clock.now()
    if not form.get("refresh_token"):
        raise GoogleRefusal("invalid_request", text="Missing required parameter: refresh_token")
    token = google.refresh_tokens.get(digest(form["refresh_token"]))
    if token is None:
        raise GoogleRefusal("bad_request")
    if token.grant.client.client_id != client.client_id:
        raise GoogleRefusal("foreign_token")
    died_at = _dead(token, now)
    if died_at is not None:
        fresh = now - died_at < google.settings.telling_hours * 3600
        raise GoogleRefusal("expired_or_revoked" if fresh else "bad_request")
    _alive(world, token.grant.account, "refresh")
    if "scope" in form and not set(scopes.parse(form["scope"])) <= set(token.grant.scopes):
        raise GoogleRefusal("invalid_scope", text="Bad Request")
    token.used_at = now
    answer = issue.access(world, token.grant)
    if token.ends_at is not None:
        answer["refresh_token_expires_in"] = int(token.ends_at - now)
    if not google.settings.id_token_on_refresh:
        return answer
    return answer | issue.identity(world, token.grant, answer["access_token"], forged)


def _dead(token: RefreshToken, now: float) -> float | None:
    """Since when, if it is."""
    ends = (token.died_at, token.ends_at, token.used_at + IDLE_SECONDS)
    past = [moment for moment in ends if moment is not None and moment <= now]
    return min(past, default=None)


def _alive(world: World, account: Account, stage: str) -> None:
    directory = world.google.directory
    if directory.accounts.get(account.email) is not account:
        raise GoogleRefusal("account_deleted")
    if not account.enabled:
        raise GoogleRefusal("expired_or_revoked")
    if stage in account.troubles:
        raise GoogleRefusal(account.troubles[stage])
    domain = directory.domain(account)
    if stage == "refresh" and domain and directory.workspaces[domain] != "allow":
        raise GoogleRefusal("policy_on_refresh")
