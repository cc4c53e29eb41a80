"""When to redeem and when to wait. Pure.

All durations are seconds.
"""

from __future__ import annotations

from broker.domain.connection import Connection, Token
from broker.domain.names import Instant
from broker.ports.ambient import Randomness

LEASE = 30
"""Longer than refresh's 20 s timeout: a lease never ends under a live holder's feet."""
FORCE_EVERY = 60
"""Callers may force one redemption of a resource a minute: 15 identical ones in 5 minutes make
Microsoft throttle everyone (AADSTS50196)."""
FORCED = 3
"""Redemptions within `FORCE_EVERY`, of whatever resources, beyond which callers force none."""
MAX_MIN_TTL = 2700
"""Below the shortest default life of an access token (60 minutes) with a margin.
https://learn.microsoft.com/entra/identity-platform/configurable-token-lifetimes"""
MANDATORY = 60
"""With less than this left, a caller waits for the replacement (and still gets the old token if
that fails)."""
USED_EVERY = 300
"""Usage is written at most this often."""
IN_USE = 7200
"""A connection used within two hours is kept fresh; hourly jobs never wait."""
DAY = 86_400
GRANT_LIFE = 90 * DAY
"""A refresh token dies unless it is redeemed within this. Documented for work accounts only.
https://learn.microsoft.com/entra/identity-platform/refresh-tokens"""
IDLE_SPREAD = 14_400
"""Idle connections are redeemed 20 to 24 hours after the last time, so that waves flatten."""
AHEAD = 0.6
"""Without `refresh_in`: replace after this part of a token's life."""
GRACE = 180
"""What the schedule may be late before callers start a replacement themselves."""
CONFIRM = 30
"""A second refusal counts as confirmation only after this."""
CONFIRM_SPREAD = (FORCE_EVERY, 110)
"""When to try again after a first refusal; with the schedule's minute and the queue, below 5
minutes."""
REFUSED_WAIT = 600
"""A refused resource other than the service's own is not asked for again before."""
CREDENTIAL_WAIT = (10, 20)
"""While the client credential is refused, a caller may ask again soon: the circuit breaker answers
without a call, and a new secret is found at once."""
BACKOFF = (2, 900)
"""First and longest wait after failures that heal by themselves."""


def ahead(
    obtained: float, expires_in: int, refresh_in: int | None, randomness: Randomness
) -> Instant:
    """When to replace a token: at Microsoft's `refresh_in`, else well before its end; jittered."""
    wait = refresh_in if refresh_in and refresh_in < expires_in else expires_in * AHEAD
    return Instant(int(obtained + wait * randomness.between(0.9, 1.0)))


def advisory(token: Token) -> Instant:
    """From when on a caller's use starts a replacement in the background: the schedule is late,
    or does not know yet that the connection is in use."""
    return Instant(min(token.ahead_at + GRACE, (token.ahead_at + token.expires_at) // 2))


def in_use(connection: Connection, now: float) -> bool:
    """Whether callers came lately."""
    return connection.last_used_at is not None and connection.last_used_at > now - IN_USE


def due(connection: Connection, ahead_at: Instant, now: float, randomness: Randomness) -> Instant:
    """When to redeem next after a success: ahead of need while in use, else once a day."""
    idle = daily(now, randomness)
    return min(ahead_at, idle) if in_use(connection, now) else idle


def daily(now: float, randomness: Randomness) -> Instant:
    """The next of one attempt a day."""
    return Instant(int(now + DAY - randomness.between(0, IDLE_SPREAD)))


def left(overdue: int) -> int:
    """Seconds that a refresh token so long overdue has left at least: without failures it was
    redeemed at most a day before it fell due."""
    return GRANT_LIFE - DAY - overdue


def backoff(attempts: int, randomness: Randomness) -> float:
    """Seconds to wait after so many consecutive failures: exponential, jittered, bounded."""
    first, longest = BACKOFF
    return min(longest, first * 2.0 ** min(attempts - 1, 16)) * randomness.between(0.8, 1.2)
