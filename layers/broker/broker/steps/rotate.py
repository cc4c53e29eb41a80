"""rotate: finds what is due through the index and feeds the queue; never a scan.

It changes nothing itself, so overlapping runs and lost runs do no harm: a connection stays due
until it has been redeemed, and an order that comes too late is recognized by its generation or by
the connection's next due time. For the same reason a run must not send the whole of a backlog, or
every run would send it again: it fills the queue up to what refresh can do until the next run.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from broker.domain.connection import Due
from broker.domain.names import Instant
from broker.lifecycle import policy
from broker.ports.ambient import Clock, Randomness, Telemetry
from broker.ports.outside import Queue, RefreshRequest
from broker.ports.stores import Vault

PAGE = 50
BATCH = 10
"""SQS takes at most ten messages a call."""
RESERVE = 5.0
"""Seconds left at which a run stops; the next one carries on with the oldest."""
PACE = 5
"""Redemptions a second that one worker of the queue may do at the very best. Too many orders cost
a refused write each, too few leave workers idle."""


def window(workers: int, minutes: int) -> int:
    """Orders that may be in the queue: what `workers` can do until the next run, in `minutes`."""
    return workers * minutes * 60 * PACE


@dataclass(frozen=True, slots=True)
class Step:
    """The step and its ports."""

    vault: Vault
    queue: Queue
    clock: Clock
    randomness: Randomness
    telemetry: Telemetry
    shards: int
    window: int = window(5, 1)

    def run(self, left: Callable[[], float]) -> int:
        """Send orders for what is due, the oldest of each shard first, as long as the queue has
        room; answers how many. `left`: seconds of time."""
        now = Instant(int(self.clock()))
        room = self.window - self.queue.waiting()
        first = int(self.randomness.between(0, self.shards))
        turns: deque[tuple[int, Due | None]] = deque(
            ((first + offset) % self.shards, None) for offset in range(self.shards)
        )
        sent, oldest = 0, now
        pending: list[Due] = []
        # Each shard has its first turn, room or not: the oldest of all tells how late we are.
        while turns and left() > RESERVE:
            shard, after = turns.popleft()
            found, after = self.vault.due(shard, now, PAGE, after)
            oldest = min([oldest, *(one.due_at for one in found)])
            pending += found[: max(0, room - sent - len(pending))]
            while len(pending) >= BATCH:
                sent += self._send(pending[:BATCH])
                del pending[:BATCH]
            if after and sent + len(pending) < room:
                turns.append((shard, after))
        if pending:
            sent += self._send(pending)
        self.telemetry.count("RotationsSent", sent)
        self.telemetry.count("OldestOverdueSeconds", now - oldest)
        self.telemetry.count("NextBreakSeconds", policy.left(now - oldest), service="grants")
        self.telemetry.note("rotated", sent=sent, overdue_seconds=now - oldest)
        return sent

    def _send(self, found: Sequence[Due]) -> int:
        return self.queue.send(
            [
                RefreshRequest(one.name, one.incarnation, "schedule", generation=one.generation)
                for one in found
            ]
        )
