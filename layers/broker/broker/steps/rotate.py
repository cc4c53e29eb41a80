"""rotate: finds what is due through the index and feeds the queue; never a scan.

It changes nothing itself, so overlapping runs and lost runs do no harm: a connection stays due
until it has been redeemed, and an order that comes too late is recognized by its generation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from broker.model import Due
from broker.names import Instant
from broker.ports import Chance, Clock, Journal, Order, Queue, Vault

PAGE = 100
BATCH = 10
"""SQS takes at most ten messages a call."""
RESERVE = 5.0
"""Seconds left at which a run stops; the next one carries on with the oldest."""


@dataclass(frozen=True, slots=True)
class Step:
    """The step and its ports."""

    vault: Vault
    queue: Queue
    clock: Clock
    chance: Chance
    journal: Journal
    shards: int

    def run(self, left: Callable[[], float]) -> int:
        """Send an order for everything that is due; answers how many. `left`: seconds of time."""
        now = Instant(int(self.clock()))
        first = int(self.chance.between(0, self.shards))
        sent, oldest = 0, now
        for offset in range(self.shards):
            after: Due | None = None
            while left() > RESERVE:
                found, after = self.vault.due((first + offset) % self.shards, now, PAGE, after)
                oldest = min([oldest, *(one.due_at for one in found)])
                sent += sum(
                    self._send(found[start : start + BATCH])
                    for start in range(0, len(found), BATCH)
                )
                if after is None:
                    break
        self.journal.count("RotationsSent", sent)
        self.journal.count("OldestOverdueSeconds", now - oldest)
        self.journal.note("rotated", sent=sent, overdue_seconds=now - oldest)
        return sent

    def _send(self, found: list[Due]) -> int:
        orders = [
            Order(one.name, one.incarnation, "schedule", generation=one.generation) for one in found
        ]
        return self.queue.send(orders)
