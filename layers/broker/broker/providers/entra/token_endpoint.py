"""The OAuth 2.0 client: redeems codes and refresh tokens at the token endpoint.

RFC 6749 §4.1.3 and §6, RFC 7636;
https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from broker.domain.names import Incarnation
from broker.domain.secret import Secret
from broker.ports.ambient import Clock, Randomness
from broker.ports.errors import Unreachable
from broker.ports.outside import Credential, Http
from broker.providers.credential_breaker import Breaker
from broker.providers.diagnosis import Diagnosis
from broker.providers.entra.diagnosis import diagnose, diagnose_transport
from broker.providers.terms import Effect, Endpoint
from broker.providers.throttling import Pauses
from broker.providers.token_response import TokenResponse, parse

REFRESH_TIMEOUT = 7.0
"""Seconds for one answer: two of them and the writes fit into refresh's 20 s."""

OIDC = "openid profile offline_access"
"""Asked for on every leg: personal accounts give a refresh token only then."""

Form = Mapping[str, str | Secret]


class Refused(Exception):  # noqa: N818 (it says what happened)
    """Microsoft, or the way to it, said no."""

    def __init__(self, diagnosis: Diagnosis) -> None:
        self.diagnosis = diagnosis
        super().__init__(diagnosis.code)


@dataclass(frozen=True, slots=True)
class OAuth:
    """The broker as a confidential client of one identity platform."""

    http: Http
    breaker: Breaker
    clock: Clock
    randomness: Randomness
    sleep: Callable[[float], None]
    client_id: str
    pauses: Pauses = field(default_factory=Pauses)

    def code(self, authority: str, form: Form, scopes: str, timeout: float) -> TokenResponse:
        """Redeem an authorization code, once: never retried, as it may have been used up.

        `form`: code, code_verifier, redirect_uri. Raises `Refused`, `Problem`, `Unavailable`.
        """
        form = {**form, "grant_type": "authorization_code", "scope": f"{OIDC} {scopes}"}
        for credential in self.breaker.candidates():
            tokens = self._once(Endpoint.CODE, authority, form, credential, timeout)
            self.breaker.worked(credential)
            return tokens
        raise self.breaker.blocked()

    def refresh(
        self,
        authority: str,
        home: str,
        who: Incarnation,
        token: Secret,
        scopes: str,
        timeout: float = REFRESH_TIMEOUT,
    ) -> TokenResponse:
        """Redeem the refresh token of a connection, unless Microsoft throttles everyone at `home`:
        the account's tenant (an authority may be `common`), or the authority if none is known.

        Raises `Refused`, `Problem` (no credential), `Unavailable`.
        """
        if paused := self.pauses.current(home, self.clock()):
            raise Refused(paused)
        form: Form = {
            "grant_type": "refresh_token",
            "refresh_token": token,
            "scope": f"{OIDC} {scopes}",
        }
        last: Refused | None = None
        for credential in self.breaker.candidates():
            try:
                tokens = self._patiently(authority, form, credential, timeout)
            except Refused as refused:
                self.pauses.heard(home, who, refused.diagnosis, self.clock())
                if refused.diagnosis.effect is not Effect.CREDENTIAL:
                    raise
                last = refused
            else:
                self.pauses.heard(home, who, None, self.clock())
                self.breaker.worked(credential)
                return tokens
        raise last or self.breaker.blocked()

    def _patiently(
        self, authority: str, form: Form, credential: Credential, timeout: float
    ) -> TokenResponse:
        """Once more after a short while, if that is likely to help."""
        try:
            return self._once(Endpoint.REFRESH, authority, form, credential, timeout)
        except Refused as refused:
            found = refused.diagnosis
            if not found.retryable or found.retry_after or found.code == "throttled":
                raise
            self.sleep(self.randomness.between(0.2, 0.6))
            return self._once(Endpoint.REFRESH, authority, form, credential, timeout)

    def _once(
        self, leg: Endpoint, authority: str, form: Form, credential: Credential, timeout: float
    ) -> TokenResponse:
        asked_at = self.clock()
        full = {**form, "client_id": self.client_id, "client_secret": credential.secret}
        try:
            reply = self.http.post(f"{authority}/oauth2/v2.0/token", full, timeout)
        except Unreachable as error:
            raise Refused(diagnose_transport(leg, error.reason)) from None
        if reply.status == 200:
            return parse(reply, asked_at)
        found = diagnose(leg, reply.status, reply.headers, reply.body, self.clock())
        if found.effect is Effect.CREDENTIAL:
            self.breaker.failed(credential, found.problem())
        raise Refused(found)
