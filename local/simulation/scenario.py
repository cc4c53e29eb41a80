"""What happens to the fleet, and when. Times are seconds from the start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

HOUR = 3600
DAY = 24 * HOUR


@dataclass(frozen=True, slots=True)
class Spell:
    """A time during which something is not as it should be."""

    start: int
    end: int

    def holds(self, now: int) -> bool:
        """Whether it is now."""
        return self.start <= now < self.end


@dataclass(frozen=True, slots=True)
class Silence(Spell):
    """Microsoft does not answer: both attempts of a redemption run into their timeout."""


@dataclass(frozen=True, slots=True)
class Outage(Spell):
    """Microsoft answers 503, twice."""


@dataclass(frozen=True, slots=True)
class Throttle(Spell):
    """Beyond `limit` redemptions a minute Microsoft answers 429 and `Retry-After`."""

    limit: int
    retry_after: int


@dataclass(frozen=True, slots=True)
class Down(Spell):
    """The broker itself does nothing at all."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """All of it. Everyone consents at the start, which is the worst wave there can be."""

    connections: int = 1_000_000
    days: int = 30
    in_use: float = 0.02
    """The part of the connections that jobs use all the time."""
    workers: int = 60
    """`QueueConcurrency`."""
    latency: float = 0.35
    """Seconds a redemption takes: Microsoft, and the seven calls to AWS."""
    revoked: float = 0.001
    """The part of the connections whose owner withdraws the grant, each day."""
    flukes: float = 1e-5
    """The part of the redemptions that are refused without a reason (a bare AADSTS70000)."""
    seed: int = 1
    spells: Sequence[Spell] = ()


def calm(connections: int = 1_000_000, days: int = 30) -> Scenario:
    """A month in which only owners withdraw grants, and Microsoft is odd now and then."""
    return Scenario(connections=connections, days=days)


def bad(connections: int = 1_000_000, days: int = 30) -> Scenario:
    """A month in which everything fails for hours, as far as it has the days for it."""
    planned: list[Spell] = [
        Outage(3 * DAY + 9 * HOUR, 3 * DAY + 11 * HOUR),
        Silence(6 * DAY + 20 * HOUR, 7 * DAY + 2 * HOUR),
        Down(10 * DAY, 10 * DAY + 12 * HOUR),
        Throttle(14 * DAY, 14 * DAY + 8 * HOUR, limit=connections // 1000, retry_after=60),
        Outage(20 * DAY, 20 * DAY + 12 * HOUR),
    ]
    kept = [spell for spell in planned if spell.end < days * DAY]
    return Scenario(connections=connections, days=days, spells=kept)
