"""The OAuth 2.0 client: redeems codes and refresh tokens at the token endpoint.

RFC 6749 §4.1.3 and §6, RFC 7636;
https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow

A client credential that Microsoft refuses is one incident, not one for each connection: a circuit
breaker keyed by client id and secret version keeps Microsoft from being hammered, the previous
secret is tried once, and a new secret version closes it by itself.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from broker.diagnosis import Diagnosis, Effect, Leg, diagnose, diagnose_transport
from broker.names import Instant
from broker.ports import (
    Breakers,
    Chance,
    Clock,
    Credential,
    Credentials,
    Events,
    Fault,
    Http,
    Reply,
    Unreachable,
)
from broker.problems import Problem
from broker.secret import Secret

REFRESH_TIMEOUT = 7.0
"""Seconds for one answer: two of them and the writes fit into refresh's 20 s."""
PROBE_EVERY = 300
"""Seconds between attempts with a credential that Microsoft refuses."""
BREAKER_LIFE = 7 * 86_400
"""Seconds a breaker is remembered after its last probe."""
LOOK_EVERY = 30
"""Seconds an environment trusts what it knows of a breaker."""
MAX_TOKEN = 65_536
MAX_LIFE = 172_800
"""Seconds; Microsoft's longest tokens live 28 hours."""

OIDC = "openid profile offline_access"
"""Asked for on every leg: personal accounts give a refresh token only then."""

Form = Mapping[str, str | Secret]


@dataclass(frozen=True, slots=True)
class Tokens:
    """A successful answer, RFC 6749 §5.1. `asked_at` is from before the request, so that a token
    never seems to live longer than it does."""

    access_token: Secret
    refresh_token: Secret | None
    id_token: Secret | None
    scope: str
    asked_at: float
    expires_in: int
    refresh_in: int | None

    @property
    def expires_at(self) -> Instant:
        """When the access token ends."""
        return Instant(math.floor(self.asked_at) + self.expires_in)


class Refused(Exception):  # noqa: N818 (it says what happened)
    """Microsoft, or the way to it, said no."""

    def __init__(self, diagnosis: Diagnosis) -> None:
        self.diagnosis = diagnosis
        super().__init__(diagnosis.code)


@dataclass(frozen=True, slots=True)
class OAuth:
    """The broker as a confidential client of one identity platform."""

    http: Http
    credentials: Credentials
    breakers: Breakers
    events: Events
    clock: Clock
    chance: Chance
    sleep: Callable[[float], None]
    client_id: str
    known: dict[str, tuple[float, Fault | None]] = field(default_factory=dict)

    def code(self, authority: str, form: Form, scopes: str, timeout: float) -> Tokens:
        """Redeem an authorization code, once: never retried, as it may have been used up.

        `form`: code, code_verifier, redirect_uri. Raises `Refused`, `Problem`, `Unavailable`.
        """
        form = {**form, "grant_type": "authorization_code", "scope": f"{OIDC} {scopes}"}
        for credential in self._candidates():
            return self._once(Leg.CODE, authority, form, credential, timeout)
        raise self._blocked()

    def refresh(
        self, authority: str, token: Secret, scopes: str, timeout: float = REFRESH_TIMEOUT
    ) -> Tokens:
        """Redeem a refresh token. Raises `Refused`, `Problem` (no credential), `Unavailable`."""
        form: Form = {
            "grant_type": "refresh_token",
            "refresh_token": token,
            "scope": f"{OIDC} {scopes}",
        }
        last: Refused | None = None
        for credential in self._candidates():
            try:
                tokens = self._patiently(authority, form, credential, timeout)
            except Refused as refused:
                if refused.diagnosis.effect is not Effect.CREDENTIAL:
                    raise
                last = refused
            else:
                self._recovered(credential)
                return tokens
        raise last or self._blocked()

    def _patiently(
        self, authority: str, form: Form, credential: Credential, timeout: float
    ) -> Tokens:
        """Once more after a short while, if that is likely to help."""
        try:
            return self._once(Leg.REFRESH, authority, form, credential, timeout)
        except Refused as refused:
            found = refused.diagnosis
            if not found.retryable or found.retry_after or found.code == "throttled":
                raise
            self.sleep(self.chance.between(0.2, 0.6))
            return self._once(Leg.REFRESH, authority, form, credential, timeout)

    def _once(
        self, leg: Leg, authority: str, form: Form, credential: Credential, timeout: float
    ) -> Tokens:
        asked_at = self.clock()
        full = {**form, "client_id": self.client_id, "client_secret": credential.secret}
        try:
            reply = self.http.post(f"{authority}/oauth2/v2.0/token", full, timeout)
        except Unreachable as error:
            raise Refused(diagnose_transport(leg, error.reason)) from None
        if reply.status == 200:
            return _tokens(reply, asked_at)
        found = diagnose(leg, reply.status, reply.headers, reply.body, self.clock())
        if found.effect is Effect.CREDENTIAL:
            self._open(credential, found)
        raise Refused(found)

    def _candidates(self) -> Iterator[Credential]:
        """The credentials worth a call, each version once: the current one; if it is refused, what
        Secrets Manager holds by now; then the previous one."""
        seen = set()
        for load in (
            self.credentials.current,
            lambda: self.credentials.current(fresh=True),
            self.credentials.previous,
        ):
            credential = load()
            if credential and credential.version not in seen:
                seen.add(credential.version)
                if self._fault(credential) is None:
                    yield credential

    def _fault(self, credential: Credential) -> Fault | None:
        """The open breaker, unless it is time to try again."""
        now = self.clock()
        seen, fault = self.known.get(credential.version, (-math.inf, None))
        if now - seen > LOOK_EVERY:
            fault = self.breakers.get(self.client_id, credential.version)
            self.known[credential.version] = (now, fault)
        return fault if fault and fault.retry_at > now else None

    def _open(self, credential: Credential, found: Diagnosis) -> None:
        """Open the breaker, and tell the operator once."""
        now = Instant(int(self.clock()))
        problem = found.problem()
        fault = Fault(problem.code, problem.detail, now, Instant(now + PROBE_EVERY))
        first = self.breakers.open(
            self.client_id, credential.version, fault, Instant(now + BREAKER_LIFE)
        )
        self.known[credential.version] = (now, fault)
        if first:
            self.events.publish(
                "Client Credential Failing",
                {"code": problem.code, "actor": problem.actor, "remedy": problem.remedy},
            )

    def _recovered(self, credential: Credential) -> None:
        """Close the breaker of a credential that works (again)."""
        if self.known.get(credential.version, (0, None))[1]:
            self.breakers.close(self.client_id, credential.version)
            self.known[credential.version] = (self.clock(), None)

    def _blocked(self) -> Problem:
        """The answer while every credential is known to be refused: without a call."""
        faults = [fault for _, fault in self.known.values() if fault]
        newest = max(faults, key=lambda fault: fault.since)
        return Problem(newest.code, newest.detail)


def _tokens(reply: Reply, asked_at: float) -> Tokens:
    """The tokens of a 200, or `provider_error` naming the field that is wrong."""
    try:
        body: Any = json.loads(reply.body)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise Problem("provider_error", "The token endpoint's answer is not a JSON object.")
    if str(body.get("token_type")).lower() != "bearer":
        raise Problem("provider_error", "The token endpoint's answer has no Bearer token_type.")
    access = _secret(body, "access_token")
    if access is None:
        raise Problem("provider_error", "The token endpoint's answer has no access_token.")
    expires_in = _seconds(body.get("expires_in"))
    if expires_in is None:
        raise Problem("provider_error", "The token endpoint's answer has no sane expires_in.")
    scope = body.get("scope")
    return Tokens(
        access_token=access,
        refresh_token=_secret(body, "refresh_token"),
        id_token=_secret(body, "id_token"),
        scope=scope[:8192] if isinstance(scope, str) else "",
        asked_at=asked_at,
        expires_in=expires_in,
        refresh_in=_seconds(body.get("refresh_in")),
    )


def _secret(body: Mapping[str, Any], name: str) -> Secret | None:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        return None
    if len(value) > MAX_TOKEN:
        raise Problem("provider_error", f"The token endpoint's {name} is too long.")
    return Secret(value)


def _seconds(value: object) -> int | None:
    """A positive, bounded number of seconds; the older endpoints answer it as a string."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        return None
    return min(value, MAX_LIFE)
