"""Who came back from the identity provider, and what every page about it tells. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from broker.domain.attempts import LinkKind, OpenLink, State
from broker.domain.connection import Connection, titled
from broker.domain.names import single_tenant
from broker.domain.secret import Secret
from broker.services import catalogue
from broker.web.outcomes import Ending


@dataclass(frozen=True, slots=True)
class Return:
    """An owner or administrator who came back, in time and by a link that is still open."""

    state: Secret
    attempt: State
    params: Mapping[str, str] = field(repr=False)
    """Microsoft's answer: holds the code."""
    started: float
    connection: Connection
    link: OpenLink

    def ending(self, page: str) -> Ending:
        """What every page about it tells."""
        return Ending(
            page,
            connection=titled(self.connection),
            purpose=self.connection.purpose,
            service=catalogue.find(self.connection.service).title,
            tenant=single_tenant(self.connection.tenant),
            scopes=self.link.scopes,
            reader="tenant_admin" if self.attempt.kind is LinkKind.ADMIN else "owner",
            identity_provider=self.connection.identity_provider,
        )
