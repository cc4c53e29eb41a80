"""Microsoft's token endpoint in one process, strict where the broker could go wrong.

It knows which codes, refresh tokens and client secrets are good, and remembers every token it gave,
so that a test can say whose token a caller got. `tests/platform` has the real HTTP one.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from broker.domain.connection import Account
from broker.domain.secret import Secret
from broker.ports.outside import Reply
from local.memory.outside import Answer, Clock, Form

PLATFORM = "https://login.microsoftonline.com"
CLIENT_ID = "11111111-1111-1111-1111-111111111111"
CLIENT_SECRET = "canary-client-secret"
OIDC = {"openid", "profile", "email", "offline_access"}
TENANT = "aaaaaaaa-0000-4000-8000-000000000000"
OWNER = Account(TENANT, "bbbbbbbb-0000-4000-8000-000000000001", "owner@example.com")
OTHER = Account(TENANT, "bbbbbbbb-0000-4000-8000-000000000002", "other@example.com")


ABSENT = object()
"""No such field."""


@dataclass(slots=True)
class Grant:
    """What one person consented to."""

    account: Account
    scopes: tuple[str, ...]
    alive: bool = True


@dataclass(slots=True)
class Code:
    """An authorization code and what it is bound to."""

    grant: Grant
    nonce: str
    challenge: str
    redirect_uri: str


@dataclass(frozen=True, slots=True)
class Issued:
    """An access token that was given out."""

    account: Account
    resource: str
    scopes: tuple[str, ...]
    expires_at: int


@dataclass(slots=True)
class Microsoft:
    """A `world.Server`. `faults` are answered first, one after the other."""

    clock: Clock
    secrets: set[str] = field(default_factory=lambda: {CLIENT_SECRET})
    assertions: set[str] = field(default_factory=set)
    """Client assertions that are good; `tests/platform` judges real ones."""
    faults: list[Answer] = field(default_factory=list)
    always: Answer | None = None
    rotates: bool = True
    expires_in: int = 3600
    refresh_in: int | None = None
    claims: dict[str, Any] = field(default_factory=dict)
    """Claims of ID tokens that are not as they should be."""
    spoilt: dict[str, Any] = field(default_factory=dict)
    """Fields of token answers that are not as they should be; `ABSENT` leaves one out."""
    withheld: set[str] = field(default_factory=set)
    """Scopes that are never granted."""
    codes: dict[str, Code] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)
    """By refresh token. Rotation does not revoke the old one."""
    issued: dict[str, Issued] = field(default_factory=dict)
    meanwhile: Callable[[Form], None] | None = None
    """Called while a redemption is under way, before it is answered."""
    redemptions: int = 0
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def __call__(self, url: str, form: Form | None) -> Answer:
        """Answer one request."""
        if form is None:
            return _json(200, {"issuer": f"{PLATFORM}/{TENANT}/v2.0"})
        assert url.startswith(f"{PLATFORM}/"), url
        assert url.endswith("/oauth2/v2.0/token"), url
        self.redemptions += 1
        if self.meanwhile:
            self.meanwhile(form)
        if self.faults:
            return self.faults.pop(0)
        if self.always:
            return self.always
        plain = {
            name: part if isinstance(part, str) else part.open() for name, part in form.items()
        }
        return self._token(plain)

    def sign_in(self, location: str, account: Account = OWNER) -> dict[str, str]:
        """What a person does at the authorize URL, up to the redirect's query."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        assert query["client_id"] == CLIENT_ID
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        wanted = set(query["scope"].split())
        assert wanted >= {"openid", "offline_access"}
        code = self._new("code")
        self.codes[code] = Code(
            Grant(account, tuple(sorted(wanted - OIDC - self.withheld))),
            query["nonce"],
            query["code_challenge"],
            query["redirect_uri"],
        )
        return {"code": code, "state": query["state"]}

    def grant(self, account: Account, scopes: tuple[str, ...]) -> Secret:
        """A refresh token from elsewhere, for imports."""
        return self._refresh_token(Grant(account, scopes))

    def revoke(self, account: Account = OWNER) -> None:
        """Withdraw everything an account consented to."""
        for grant in self.grants.values():
            if grant.account == account:
                grant.alive = False

    def _token(self, form: Mapping[str, str]) -> Reply:
        if form["client_id"] != CLIENT_ID or not self._authenticates(form):
            return refusal("invalid_client", 7000215, status=401)
        if form["grant_type"] == "authorization_code":
            return self._code(form)
        grant = self.grants.get(form["refresh_token"])
        if grant is None or not grant.alive:
            return refusal("invalid_grant", 50173)
        return self._answer(grant, form["scope"], None)

    def _authenticates(self, form: Mapping[str, str]) -> bool:
        """Whether exactly one client credential came, and is good."""
        if "client_secret" in form:
            return "client_assertion" not in form and form["client_secret"] in self.secrets
        return form.get("client_assertion") in self.assertions

    def _code(self, form: Mapping[str, str]) -> Reply:
        code = self.codes.pop(form["code"], None)
        if code is None:
            return refusal("invalid_grant", 54005)
        if code.challenge != _challenge(form["code_verifier"]):
            return refusal("invalid_grant", 501481)
        if code.redirect_uri != form["redirect_uri"]:
            return refusal("invalid_client", 50011)
        return self._answer(code.grant, form["scope"], code.nonce)

    def _answer(self, grant: Grant, scope: str, nonce: str | None) -> Reply:
        wanted = set(scope.split()) - OIDC
        (resource,) = {one.rpartition("/")[0] for one in wanted}
        named = {one for one in wanted if not one.endswith("/.default")}
        if nonce is None and not named <= set(grant.scopes):
            return refusal("invalid_grant", 65001, suberror="consent_required")
        scopes = tuple(one for one in grant.scopes if one.rpartition("/")[0] == resource)
        access = self._new("access")
        now = int(self.clock())
        self.issued[access] = Issued(grant.account, resource, scopes, now + self.expires_in)
        body: dict[str, Any] = {
            "token_type": "Bearer",
            "access_token": access,
            "expires_in": self.expires_in,
            "scope": " ".join((*scopes, "openid", "profile")),
            "id_token": self._id_token(grant.account, nonce),
        }
        if self.refresh_in:
            body["refresh_in"] = self.refresh_in
        if (self.rotates or nonce is not None) and "offline_access" not in self.withheld:
            body["refresh_token"] = self._refresh_token(grant).open()
        body |= self.spoilt
        return _json(200, {name: part for name, part in body.items() if part is not ABSENT})

    def _refresh_token(self, grant: Grant) -> Secret:
        made = self._new("refresh")
        self.grants[made] = grant
        return Secret(made)

    def _id_token(self, account: Account, nonce: str | None) -> str:
        now = int(self.clock())
        claims = {
            "iss": f"{PLATFORM}/{account.tenant_id}/v2.0",
            "aud": CLIENT_ID,
            "tid": account.tenant_id,
            "oid": account.object_id,
            "preferred_username": account.username,
            "nbf": now,
            "exp": now + 3600,
            **({} if nonce is None else {"nonce": nonce}),
            **self.claims,
        }
        return id_token({name: claim for name, claim in claims.items() if claim is not None})

    def _new(self, kind: str) -> str:
        return f"canary-{kind}-{next(self._numbers)}"


def refusal(
    error: str, *numbers: int, status: int = 400, headers: dict[str, str] | None = None, **more: Any
) -> Reply:
    """An error of the token endpoint."""
    body = {
        "error": error,
        "error_description": f"AADSTS{numbers[0] if numbers else 0}: words nobody should read",
        "error_codes": list(numbers),
        "trace_id": "22222222-2222-2222-2222-222222222222",
        **more,
    }
    return _json(status, body, headers)


def id_token(claims: Mapping[str, Any]) -> str:
    """A JWT of these claims; nobody checks its signature."""
    parts = ({"alg": "RS256", "typ": "JWT"}, claims)
    return ".".join(
        [*(_base64url(json.dumps(part).encode()) for part in parts), "canary-signature"]
    )


def _json(status: int, body: object, headers: dict[str, str] | None = None) -> Reply:
    return Reply(status, headers or {}, json.dumps(body).encode())


def _challenge(verifier: str) -> str:
    return _base64url(hashlib.sha256(verifier.encode()).digest())


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
