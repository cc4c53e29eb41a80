"""authorize: shows who asks for what; on Continue it sends the browser to Microsoft.

Opening a link consumes nothing, so mail scanners do no harm. Continue makes state, nonce and PKCE
verifier, and binds the attempt to the browser by a cookie.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlencode

from broker.domain.attempts import LinkKind, State, Ticket
from broker.domain.connection import Connection
from broker.domain.names import SHARED_TENANTS, Instant, single_tenant
from broker.domain.secret import Secret
from broker.ports.ambient import Clock, Randomness, Telemetry
from broker.ports.stores import Authorizations, Descriptions
from broker.providers.entra.token_endpoint import OIDC
from broker.services import catalogue
from broker.web import links
from broker.web.links import LinkProblem
from broker.web.pages.ask import ask, ask_admin
from broker.web.pages.language import Language
from broker.web.pages.layout import Page


@dataclass(frozen=True, slots=True)
class Departure:
    """Where the browser goes next, and the cookie it takes along if it has none yet."""

    location: str = field(repr=False)
    """Holds the state."""
    cookie: Secret | None


@dataclass(frozen=True, slots=True)
class Step:
    """The step and its ports."""

    descriptions: Descriptions
    authorizations: Authorizations
    clock: Clock
    randomness: Randomness
    telemetry: Telemetry
    platform: str
    client_id: str

    def show(self, kind: LinkKind, ticket: str | None, base_url: str, language: Language) -> Page:
        """The page behind a link. Raises `LinkProblem`."""
        secret, found, connection = self._find(kind, ticket)
        if found.opened_at is None:
            self.authorizations.opened(found.record or secret.sha256(), self._now())
        action = f"{base_url}/{links.PATHS[kind]}"
        title = catalogue.find(connection.service).title
        if kind is LinkKind.ADMIN:
            return ask_admin(
                language,
                action=action,
                ticket=secret,
                connection=connection.name,
                service=title,
                created_by=found.created_by,
                resource=connection.resource,
                tenant=single_tenant(connection.tenant),
                scopes=found.scopes,
                client_id=self.client_id,
                expires_at=found.expires_at,
            )
        account = connection.account
        known = account.username if account and not found.allow_account_change else None
        return ask(
            language,
            action=action,
            ticket=secret,
            connection=connection.name,
            service=title,
            created_by=found.created_by,
            resource=connection.resource,
            tenant=single_tenant(connection.tenant),
            scopes=found.scopes,
            grants=connection.grants,
            account=known or connection.expected.username or "",
            expires_at=found.expires_at,
        )

    def begin(
        self, kind: LinkKind, ticket: str | None, cookie: Secret | None, base_url: str
    ) -> Departure:
        """A new attempt. Raises `LinkProblem`."""
        secret, found, connection = self._find(kind, ticket)
        digest, now = found.record or secret.sha256(), self._now()
        if not self.authorizations.start(digest, now, links.STARTS):
            raise LinkProblem("link_used_up")
        browser = cookie or self.randomness.secret()
        state, verifier = self.randomness.secret(), self.randomness.secret()
        attempt = State(
            kind=kind,
            name=connection.name,
            incarnation=connection.incarnation,
            epoch=connection.epoch,
            link=found.link,
            ticket=digest,
            cookie=browser.sha256(),
            nonce=self.randomness.secret().open(),
            verifier=verifier,
            redirect_uri=f"{base_url}/callback",
            scopes=found.scopes,
            expires_at=Instant(now + links.ATTEMPT_SECONDS),
            allow_account_change=found.allow_account_change,
        )
        self.authorizations.put_state(state.sha256(), attempt)
        self.telemetry.note("attempt", connection=connection.name, kind=kind.value)
        location = self._location(connection, attempt, state)
        return Departure(location, None if cookie else browser)

    def _now(self) -> Instant:
        return Instant(int(self.clock()))

    def _find(self, kind: LinkKind, text: str | None) -> tuple[Secret, Ticket, Connection]:
        """The ticket and its connection, if both still hold."""
        secret = links.value(text)
        found = self.authorizations.ticket(secret.sha256()) if secret else None
        if secret is None or found is None:
            raise LinkProblem("link_unknown")
        if found.kind is not kind:
            raise LinkProblem("link_wrong_kind")
        if found.expires_at <= self.clock():
            raise LinkProblem("link_expired")
        connection = self.descriptions.describe(found.name)
        if connection is None or connection.incarnation != found.incarnation:
            raise LinkProblem("link_unknown")
        if connection.link != found.link:
            raise LinkProblem("link_replaced" if connection.tickets else "link_finished")
        return secret, found, connection

    def _location(self, connection: Connection, attempt: State, state: Secret) -> str:
        """Microsoft's page for this attempt."""
        common = {
            "client_id": self.client_id,
            "redirect_uri": attempt.redirect_uri,
            "state": state.open(),
        }
        if attempt.kind is LinkKind.ADMIN:
            # The endpoint takes a tenant or `organizations`, never `common` or `consumers`.
            # https://learn.microsoft.com/entra/identity-platform/v2-admin-consent
            shared = connection.tenant in SHARED_TENANTS
            tenant = "organizations" if shared else connection.tenant
            query = {**common, "scope": " ".join(attempt.scopes)}
            return f"{self.platform}/{tenant}/v2.0/adminconsent?{urlencode(query)}"
        query = {
            **common,
            "response_type": "code",
            "response_mode": "query",
            "scope": f"{OIDC} {' '.join(attempt.scopes)}",
            "nonce": attempt.nonce,
            "code_challenge": links.challenge(attempt.verifier),
            "code_challenge_method": "S256",
            # People have several accounts; a silent sign-in would take whichever is there.
            "prompt": "select_account",
        }
        return f"{self.platform}/{connection.tenant}/oauth2/v2.0/authorize?{urlencode(query)}"
