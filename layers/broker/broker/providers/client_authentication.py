"""Client authentication: which credentials are worth a call, and the form fields they make.

    Client ─ the broker at one identity provider: a client id, and its kinds in order of preference
    Attempt ─ one credential, tried for one request

A second identity provider's client is one more `Client`, with breakers of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from broker.domain.credentials import CredentialKind
from broker.domain.problems import Problem
from broker.domain.secret import Secret
from broker.ports.credentials import ClientSecretPost, Credential, FederatedJwt, PrivateKeyJwt
from broker.ports.errors import Unavailable
from broker.providers.credential_breaker import Blocked, Breaker

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
"""RFC 7523 §2.2."""

Form = Mapping[str, str | Secret]


def form_fields(credential: Credential, endpoint: str) -> Form:
    """What authenticates the client at this token endpoint. Raises `Problem`, `Unavailable`."""
    match credential:
        case ClientSecretPost(secret=secret):
            return {"client_secret": secret}
        case PrivateKeyJwt(sign=sign):
            assertion = sign(endpoint)
        case FederatedJwt(token=token):
            assertion = token
    return {"client_assertion_type": JWT_BEARER, "client_assertion": assertion}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One credential that is worth a call. `trial`: the operator tries it, so that a refusal is
    told to nobody else and stops nobody."""

    breaker: Breaker
    credential: Credential
    trial: bool = False

    def fields(self, endpoint: str) -> Form:
        """As `form_fields`; a credential that AWS itself refuses to make is `Blocked`."""
        try:
            return form_fields(self.credential, endpoint)
        except Problem as problem:
            self.failed(problem)
            raise Blocked(problem.code, problem.detail, remedy=problem.remedy) from None

    def failed(self, problem: Problem, *, spreads: bool = False) -> None:
        """It was refused."""
        if not self.trial:
            self.breaker.failed(self.credential, problem, spreads=spreads)

    def worked(self) -> None:
        """It was taken. A trial asked no breaker before, and closes one that is open."""
        if self.trial:
            self.breaker.look(self.credential.version)
        self.breaker.worked(self.credential)


@dataclass(frozen=True, slots=True)
class Client:
    """The broker as a confidential client of one identity provider (RFC 6749 §2.1)."""

    client_id: str
    breakers: tuple[Breaker, ...]
    """In order of preference."""

    def attempts(self, kind: CredentialKind | None = None) -> Iterator[Attempt]:
        """At least one; raises `Blocked` or `Unavailable` instead if no credential is worth a call.

        `kind`: that one alone, whatever its breaker says.
        """
        if kind:
            yield self._trial(kind)
            return
        missing: Blocked | Unavailable | None = None
        is_any = False
        for breaker in self.breakers:
            try:
                for credential in breaker.candidates():
                    is_any = True
                    yield Attempt(breaker, credential)
            except (Blocked, Unavailable) as error:
                missing = missing or error
        if not is_any:
            raise missing or self._blocked()

    def _trial(self, kind: CredentialKind) -> Attempt:
        for breaker in self.breakers:
            if breaker.kind is kind:
                return Attempt(breaker, breaker.credentials.current(fresh=True), trial=True)
        listed = ", ".join(breaker.kind for breaker in self.breakers)
        raise Problem(
            "invalid_request",
            f"client_authentication: {kind} is not among the kinds of this stack ({listed}).",
            remedy="The operator adds it to the stack's parameter ClientAuthentication.",
        )

    def _blocked(self) -> Blocked:
        """The answer when every breaker is open: the preferred kind's."""
        fault = next(fault for breaker in self.breakers if (fault := breaker.fault()))
        return Blocked(fault.code, fault.detail)
