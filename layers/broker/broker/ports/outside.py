"""Everything else outside: HTTP, other functions, the queue, the bus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from broker.domain.connection import Check
from broker.domain.credentials import CredentialKind
from broker.domain.names import Incarnation, Name
from broker.domain.problems import Problem
from broker.domain.secret import Secret


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer, whatever its status. Header names are lower-case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Http(Protocol):
    """Connect and read timeouts, TLS verification, no redirects, no proxy of the environment."""

    def get(self, url: str, timeout: float) -> Reply:
        """The answer, or `Unreachable`."""
        ...

    def post(self, url: str, form: Mapping[str, str | Secret], timeout: float) -> Reply:
        """The answer, or `Unreachable`. `timeout`: seconds for the answer."""
        ...


class Api(Protocol):
    """A service's own API, called with a token. Same conditions as `Http`."""

    def call(
        self,
        url: str,
        headers: Mapping[str, str | Secret],
        body: Mapping[str, object] | None,
        timeout: float,
    ) -> Reply:
        """POST of a JSON body, or GET without one: the answer, or `Unreachable`."""
        ...


@dataclass(frozen=True, slots=True)
class RefreshRequest:
    """A wish to redeem: names and reasons, no secrets. `resource` None is the service's own."""

    connection: Name
    incarnation: Incarnation
    reason: str
    """caller, ahead, schedule, operator, import, consent, verify or admin."""
    resource: str | None = None
    owner: str | None = None
    """The lease's owner, if the sender has taken it already."""
    generation: int | None = None
    """Not if someone redeemed since this generation."""
    client_authentication: CredentialKind | None = None
    """With this kind of credential alone; a failure then touches no state."""


class Refresher(Protocol):
    """The function `refresh`."""

    def run(self, order: RefreshRequest) -> Problem | None:
        """Redeem now; None, or why not. `Unavailable` if it died."""
        ...

    def start(self, order: RefreshRequest) -> None:
        """Redeem soon."""
        ...


class Verifier(Protocol):
    """The function `verify`."""

    def run(self, name: Name, incarnation: Incarnation, seconds: float) -> Sequence[Check]:
        """What it found, within about so many seconds. Raises `Unavailable` if it died, or has
        nothing to tell of this incarnation."""
        ...


class Queue(Protocol):
    """The queue between rotate and refresh."""

    def send(self, orders: Sequence[RefreshRequest]) -> int:
        """Send up to 10 at once; how many were accepted."""
        ...

    def waiting(self) -> int:
        """About how many orders are in it, those that are being worked on included."""
        ...


class Events(Protocol):
    """The event bus."""

    def publish(self, kind: str, detail: Mapping[str, object]) -> None:
        """Best effort: never raises, a failure is logged."""
        ...
