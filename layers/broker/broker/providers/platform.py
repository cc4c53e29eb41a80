"""An identity platform as the broker uses it: its addresses, what it is sent, what it answers.

    entra/platform.py    the Microsoft identity platform
    google/platform.py   Google

A value: it holds no state and calls nobody. `Registration` joins it with the broker's client id
there, `token_endpoint.OAuth` with the client itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from broker.domain.connection import Account, Connection
from broker.domain.names import IdentityProvider
from broker.domain.problems import Problem
from broker.domain.secret import Secret
from broker.ports.errors import Reason
from broker.providers.claims import Demands
from broker.providers.diagnosis import Diagnosis
from broker.providers.terms import Endpoint
from broker.providers.token_response import TokenResponse


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """RFC 6749 §4.1.1, RFC 7636 §4.3 and OpenID Connect Core 1.0 §3.1.2.1, for one attempt."""

    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    """Of the services, full names; those of OpenID Connect are the platform's business."""
    tenant: str
    state: Secret
    nonce: str
    challenge: str
    """PKCE's S256."""


class Platform(Protocol):
    """What differs between identity providers."""

    @property
    def name(self) -> IdentityProvider: ...

    @property
    def origin(self) -> str:
        """Where its pages live: scheme and host."""
        ...

    @property
    def redirect_path(self) -> str:
        """Where browsers come back, below the broker's base URL: each provider has its own
        (RFC 9700 §4.4)."""
        ...

    @property
    def form_targets(self) -> tuple[str, ...]:
        """Every host between the Continue button and the provider's first page."""
        ...

    def authority(self, tenant: str) -> str:
        """What a refresh token is bound to, besides the client: kept with it."""
        ...

    def authorize_url(self, request: AuthorizationRequest) -> str:
        """Where the browser goes. A secret: it holds the state."""
        ...

    def admin_consent_url(self, request: AuthorizationRequest) -> str:
        """Where an administrator goes; the same as the owner where there is no such page."""
        ...

    def came_from_here(self, params: Mapping[str, str]) -> bool:
        """Whether the answer in a redirect is this provider's, as far as it says (RFC 9207)."""
        ...

    def token_endpoint(self, authority: str) -> str:
        """The URL that codes and refresh tokens are sent to."""
        ...

    def scope_fields(self, scopes: str) -> Mapping[str, str]:
        """`scope` as a request to the token endpoint carries it, or nothing."""
        ...

    def diagnose(
        self, leg: Endpoint, status: int, headers: Mapping[str, str], body: bytes, now: float
    ) -> Diagnosis:
        """A non-success answer of the token endpoint. Never raises."""
        ...

    def diagnose_redirect(self, leg: Endpoint, params: Mapping[str, str]) -> Diagnosis:
        """The query of an error redirect. Never raises."""
        ...

    def diagnose_transport(self, leg: Endpoint, reason: Reason) -> Diagnosis:
        """No answer came."""
        ...

    def verify(self, id_token: Secret | None, demands: Demands) -> Account:
        """The identity, or `provider_error` saying which claim is wrong, never its value."""
        ...

    def received(self, tokens: TokenResponse, asked: str) -> TokenResponse:
        """The answer with `scope` in the words of what was asked."""
        ...

    def throttled_together(self, connection: Connection, authority: str) -> str:
        """Names those whom the provider throttles together."""
        ...


@dataclass(frozen=True, slots=True)
class Registration:
    """The broker's client at a provider, for functions that only send browsers there."""

    platform: Platform
    client_id: str


@dataclass(frozen=True, slots=True)
class Registrations:
    """The broker's clients, by provider."""

    by_provider: Mapping[IdentityProvider, Registration]

    def of(self, name: IdentityProvider) -> Registration:
        """Raises `client_misconfigured` if the broker is no client there."""
        return found(self.by_provider, name)


T = TypeVar("T")


def found(clients: Mapping[IdentityProvider, T], name: IdentityProvider) -> T:
    """The client at this provider. Raises `client_misconfigured` if there is none (any more)."""
    if name in clients:
        return clients[name]
    title = name.capitalize()
    raise Problem(
        "client_misconfigured",
        f"The connection's owner signs in with {title}, where the broker has no client.",
        remedy=f"The operator sets the stack's parameters for {title}.",
    )
