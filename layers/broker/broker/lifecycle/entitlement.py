"""What is tried right after a consent, while the owner waits: the grant is stored already.

Each further resource is redeemed once, and the account is checked against its service. What fails
here is told on the page with its remedy, and undoes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from broker.domain import scopes
from broker.domain.connection import Check, Connection
from broker.ports.ambient import Clock, Telemetry
from broker.ports.errors import Unavailable
from broker.ports.outside import Queue, Refresher, RefreshRequest, Verifier
from broker.services import catalogue, checks

EXTRA_RESERVE = 8.0
"""Seconds that must be left to wait for one more resource; else it is done in the background."""
VERIFY_SECONDS = 6.0
"""For the calls of the check afterwards."""
VERIFY_RESERVE = 3.0
"""Seconds kept for its start and for the answer to the browser."""


@dataclass(frozen=True, slots=True)
class Followup:
    """The trials and their ports."""

    refresher: Refresher
    verifier: Verifier
    queue: Queue
    clock: Clock
    telemetry: Telemetry

    def run(
        self, connection: Connection, wanted: Sequence[str], deadline: float
    ) -> tuple[Check, ...]:
        """The findings, by `deadline` (the clock's seconds). `wanted`: the consented scopes."""
        return self._others(connection, wanted, deadline) + self._reached(connection, deadline)

    def _others(
        self, connection: Connection, wanted: Sequence[str], deadline: float
    ) -> tuple[Check, ...]:
        """Each further resource of the consent, redeemed once by refresh."""
        found = []
        for resource in scopes.group(wanted):
            if resource == connection.resource:
                continue
            order = RefreshRequest(connection.name, connection.incarnation, "consent", resource)
            try:
                if self.clock() + EXTRA_RESERVE > deadline:
                    self._later(order)
                    continue
                problem = self.refresher.run(order)
            except Unavailable:
                self._later(order)
                continue
            check = checks.failed(resource, problem) if problem else checks.passed(resource, "")
            found.append(check)
        return tuple(found)

    def _later(self, order: RefreshRequest) -> None:
        """Through the queue, which brings an order back that finds somebody else redeeming."""
        try:
            self.queue.send([order])
        except Unavailable as error:
            self.telemetry.note("followup_failed", service=error.service, code=error.code)

    def _reached(self, connection: Connection, deadline: float) -> tuple[Check, ...]:
        """Whether the account reaches its service, where that can be tried in time.

        Without a developer token it cannot, which is no fault of the owner's.
        """
        probe = catalogue.find(connection.service).probe
        seconds = min(VERIFY_SECONDS, deadline - self.clock() - VERIFY_RESERVE)
        able = probe and (probe.kind == "graph" or "developer_token" in connection.parameters)
        if not able or seconds < 1:
            return ()
        try:
            return tuple(self.verifier.run(connection.name, connection.incarnation, seconds))
        except Unavailable as error:
            self.telemetry.note("verify_failed", service=error.service, code=error.code)
            return ()
