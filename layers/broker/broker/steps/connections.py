"""connections: creates, lists, shows, changes and deletes connections, and makes links."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from broker.domain.attempts import OpenLink
from broker.domain.connection import Connection, Sealed, Status
from broker.domain.credentials import CredentialKind
from broker.domain.names import SHARED_TENANTS, Incarnation, Instant, Name, is_guid
from broker.domain.problems import Problem
from broker.domain.secret import Secret
from broker.lifecycle.events import tell
from broker.ports.ambient import Clock, Randomness
from broker.ports.outside import Events, Refresher, RefreshRequest
from broker.ports.stores import Authorizations, Candidates, Connections, Consents
from broker.providers.platform import Registrations
from broker.sealing.envelope import PARAMETERS, Keys, encryption_context, seal
from broker.services import catalogue
from broker.web import audit, bodies, representation
from broker.web.audit import Done
from broker.web.invitation import Invitation, invite

TRIES = 3
"""Times a change without a version is repeated when somebody else is quicker."""
IMPORT_SECONDS = 300
"""How long a refresh token that was handed in waits to be proven."""


@dataclass(frozen=True, slots=True)
class Step:
    """The step and its ports. `base_url`: where browsers reach the broker."""

    connections: Connections
    consents: Consents
    authorizations: Authorizations
    candidates: Candidates
    token_keys: Keys
    vault_keys: Keys
    refresher: Refresher
    events: Events
    clock: Clock
    randomness: Randomness
    stack: str
    registrations: Registrations
    allowed_tenants: tuple[str, ...]
    link_days: int

    def create(self, wish: bodies.Creation, created_by: str, base_url: str) -> Done:
        """A new connection and its links. Raises `already_exists`, `tenant_not_allowed`."""
        now = self._now()
        plan = catalogue.plan(wish.service, wish.resource, wish.scopes)
        tenant = wish.tenant or wish.service.tenant
        self._admit(tenant)
        client = self.registrations.of("microsoft")
        incarnation = Incarnation(self.randomness.id())
        connection = Connection(
            name=wish.connection,
            incarnation=incarnation,
            service=wish.service.name,
            resource=plan.resource,
            tenant=tenant,
            scopes=plan.scopes,
            client_id=client.client_id,
            authority=client.platform.authority(tenant),
            created_at=now,
            created_by=created_by,
            expected=wish.account,
            identity_provider=wish.identity_provider,
            display_name=wish.display_name,
            purpose=wish.purpose,
            contacts=wish.contacts,
            grants=wish.grants,
            labels=wish.labels,
            parameters={
                key: self._seal(incarnation, key, secret, 1, 0)
                for key, secret in wish.parameters.items()
                if secret is not None
            },
        )
        opened = self._opened(plan.scopes, created_by, send=wish.send_link)
        made = self._invite(connection, opened, base_url)
        connection = replace(connection, link=1, tickets=made.tickets, open_link=made.opened)
        if not self.connections.create(connection):
            raise Problem("already_exists")
        self._send(connection, opened)
        answer = {"connection": connection.name, "status": connection.status.value}
        told = audit.changes(None, connection) | audit.link(connection)
        return Done(answer | made.shown(), told)

    def list(
        self, status: Status | None, limit: int, cursor: tuple[str, str] | None
    ) -> dict[str, Any]:
        """A page of connections and where to go on."""
        page, after = self.connections.page(status, limit, cursor, representation.size)
        return {
            "connections": [representation.connection(connection) for connection in page],
            "next_cursor": representation.cursor(after) if after else None,
        }

    def show(self, name: Name) -> dict[str, Any]:
        """One connection, all but secrets. Raises `not_found`."""
        connection = self._find(name)
        return representation.connection(
            connection, *map(self.authorizations.ticket, connection.tickets)
        )

    def change(self, name: Name, wish: bodies.Change) -> Done:
        """Merge patch (RFC 7396). Raises `not_found`, `conflict`."""
        for _ in range(TRIES):
            before = self._find(name)
            if wish.version is not None and wish.version != before.version:
                raise Problem("conflict")
            version = before.version + 1
            sealed = {
                key: self._seal(before.incarnation, key, secret, version, before.epoch)
                for key, secret in wish.parameters.items()
                if secret is not None
            }
            kept = {k: v for k, v in before.parameters.items() if k not in wish.parameters}
            after = replace(before, parameters=kept | sealed, **wish.applied(before))
            if self.connections.change(before, after):
                return Done(self.show(name), audit.changes(before, after))
        raise Problem("conflict")

    def delete(self, name: Name) -> Done:
        """Connection and refresh token are gone; links and attempts with them."""
        connection = self._find(name)
        if not self.consents.remove(connection):
            raise Problem("not_found")
        tell(self.events, "Connection Deleted", connection, connection.status)
        return Done({}, {"grants_removed": audit.grants(connection.grants)})

    def reauthorize(self, name: Name, wish: bodies.Renewal, created_by: str, base_url: str) -> Done:
        """A new pair of links; earlier links and attempts end."""
        for _ in range(TRIES):
            connection = self._find(name)
            wanted = connection.scopes
            if wish.scopes:
                service = catalogue.find(connection.service)
                host = connection.resource if service.resource else None
                wanted = catalogue.plan(service, host, wish.scopes).scopes
            if wish.send_link:
                bodies.reachable(connection.contacts)
            opened = self._opened(
                wanted,
                created_by,
                allow_account_change=wish.allow_account_change,
                send=wish.send_link,
            )
            made = self._invite(connection, opened, base_url)
            if self.connections.link(connection, made.tickets, opened):
                after = replace(connection, link=connection.link + 1, open_link=opened)
                self._send(after, opened)
                return Done(made.shown(), audit.link(after))
        raise Problem("conflict")

    def refresh(self, name: Name, kind: CredentialKind | None = None) -> Done:
        """Redeem now, with that kind of credential alone if one is named; then as `show`. Raises
        why not."""
        self._order(self._find(name), "operator", kind)
        return Done(self.show(name), {"kind": kind})

    def adopt(self, name: Name, refresh_token: Secret) -> Done:
        """Import a refresh token that this client id holds already: sealed at once, and the
        connection's only after it has been redeemed."""
        connection, now = self._find(name), self._now()
        epoch = connection.epoch
        where = encryption_context(self.stack, connection.incarnation, "import", now, epoch)
        sealed = Sealed(seal(self.vault_keys, where, refresh_token), now, epoch)
        self.candidates.put(connection.incarnation, sealed, Instant(now + IMPORT_SECONDS))
        self._order(connection, "import")
        return Done(self.show(name), {})

    def _order(
        self, connection: Connection, reason: str, kind: CredentialKind | None = None
    ) -> None:
        problem = self.refresher.run(
            RefreshRequest(
                connection.name, connection.incarnation, reason, client_authentication=kind
            )
        )
        if problem:
            raise problem

    def _now(self) -> Instant:
        return Instant(int(self.clock()))

    def _find(self, name: Name) -> Connection:
        connection = self.connections.get(name)
        if connection is None:
            raise Problem("not_found")
        return connection

    def _admit(self, tenant: str) -> None:
        """A tenant id that will never be admitted is refused at once."""
        allowed = self.allowed_tenants
        if allowed and is_guid(tenant) and tenant not in SHARED_TENANTS and tenant not in allowed:
            raise Problem("tenant_not_allowed", "The broker does not admit this tenant.")

    def _seal(
        self, incarnation: Incarnation, name: str, secret: Secret, generation: int, epoch: int
    ) -> Sealed:
        """A parameter for itself, so that one can be changed without opening the others."""
        where = encryption_context(self.stack, incarnation, PARAMETERS[name], generation, epoch)
        return Sealed(seal(self.token_keys, where, secret), generation, epoch)

    def _opened(self, wanted: tuple[str, ...], created_by: str, **allowed: bool) -> OpenLink:
        expires_at = Instant(self._now() + self.link_days * 86_400)
        return OpenLink(wanted, created_by, expires_at, **allowed)

    def _send(self, connection: Connection, opened: OpenLink) -> None:
        """Have the link mailed to the owner, if that is wanted: `notify` does it."""
        if opened.send:
            tell(self.events, "Connection Link Requested", connection, connection.status)

    def _invite(self, connection: Connection, opened: OpenLink, base_url: str) -> Invitation:
        return invite(self.authorizations, self.randomness, connection, opened, base_url)
