"""refresh: redeems the refresh token under the lease, stores the new one, drops the old.

Everything is read from the store anew; an order brings names and reasons only.
"""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.connection import Connection
from broker.domain.names import Instant
from broker.domain.problems import Problem
from broker.lifecycle import policy
from broker.lifecycle.imports import adopt
from broker.lifecycle.redemption import Job, Ports
from broker.lifecycle.result import Abandoned, Lapsing, Refused, Result, Stored
from broker.lifecycle.serving import bar
from broker.ports.errors import Unavailable
from broker.ports.outside import RefreshRequest
from broker.sealing.envelope import SealBroken

FOR_CALLERS = ("caller", "ahead")
"""Reasons of orders that callers cause: the limits of `serving.bar` are theirs."""


@dataclass(frozen=True, slots=True)
class Step(Ports):
    """The step and its ports."""

    def run(self, order: RefreshRequest) -> Problem | None:
        """Redeem; None if there is a new token, else why not. Raises `Unavailable`."""
        now, owner = self._now(), order.owner or self.randomness.id()
        until = Instant(now + policy.LEASE)
        connection = self.connections.lease(
            order.connection, order.incarnation, owner, now, until, order.generation
        )
        if connection is None:
            return self._lost(order)
        try:
            result = self._redeem(order, connection, owner, now)
        except (Unavailable, SealBroken):
            self._release(connection, owner)
            raise
        match result:
            case Stored():
                return None
            case Refused(problem):
                return problem
            case Abandoned(reason):
                self._release(connection, owner)
                return reason
            case Lapsing(error):
                raise error

    def _redeem(
        self, order: RefreshRequest, connection: Connection, owner: str, now: Instant
    ) -> Result:
        """What the order asks for, if it still makes sense."""
        if order.reason == "schedule" and order.generation is not None and not connection.due(now):
            # Another order of the schedule has been here, and Microsoft refused, or gave no new
            # refresh token, so that the generation does not tell.
            return Abandoned(None)
        if order.reason == "import":
            return adopt(self, connection, now)
        resource = order.resource or connection.resource
        if resource not in connection.scope_sets:
            return Abandoned(Problem("scope_not_granted", "The connection has no such resource."))
        if connection.ended:
            if order.reason == "schedule":
                self.custody.retire(connection)
            return Abandoned(connection.broken(now))
        if order.reason in FOR_CALLERS and (barred := bar(connection, resource, now)):
            # Somebody else has tried since the caller looked.
            return Abandoned(barred)
        job = Job(self, connection, owner, order.client_authentication)
        return job.redeem(connection.scope_sets[resource])

    def _release(self, connection: Connection, owner: str) -> None:
        self.connections.release(connection.name, connection.incarnation, owner)

    def _now(self) -> Instant:
        return Instant(int(self.clock()))

    def _lost(self, order: RefreshRequest) -> Problem | None:
        """Someone else redeems, or has redeemed, or the connection is gone."""
        connection = self.connections.get(order.connection)
        if connection is None or connection.incarnation != order.incarnation:
            return Problem("not_found")
        if order.generation is not None and connection.generation > order.generation:
            return None
        return Problem("refresh_in_progress")
