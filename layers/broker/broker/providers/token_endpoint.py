"""The OAuth 2.0 client: redeems codes and refresh tokens at a provider's token endpoint.

RFC 6749 §4.1.3 and §6, RFC 7636. What differs between providers is the `Platform`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from broker.domain.connection import Connection
from broker.domain.credentials import CredentialKind
from broker.domain.names import IdentityProvider, Incarnation
from broker.domain.secret import Secret
from broker.ports.ambient import Clock, Randomness
from broker.ports.errors import Unavailable, Unreachable
from broker.ports.outside import Http
from broker.providers.client_authentication import Attempt, Client, Form
from broker.providers.credential_breaker import Blocked
from broker.providers.diagnosis import Diagnosis
from broker.providers.platform import Platform, found
from broker.providers.terms import Effect, Endpoint
from broker.providers.throttling import Pauses
from broker.providers.token_response import TokenResponse, parse

REFRESH_TIMEOUT = 7.0
"""Seconds for one answer: two of them and the writes fit into refresh's 20 s."""


class Refused(Exception):  # noqa: N818 (it says what happened)
    """The provider, or the way to it, said no."""

    def __init__(self, diagnosis: Diagnosis) -> None:
        self.diagnosis = diagnosis
        super().__init__(diagnosis.code)


@dataclass(frozen=True, slots=True)
class OAuth:
    """The broker as a confidential client of one identity provider."""

    http: Http
    platform: Platform
    client: Client
    clock: Clock
    randomness: Randomness
    sleep: Callable[[float], None]
    pauses: Pauses = field(default_factory=Pauses)

    @property
    def client_id(self) -> str:
        """The broker's, at this provider."""
        return self.client.client_id

    def code(self, authority: str, form: Form, scopes: str, timeout: float) -> TokenResponse:
        """Redeem an authorization code, once: never retried, as it may have been used up.

        `form`: code, code_verifier, redirect_uri. Raises `Refused`, `Problem`, `Unavailable`.
        """
        scope = self.platform.scope_fields(scopes)
        form = {**form, **scope, "grant_type": "authorization_code"}
        endpoint, trouble = self.platform.token_endpoint(authority), None
        for attempt in self.client.attempts():
            try:
                authenticated = {**form, **attempt.fields(endpoint)}
            except (Blocked, Unavailable) as error:
                trouble = trouble or error
                continue  # nothing was sent
            try:
                tokens = self._once(Endpoint.CODE, endpoint, authenticated, scopes, timeout)
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
        """Redeem a connection's refresh token, unless the provider throttles everyone at `home`
        (`Platform.throttled_together`).

        `kind`: with this kind of credential alone. Raises `Refused`, `Problem` (no credential),
        `Unavailable`.
        """
        if paused := self.pauses.current(home, self.clock()):
            raise Refused(paused)
        form: Form = {
            "grant_type": "refresh_token",
            "refresh_token": token,
            **self.platform.scope_fields(scopes),
        }
        endpoint = self.platform.token_endpoint(authority)
        trouble: Refused | Blocked | Unavailable | None = None
        for attempt in self.client.attempts(kind):
            try:
                tokens = self._patiently(endpoint, form, attempt, scopes, timeout)
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
        self, endpoint: str, form: Form, attempt: Attempt, asked: str, timeout: float
    ) -> TokenResponse:
        """Once more after a short while, if that is likely to help."""
        authenticated = {**form, **attempt.fields(endpoint)}
        try:
            return self._once(Endpoint.REFRESH, endpoint, authenticated, asked, timeout)
        except Refused as refused:
            if not refused.diagnosis.passes:
                raise
            self.sleep(self.randomness.between(0.2, 0.6))
            return self._once(Endpoint.REFRESH, endpoint, authenticated, asked, timeout)

    def _once(
        self, leg: Endpoint, endpoint: str, form: Form, asked: str, timeout: float
    ) -> TokenResponse:
        asked_at = self.clock()
        try:
            reply = self.http.post(endpoint, {**form, "client_id": self.client.client_id}, timeout)
        except Unreachable as error:
            raise Refused(self.platform.diagnose_transport(leg, error.reason)) from None
        if reply.status == 200:
            return self.platform.received(parse(reply, asked_at, asked), asked)
        platform, now = self.platform, self.clock()
        raise Refused(platform.diagnose(leg, reply.status, reply.headers, reply.body, now))


@dataclass(frozen=True, slots=True)
class Providers:
    """The broker's client at each identity provider that the installation has."""

    clients: Mapping[IdentityProvider, OAuth]

    def of(self, connection: Connection) -> OAuth:
        """Where this connection's owner signs in. Raises `client_misconfigured` if the broker is no
        client there (any more)."""
        return found(self.clients, connection.identity_provider)
