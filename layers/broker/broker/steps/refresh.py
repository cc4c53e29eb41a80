"""refresh: redeems the refresh token under the lease, stores the new one, drops the old.

Everything is read from the store anew; an order brings names and reasons only.
"""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain import scopes
from broker.domain.connection import Connection
from broker.domain.names import Instant
from broker.domain.problems import Problem
from broker.lifecycle import policy
from broker.lifecycle.imports import adopt
from broker.lifecycle.redemption import Answered, Job, Ports
from broker.ports.errors import Unavailable
from broker.ports.outside import RefreshRequest
from broker.sealing.envelope import SealBroken


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
        if order.reason == "schedule" and order.generation is not None and not connection.due(now):
            # Another order of the schedule has been here, and Microsoft refused, or gave no new
            # refresh token, so that the generation does not tell.
            self.connections.release(connection.name, connection.incarnation, owner)
            return None
        problem: Problem | None = None
        try:
            if order.reason == "import":
                adopt(self, connection, now)
            else:
                _look(order, connection, now)
                problem = Job(self, connection, owner).redeem(order)
        except Problem as refusal:
            self.connections.release(connection.name, connection.incarnation, owner)
            return refusal
        except Answered:
            raise  # the lease is left to lapse, or each waiting caller would have Microsoft answer
        except (Unavailable, SealBroken):
            self.connections.release(connection.name, connection.incarnation, owner)
            raise
        return problem

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


def _look(order: RefreshRequest, connection: Connection, now: Instant) -> None:
    """Raises if somebody else has tried, and failed, since the caller looked; what the caller is
    told then is on record."""
    if order.reason not in ("caller", "ahead"):
        return
    key = scopes.single(order.scope).key if order.scope else None
    failure = connection.failures.get(key) if key else connection.last_error
    if failure and failure.retry_at > now:
        raise Problem("refresh_in_progress", retry_after=failure.retry_at - now)
