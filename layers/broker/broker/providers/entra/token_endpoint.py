"""The OAuth 2.0 client: redeems codes and refresh tokens at the token endpoint.

RFC 6749 §4.1.3 and §6, RFC 7636;
https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from broker.domain.credentials import CredentialKind
from broker.domain.names import Incarnation
from broker.domain.secret import Secret
from broker.ports.ambient import Clock, Randomness
from broker.ports.errors import Unavailable, Unreachable
from broker.ports.outside import Http
from broker.providers.client_authentication import Attempt, Client, Form
from broker.providers.credential_breaker import Blocked
from broker.providers.diagnosis import Diagnosis
from broker.providers.entra.diagnosis import diagnose, diagnose_transport
from broker.providers.terms import Effect, Endpoint
from broker.providers.throttling import Pauses
from broker.providers.token_response import TokenResponse, parse

REFRESH_TIMEOUT = 7.0
"""Seconds for one answer: two of them and the writes fit into refresh's 20 s."""

OIDC = "openid profile offline_access"
"""Asked for on every leg: personal accounts give a refresh token only then."""


class Refused(Exception):  # noqa: N818 (it says what happened)
    """Microsoft, or the way to it, said no."""

    def __init__(self, diagnosis: Diagnosis) -> None:
        self.diagnosis = diagnosis
        super().__init__(diagnosis.code)


@dataclass(frozen=True, slots=True)
class OAuth:
    """The broker as a confidential client of one identity platform."""

    http: Http
    client: Client
    clock: Clock
    randomness: Randomness
    sleep: Callable[[float], None]
    pauses: Pauses = field(default_factory=Pauses)

    def code(self, authority: str, form: Form, scopes: str, timeout: float) -> TokenResponse:
        """Redeem an authorization code, once: never retried, as it may have been used up.

        `form`: code, code_verifier, redirect_uri. Raises `Refused`, `Problem`, `Unavailable`.
        """
        form = {**form, "grant_type": "authorization_code", "scope": f"{OIDC} {scopes}"}
        endpoint, trouble = _endpoint(authority), None
        for attempt in self.client.attempts():
            try:
                authenticated = {**form, **attempt.fields(endpoint)}
            except (Blocked, Unavailable) as error:
                trouble = trouble or error
                continue  # nothing was sent
            try:
                tokens = self._once(Endpoint.CODE, endpoint, authenticated, timeout)
            except Refused as refused:
                raise self._judged(attempt, refused) from None
            attempt.worked()
            return tokens
        raise trouble or AssertionError("there is no attempt")

    def refresh(
        self,
        authority: str,
        home: str,
        who: Incarnation,
        token: Secret,
        scopes: str,
        kind: CredentialKind | None = None,
        timeout: float = REFRESH_TIMEOUT,
    ) -> TokenResponse:
        """Redeem the refresh token of a connection, unless Microsoft throttles everyone at `home`:
        the account's tenant (an authority may be `common`), or the authority if none is known.

        `kind`: with this kind of credential alone. Raises `Refused`, `Problem` (no credential),
        `Unavailable`.
        """
        if paused := self.pauses.current(home, self.clock()):
            raise Refused(paused)
        form: Form = {
            "grant_type": "refresh_token",
            "refresh_token": token,
            "scope": f"{OIDC} {scopes}",
        }
        trouble: Refused | Blocked | Unavailable | None = None
        for attempt in self.client.attempts(kind):
            try:
                tokens = self._patiently(_endpoint(authority), form, attempt, timeout)
            except (Blocked, Unavailable) as error:
                trouble = trouble or error
            except Refused as refused:
                self.pauses.heard(home, who, refused.diagnosis, self.clock())
                judged = self._judged(attempt, refused)
                if judged.diagnosis.effect is not Effect.CREDENTIAL:
                    raise judged from None
                trouble = trouble or judged
            else:
                self.pauses.heard(home, who, None, self.clock())
                attempt.worked()
                return tokens
        raise trouble or AssertionError("there is no attempt")

    def _judged(self, attempt: Attempt, refused: Refused) -> Refused:
        """The refusal, with the credential's values if it is about the credential: then its breaker
        opens."""
        diagnosis = refused.diagnosis
        if diagnosis.effect is not Effect.CREDENTIAL:
            return refused
        diagnosis = replace(diagnosis, names=attempt.credential.names)
        attempt.failed(diagnosis.problem(), spreads=diagnosis.spreads)
        return Refused(diagnosis)

    def _patiently(
        self, endpoint: str, form: Form, attempt: Attempt, timeout: float
    ) -> TokenResponse:
        """Once more after a short while, if that is likely to help."""
        authenticated = {**form, **attempt.fields(endpoint)}
        try:
            return self._once(Endpoint.REFRESH, endpoint, authenticated, timeout)
        except Refused as refused:
            if not refused.diagnosis.passes:
                raise
            self.sleep(self.randomness.between(0.2, 0.6))
            return self._once(Endpoint.REFRESH, endpoint, authenticated, timeout)

    def _once(self, leg: Endpoint, endpoint: str, form: Form, timeout: float) -> TokenResponse:
        asked_at = self.clock()
        try:
            reply = self.http.post(endpoint, {**form, "client_id": self.client.client_id}, timeout)
        except Unreachable as error:
            raise Refused(diagnose_transport(leg, error.reason)) from None
        if reply.status == 200:
            return parse(reply, asked_at, str(form["scope"]).removeprefix(f"{OIDC} "))
        raise Refused(diagnose(leg, reply.status, reply.headers, reply.body, self.clock()))


def _endpoint(authority: str) -> str:
    return f"{authority}/oauth2/v2.0/token"
