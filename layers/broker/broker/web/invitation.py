"""A fresh pair of links, for an owner and for an administrator."""

from __future__ import annotations

from dataclasses import dataclass, field

from broker.domain.attempts import LinkKind, OpenLink, Ticket
from broker.domain.connection import Connection
from broker.ports.ambient import Randomness
from broker.ports.stores import Authorizations
from broker.services.forecast import Forecast, forecast
from broker.web import links, representation


@dataclass(frozen=True, slots=True)
class Invitation:
    """Two links. Secrets: whoever has one may consent, or approve."""

    authorize_url: str = field(repr=False)
    admin_consent_url: str = field(repr=False)
    tickets: tuple[str, str]
    """SHA-256 of each, for the connection."""
    opened: OpenLink
    foretold: Forecast
    """Whether an administrator will have to approve."""

    def shown(self) -> dict[str, str]:
        """As operators get them."""
        expires_at = self.opened.expires_at
        pair = representation.links(self.authorize_url, self.admin_consent_url, expires_at)
        return pair | representation.forecast(self.foretold)


def expectation(connection: Connection, opened: OpenLink) -> Forecast:
    """Whether an administrator will have to approve what this link asks for."""
    tenant = connection.expected.tenant_id or connection.tenant
    return forecast(opened.scopes, tenant, connection.identity_provider)


def invite(
    authorizations: Authorizations,
    randomness: Randomness,
    connection: Connection,
    opened: OpenLink,
    base_url: str,
) -> Invitation:
    """Two tickets of the connection's next link, stored before anyone can hold them. They lead
    somewhere once the connection says that they are its link's."""
    values = {kind: randomness.secret() for kind in LinkKind}
    for kind, secret in values.items():
        ticket = Ticket(
            kind=kind,
            name=connection.name,
            incarnation=connection.incarnation,
            link=connection.link + 1,
            expires_at=opened.expires_at,
        )
        authorizations.put_ticket(secret.sha256(), ticket)
    authorize, admin = values[LinkKind.AUTHORIZE], values[LinkKind.ADMIN]
    return Invitation(
        links.url(base_url, LinkKind.AUTHORIZE, authorize),
        links.url(base_url, LinkKind.ADMIN, admin),
        (authorize.sha256(), admin.sha256()),
        opened,
        expectation(connection, opened),
    )
