"""What workers get done while Microsoft throttles: one by one, for each knows only what it was
told itself (`broker.providers.throttling`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heapreplace

from broker.domain.names import Incarnation
from broker.providers.diagnosis import Diagnosis
from broker.providers.entra.diagnosis import diagnose
from broker.providers.terms import Endpoint
from broker.providers.throttling import Pauses
from local.simulation.scenario import Throttle

AUTHORITY = "https://login.microsoftonline.com/common"
QUICK = 0.15
"""Seconds of a redemption that is refused at once."""
UNASKED = 0.05
"""Seconds of one that is answered in a pause: the calls to AWS alone."""


@dataclass(slots=True)
class Minute:
    """What became of the orders, in the order they were taken; times are seconds."""

    good: list[tuple[int, int]] = field(default_factory=list)
    """Connection and moment."""
    told: list[tuple[int, int, int]] = field(default_factory=list)
    """Connection, moment, and how long to wait: by Microsoft."""
    held: list[tuple[int, int, int]] = field(default_factory=list)
    """The same, by the broker itself: Microsoft was not asked."""

    @property
    def taken(self) -> int:
        """Orders that were worked on."""
        return len(self.good) + len(self.told) + len(self.held)


class Crew:
    """Workers, each an environment."""

    def __init__(self, workers: int, latency: float) -> None:
        self.memories = [Pauses() for _ in range(workers)]
        self.latency = latency

    def work(self, orders: list[int], now: int, seconds: int, spell: Throttle) -> Minute:
        """Take orders for so many seconds from `now` on."""
        found, room, answer = Minute(), spell.limit, _answer(spell)
        free = [(float(now), number) for number in range(len(self.memories))]
        for one in orders:
            moment, number = free[0]
            if moment >= now + seconds:
                break
            memory, at = self.memories[number], int(moment)
            paused = memory.current(AUTHORITY, moment)
            if paused:
                found.held.append((one, at, paused.retry_after or 0))
                cost = UNASKED
            elif room:
                room -= 1
                memory.heard(AUTHORITY, Incarnation(str(one)), None, moment)
                found.good.append((one, at))
                cost = self.latency
            else:
                memory.heard(AUTHORITY, Incarnation(str(one)), answer, moment)
                found.told.append((one, at, spell.retry_after))
                cost = QUICK
            heapreplace(free, (moment + cost, number))
        return found


def _answer(spell: Throttle) -> Diagnosis:
    headers = {"retry-after": str(spell.retry_after)}
    return diagnose(Endpoint.REFRESH, 429, headers, b"Too Many Requests", 0.0)
