"""verify: does this connection really reach its service? Changes nothing but the stored tokens.

In order: can a token be had, does it hold what the service requires, does the service accept it.
What depends on a failed check is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from broker.domain import scopes
from broker.domain.connection import Check, Connection, Sealed, Token
from broker.domain.names import Incarnation, Name
from broker.domain.problems import Problem
from broker.domain.secret import Secret
from broker.ports.ambient import Clock, Telemetry
from broker.ports.errors import Unavailable
from broker.ports.outside import Api, Refresher, RefreshRequest
from broker.ports.stores import Leases
from broker.sealing.envelope import PARAMETERS, Keys, Purpose, encryption_context, unseal
from broker.services import catalogue, checks, probes
from broker.services.probes import Stale, Target

BUDGET = 26.0
"""Seconds in all: API Gateway gives up after 29."""
FORCE_SECONDS = 8.0
"""Seconds that must be left to wait for one more redemption."""
FRESH = 60
"""Seconds: a token obtained since then proves that it can be had, and 15 identical redemptions in
5 minutes would make Microsoft throttle (AADSTS50196)."""


@dataclass(frozen=True, slots=True)
class Step:
    """The step and its ports. `hosts`: kind of probe → URL in place of the catalogue's."""

    connections: Leases
    keys: Keys
    refresher: Refresher
    api: Api
    clock: Clock
    telemetry: Telemetry
    stack: str
    hosts: Mapping[str, str]

    def run(
        self, name: Name, incarnation: Incarnation | None = None, seconds: float = BUDGET
    ) -> list[Check]:
        """The checks, in order; the last one tells whether all is well. Raises `not_found`.

        `incarnation`: only of this one. `seconds`: after them no further call is begun.
        """
        deadline = self.clock() + seconds
        connection = self._read(name, incarnation)
        done = list(self._checks(connection, lambda: deadline - self.clock()))
        failure = next((check for check in done if not check.ok), None)
        self.telemetry.count("Verifications", code=failure.code or "" if failure else "ok")
        self.telemetry.note(
            "verify", connection=name, code=failure.code if failure else "ok", kind=done[-1].name
        )
        return done

    def _read(self, name: Name, incarnation: Incarnation | None) -> Connection:
        found = self.connections.get(name)
        if found is None or incarnation not in (None, found.incarnation):
            raise Problem("not_found")
        return found

    def _checks(self, connection: Connection, left: Callable[[], float]) -> Iterator[Check]:
        first, connection = self._refresh(connection)
        yield first
        token = self._token(connection)
        if token is None:
            return
        yield (held := self._scopes(connection, token))
        if not held.ok:
            return
        try:
            # Whole or not at all: what is tried again tells each check once.
            yield from list(self._probe(connection, token, left))
        except Stale as stale:
            # Fault 109: a token that is too old by the service's clock; once more with a new one.
            if left() < FORCE_SECONDS:
                yield stale.check
                return
            problem, connection = self._force(connection)
            token = self._token(connection)
            if problem or token is None:
                yield stale.check
                return
            try:
                yield from self._probe(connection, token, left)
            except Stale as again:
                yield again.check

    def _refresh(self, connection: Connection) -> tuple[Check, Connection]:
        """Whether a token can be had now."""
        token = self._token(connection)
        age = int(self.clock() - token.obtained_at) if token else FRESH
        if token and age < FRESH:
            return checks.passed("refresh", f"A token was obtained {age} s ago."), connection
        problem, connection = self._force(connection)
        token = self._token(connection)
        if problem and not (token and problem.code == "refresh_in_progress"):
            return checks.failed("refresh", problem), connection
        if token is None:
            return checks.failed("refresh", Problem("refresh_in_progress")), connection
        return checks.passed("refresh", "A token was obtained now."), connection

    def _force(self, connection: Connection) -> tuple[Problem | None, Connection]:
        """One redemption, and the connection after it."""
        order = RefreshRequest(connection.name, connection.incarnation, "verify")
        try:
            problem = self.refresher.run(order)
        except Unavailable as error:
            self.telemetry.note("refresh_failed", service=error.service, code=error.code)
            problem = Problem("broker_unavailable")
        return problem, self._read(connection.name, connection.incarnation)

    def _token(self, connection: Connection) -> Token | None:
        """The valid token of the service's own resource."""
        return connection.token(connection.resource, self.clock())

    def _scopes(self, connection: Connection, token: Token) -> Check:
        required = catalogue.required(connection.service, connection.resource)
        lacking = scopes.missing(scopes.answered(token.scope, token.resource), required)
        if lacking:
            return checks.found("scopes", "ScopesMissing", f"Missing: {' '.join(lacking)}.")
        return checks.passed("scopes", "The token holds what the service requires.")

    def _probe(
        self, connection: Connection, token: Token, left: Callable[[], float]
    ) -> Iterator[Check]:
        """The service's own API."""
        probe = catalogue.find(connection.service).probe
        if probe is None:
            yield checks.passed("service", "Only the token was checked, not the service's API.")
            return
        secret = self._open(connection, "access_token", token.sealed, token.resource)
        target = Target(self.api, probe.at(self.hosts), secret, left)
        if probe.kind == "graph":
            yield from probes.graph(target, scopes.answered(token.scope, token.resource))
        else:
            yield from probes.advertising(target, self._parameters(connection))

    def _parameters(self, connection: Connection) -> dict[str, Secret]:
        return {
            name: self._open(connection, PARAMETERS[name], sealed)
            for name, sealed in connection.parameters.items()
        }

    def _open(
        self, connection: Connection, purpose: Purpose, sealed: Sealed, resource: str = "-"
    ) -> Secret:
        incarnation = connection.incarnation
        where = encryption_context(
            self.stack, incarnation, purpose, sealed.generation, sealed.epoch, resource
        )
        return unseal(self.keys, where, sealed.data)
