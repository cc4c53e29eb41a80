"""authorize: shows who asks for what; on Continue it sends the browser to Microsoft.

Opening a link consumes nothing, so mail scanners do no harm; it gives the browser a cookie.
Continue demands the cookie, so that nobody comes to Microsoft without having seen who asks, and
makes state, nonce and PKCE verifier. What is asked for stands in the connection; the ticket only
leads there.
"""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.attempts import LinkKind, OpenLink, State
from broker.domain.connection import Connection, titled
from broker.domain.names import Instant, single_tenant
from broker.domain.secret import Secret
from broker.ports.ambient import Clock, Randomness, Telemetry
from broker.ports.stores import Authorizations, Descriptions
from broker.providers.platform import AuthorizationRequest, Registrations
from broker.services import catalogue
from broker.web import links
from broker.web.invitation import expectation
from broker.web.links import LinkProblem
from broker.web.pages.ask import ask, ask_admin
from broker.web.pages.language import Language
from broker.web.pages.layout import Page
from broker.web.pages.shapes import Asked


@dataclass(frozen=True, slots=True)
class Visit:
    """A link that works, and where it leads."""

    ticket: Secret
    digest: str
    """SHA-256 of the ticket that keeps the counts."""
    opened_at: Instant | None
    connection: Connection
    link: OpenLink


@dataclass(frozen=True, slots=True)
class Step:
    """The step and its ports."""

    descriptions: Descriptions
    authorizations: Authorizations
    clock: Clock
    randomness: Randomness
    telemetry: Telemetry
    registrations: Registrations

    def show(
        self,
        kind: LinkKind,
        ticket: str | None,
        base_url: str,
        language: Language,
        *,
        again: bool = False,
    ) -> Page:
        """The page behind a link; `again`: instead of an attempt. Raises `LinkProblem`."""
        visit = self._visit(kind, ticket)
        connection, link = visit.connection, visit.link
        if visit.opened_at is None:
            self.authorizations.opened(visit.digest, self._now())
        asked = Asked(
            action=f"{base_url}/{links.PATHS[kind]}",
            ticket=visit.ticket,
            connection=titled(connection),
            service=catalogue.find(connection.service).title,
            purpose=connection.purpose,
            created_by=link.created_by,
            resource=connection.resource,
            tenant=single_tenant(connection.tenant),
            scopes=link.scopes,
            expires_at=link.expires_at,
            again=again,
        )
        if kind is LinkKind.ADMIN:
            client = self.registrations.of(connection.identity_provider)
            return ask_admin(language, asked, client_id=client.client_id)
        account = connection.account
        known = account.username if account and not link.allow_account_change else None
        return ask(
            language,
            asked,
            grants=connection.grants,
            foretold=expectation(connection, link).reason(language),
            account=known or connection.expected.username or "",
        )

    def begin(self, kind: LinkKind, ticket: str | None, cookie: Secret, base_url: str) -> Secret:
        """A new attempt of the browser with this cookie; where it goes next, which holds the state.
        Raises `LinkProblem`."""
        visit, now = self._visit(kind, ticket), self._now()
        connection = visit.connection
        if not self.authorizations.start(visit.digest, now, links.STARTS):
            raise LinkProblem("link_used_up")
        platform = self.registrations.of(connection.identity_provider).platform
        state, verifier = self.randomness.secret(), self.randomness.secret()
        attempt = State(
            kind=kind,
            name=connection.name,
            incarnation=connection.incarnation,
            epoch=connection.epoch,
            link=connection.link,
            ticket=visit.digest,
            cookie=cookie.sha256(),
            nonce=self.randomness.secret().open(),
            verifier=verifier,
            redirect_uri=f"{base_url}{platform.redirect_path}",
            expires_at=Instant(now + links.ATTEMPT_SECONDS),
        )
        self.authorizations.put_state(state.sha256(), attempt)
        self.telemetry.note("attempt", connection=connection.name, kind=kind.value)
        return Secret(self._location(connection, visit.link, attempt, state))

    def _now(self) -> Instant:
        return Instant(int(self.clock()))

    def _visit(self, kind: LinkKind, text: str | None) -> Visit:
        """The ticket and where it leads, if all still holds."""
        secret = links.value(text)
        ticket = self.authorizations.ticket(secret.sha256()) if secret else None
        if secret is None or ticket is None:
            raise LinkProblem("link_unknown")
        if ticket.kind is not kind:
            raise LinkProblem("link_wrong_kind")
        if ticket.expires_at <= self.clock():
            raise LinkProblem("link_expired")
        connection, link = links.still_open(self.descriptions.describe(ticket.name), ticket)
        counted = self.authorizations.ticket(ticket.record) if ticket.record else ticket
        if counted and counted.starts >= links.STARTS:
            raise LinkProblem("link_used_up")
        digest = ticket.record or secret.sha256()
        return Visit(secret, digest, ticket.opened_at, connection, link)

    def _location(
        self, connection: Connection, link: OpenLink, attempt: State, state: Secret
    ) -> str:
        """The provider's page for this attempt."""
        client = self.registrations.of(connection.identity_provider)
        request = AuthorizationRequest(
            client_id=client.client_id,
            redirect_uri=attempt.redirect_uri,
            scopes=link.scopes,
            tenant=connection.tenant,
            state=state,
            nonce=attempt.nonce,
            challenge=links.challenge(attempt.verifier),
        )
        if attempt.kind is LinkKind.ADMIN:
            return client.platform.admin_consent_url(request)
        return client.platform.authorize_url(request)
