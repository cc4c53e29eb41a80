"""A consent becomes a grant: what the callback and an import have in common.

Nothing is stored unless the identity, the tenant, the scopes and the refresh token are as they
should be; then refresh token and connection are written together, or not at all.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Protocol

from broker.domain import scopes
from broker.domain.connection import Account, Connection, Sealed, Status, StoredRefreshToken, Token
from broker.domain.names import SHARED_TENANTS, Instant, is_guid
from broker.domain.problems import Problem
from broker.domain.scopes import ScopeSet
from broker.domain.secret import Secret
from broker.lifecycle import admission, policy
from broker.lifecycle.events import tell
from broker.ports.ambient import Clock, Randomness
from broker.ports.errors import Unreachable
from broker.ports.outside import Events, Http
from broker.ports.stores import Consent, Consents
from broker.providers.claims import Demands
from broker.providers.token_endpoint import Providers
from broker.providers.token_response import TokenResponse
from broker.sealing.envelope import Keys, encryption_context, seal
from broker.services import catalogue

DISCOVERY_TIMEOUT = 3.0
"""Seconds."""


class Sealer(Protocol):
    """Who seals access tokens."""

    @property
    def token_keys(self) -> Keys: ...
    @property
    def stack(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Terms:
    """What this consent was asked for."""

    scopes: tuple[str, ...]
    nonce: str | None
    link: int | None
    allow_account_change: bool = False
    refresh_token: Secret | None = None
    """An import's own: kept when the answer brings no new one (RFC 6749 §6)."""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The checks and the one write, with their ports."""

    consents: Consents
    vault_keys: Keys
    token_keys: Keys
    http: Http
    events: Events
    clock: Clock
    randomness: Randomness
    stack: str
    providers: Providers
    allowed_tenants: tuple[str, ...]

    def accept(self, connection: Connection, tokens: TokenResponse, terms: Terms) -> Account:
        """Store the grant and say whose it is.

        Raises `provider_error` (ID token), `tenant_not_allowed`, `account_mismatch`,
        `scope_not_granted`, `client_misconfigured` (no refresh token), `conflict` (the link was
        replaced, or someone else completed it); then nothing has changed.
        """
        client = self.providers.of(connection)
        origin = client.platform.origin
        demands = Demands(origin, client.client_id, self.clock(), terms.nonce)
        account = admission.admit(
            client.platform.verify(tokens.id_token, demands),
            connection,
            self.allowed_tenants,
            tenant_id=self._tenant(origin, connection.tenant),
            allow_change=terms.allow_account_change,
        )
        own = scopes.group(terms.scopes)[connection.resource]
        granted = demand(connection, own, tokens)
        refresh_token = tokens.refresh_token or terms.refresh_token
        if refresh_token is None:
            raise Problem(
                "client_misconfigured",
                "Microsoft gave no refresh token, although offline_access was asked for.",
            )
        consent = self._consent(connection, tokens, terms, account, own, granted, refresh_token)
        if not self.consents.complete(consent):
            raise Problem("conflict", "The link was replaced or used meanwhile.")
        self._tell(connection)
        return account

    def _tenant(self, origin: str, tenant: str) -> str | None:
        """The tenant id behind the segment, if it names one tenant.

        A domain is looked up in the tenant's discovery document, whose issuer holds the id.
        """
        if tenant in SHARED_TENANTS:
            return None
        if is_guid(tenant):
            return tenant
        url = f"{origin}/{tenant}/v2.0/.well-known/openid-configuration"
        try:
            reply = self.http.get(url, DISCOVERY_TIMEOUT)
            issuer = json.loads(reply.body)["issuer"] if reply.status == 200 else ""
            found = str(issuer).removeprefix(f"{origin}/").removesuffix("/v2.0")
        except Unreachable:
            raise Problem("provider_unavailable", "The tenant could not be looked up.") from None
        except (ValueError, KeyError, TypeError, RecursionError):
            found = ""
        if not is_guid(found):
            raise Problem("provider_error", "The tenant's discovery document has no usable issuer.")
        return found

    def _consent(
        self,
        connection: Connection,
        tokens: TokenResponse,
        terms: Terms,
        account: Account,
        own: ScopeSet,
        granted: tuple[str, ...],
        refresh_token: Secret,
    ) -> Consent:
        client, now = self.providers.of(connection), Instant(int(self.clock()))
        generation, epoch = connection.generation + 1, connection.epoch + 1
        ahead_at = ahead(tokens, self.randomness)
        due_at = policy.due(connection, ahead_at, now, self.randomness)
        where = encryption_context(
            self.stack, connection.incarnation, "refresh_token", generation, epoch
        )
        stored = StoredRefreshToken(
            incarnation=connection.incarnation,
            name=connection.name,
            epoch=epoch,
            generation=generation,
            sealed=Sealed(seal(self.vault_keys, where, refresh_token), generation, epoch),
            client_id=client.client_id,
            authority=client.platform.authority(connection.tenant),
            due_at=due_at,
        )
        return Consent(
            before=connection,
            stored=stored,
            account=account,
            scopes=terms.scopes,
            granted={own.resource: granted},
            tokens={own.resource: keep(self, stored, own.resource, tokens, ahead_at)},
            now=now,
            next_refresh_at=due_at,
            link=terms.link,
        )

    def _tell(self, connection: Connection) -> None:
        tell(self.events, "Connection Authorized", connection, Status.ACTIVE)
        broken = connection.status not in (Status.ACTIVE, Status.PENDING)
        if broken or connection.suspicion:
            tell(self.events, "Connection Recovered", connection, Status.ACTIVE)


def demand(connection: Connection, asked: ScopeSet, tokens: TokenResponse) -> tuple[str, ...]:
    """The answered scopes, or `scope_not_granted` naming those the service cannot do without."""
    answered = scopes.answered(tokens.scope, asked.resource, asked.scopes)
    required = catalogue.required(connection.service, connection.resource)
    lacking = scopes.missing(answered, required)
    if lacking:
        raise Problem(
            "scope_not_granted",
            f"The consent lacks {' '.join(lacking)}, which {connection.service} requires.",
            actor="owner",
            remedy="The owner opens a new link and accepts all permissions.",
        )
    return answered


def ahead(tokens: TokenResponse, randomness: Randomness) -> Instant:
    """When to replace the answered access token."""
    return policy.ahead(tokens.asked_at, tokens.expires_in, tokens.refresh_in, randomness)


def keep(
    ports: Sealer,
    stored: StoredRefreshToken,
    resource: str,
    tokens: TokenResponse,
    ahead_at: Instant,
) -> Token:
    """The answered access token, sealed for the epoch and generation of the refresh token that is
    stored by now."""
    generation, epoch = stored.generation, stored.epoch
    where = encryption_context(
        ports.stack, stored.incarnation, "access_token", generation, epoch, resource
    )
    return Token(
        resource=resource,
        scope=tokens.scope,
        digest=tokens.access_token.sha256(),
        sealed=Sealed(seal(ports.token_keys, where, tokens.access_token), generation, epoch),
        obtained_at=Instant(int(tokens.asked_at)),
        expires_at=tokens.expires_at,
        ahead_at=ahead_at,
    )
