"""What operators are told about a client credential: metrics and events, by kind and provider."""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.credentials import CredentialKind
from broker.domain.names import IdentityProvider, Instant, rfc3339
from broker.domain.problems import KINDS, Problem
from broker.ports.ambient import Telemetry
from broker.ports.outside import Events

_ENDED = {
    CredentialKind.SECRET: "client_secret_expired",
    CredentialKind.CERTIFICATE: "client_certificate_expired",
}
"""The code of a credential that has ended, whose remedy is the reminder's. What AWS issues never
ends."""


@dataclass(frozen=True, slots=True)
class Notices:
    """About the credentials of one kind at one identity provider."""

    events: Events
    telemetry: Telemetry
    kind: CredentialKind
    identity_provider: IdentityProvider

    def count_refused(self) -> None:
        """It was refused, or could not be read."""
        self.telemetry.count(
            "CredentialRefused",
            service="client-credential",
            kind=self.kind,
            identity_provider=self.identity_provider,
        )

    def count_worked(self) -> None:
        """It was taken."""
        self.telemetry.count(
            "CredentialWorked",
            service="client-credential",
            kind=self.kind,
            identity_provider=self.identity_provider,
        )

    def count_left(self, seconds: float) -> None:
        """Its remaining life."""
        self.telemetry.count(
            "CredentialLeftSeconds",
            seconds,
            service="client-credential",
            kind=self.kind,
            identity_provider=self.identity_provider,
        )

    def tell_failing(self, problem: Problem) -> None:
        """The event that it is refused."""
        self._tell("Client Credential Failing", problem)

    def tell_expiring(self, expires_at: Instant) -> None:
        """The reminder of its end."""
        code = _ENDED[self.kind]
        problem = Problem(code, KINDS[code].remedy)
        self._tell("Client Credential Expiring", problem, expires_at=rfc3339(expires_at))

    def _tell(self, event: str, problem: Problem, **more: str) -> None:
        detail = {
            "kind": self.kind.value,
            "identity_provider": self.identity_provider,
            "code": problem.code,
            "actor": problem.actor,
            "remedy": problem.remedy,
        }
        self.events.publish(event, {**detail, **more})
