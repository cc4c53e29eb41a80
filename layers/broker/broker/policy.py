"""When to redeem, when to wait, and what an answer makes of a connection. Pure.

All durations are seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

from broker.diagnosis import Diagnosis, Effect
from broker.model import Connection, Failure, Status, Suspicion, Token
from broker.names import Instant
from broker.ports import Chance

LEASE = 30
"""Longer than refresh's 20 s timeout: a lease never ends under a live holder's feet."""
FORCE_EVERY = 60
"""Callers may force one redemption a minute: 15 identical ones in 5 minutes make Microsoft
throttle everyone (AADSTS50196)."""
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
IDLE_SPREAD = 14_400
"""Idle connections are redeemed 20 to 24 hours after the last time, so that waves flatten."""
AHEAD = 0.6
"""Without `refresh_in`: replace after this part of a token's life."""
GRACE = 180
"""What the schedule may be late before callers start a replacement themselves."""
CONFIRM = 30
"""A second refusal counts as confirmation only after this."""
CONFIRM_SPREAD = (35, 90)
"""When to try again after a first refusal; with the schedule's minute and the queue, below 5
minutes."""
EXTRA_WAIT = 600
"""A refused extra scope set is not asked for again before."""
BACKOFF = (2, 900)
"""First and longest wait after failures that heal by themselves."""


def ahead(obtained: float, expires_in: int, refresh_in: int | None, chance: Chance) -> Instant:
    """When to replace a token: at Microsoft's `refresh_in`, else well before its end; jittered."""
    wait = refresh_in if refresh_in and refresh_in < expires_in else expires_in * AHEAD
    return Instant(int(obtained + wait * chance.between(0.9, 1.0)))


def advisory(token: Token) -> Instant:
    """From when on a caller's use starts a replacement in the background: the schedule is late,
    or does not know yet that the connection is in use."""
    return Instant(min(token.ahead_at + GRACE, (token.ahead_at + token.expires_at) // 2))


def in_use(connection: Connection, now: float) -> bool:
    """Whether callers came lately."""
    return connection.last_used_at is not None and connection.last_used_at > now - IN_USE


def due(connection: Connection, token: Token, now: float, chance: Chance) -> Instant:
    """When to redeem next after a success: ahead of need while in use, else once a day."""
    idle = int(now + DAY - chance.between(0, IDLE_SPREAD))
    return Instant(min(token.ahead_at, idle) if in_use(connection, now) else idle)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a failed redemption of the own scope set makes of the connection."""

    failure: Failure
    status: Status | None
    suspicion: Suspicion | None
    due_at: Instant | None
    event: str | None


_STATUS = {
    Effect.OWNER: Status.REAUTHORIZATION_REQUIRED,
    Effect.ADMIN: Status.AWAITING_ADMIN,
    Effect.POLICY: Status.BLOCKED,
}


def judge(connection: Connection, found: Diagnosis, now: Instant, chance: Chance) -> Verdict:
    """The verdict on a failure of the service's own scope set.

    Only a refusal of this account's grant that was confirmed by a second one moves the status.
    """
    status = _STATUS.get(found.effect)
    if status is None:
        return _wait(connection, found, now, chance)
    suspicion = connection.suspicion
    broken = connection.status not in (Status.ACTIVE, Status.PENDING)
    if not broken and (suspicion is None or now - suspicion.since < CONFIRM):
        return _suspect(connection, found, now, chance)
    due_at = (
        None
        if status is Status.REAUTHORIZATION_REQUIRED
        else Instant(int(now + DAY - chance.between(0, IDLE_SPREAD)))
    )
    failure = failed(connection.last_error, found, now, due_at or Instant(now + DAY))
    event = None if connection.status is status else "Connection Broken"
    return Verdict(failure, status, suspicion, due_at, event)


def _suspect(connection: Connection, found: Diagnosis, now: Instant, chance: Chance) -> Verdict:
    """A first refusal: nothing changes, a second attempt follows soon."""
    again = Instant(int(now + chance.between(*CONFIRM_SPREAD)))
    known = connection.suspicion
    return Verdict(
        failed(connection.last_error, found, now, again),
        None,
        known or Suspicion(found.code, now),
        again,
        None if known else "Connection At Risk",
    )


def _wait(connection: Connection, found: Diagnosis, now: Instant, chance: Chance) -> Verdict:
    """Not about the grant: try again later, and change nothing."""
    attempts = (connection.last_error.attempts if connection.last_error else 0) + 1
    again = Instant(int(now + max(found.retry_after or 0, backoff(attempts, chance))))
    failure = failed(connection.last_error, found, now, again)
    return Verdict(failure, None, connection.suspicion, again, None)


def backoff(attempts: int, chance: Chance) -> float:
    """Seconds to wait after so many consecutive failures: exponential, jittered, bounded."""
    first, longest = BACKOFF
    return min(longest, first * 2.0 ** min(attempts, 16)) * chance.between(0.8, 1.2)


def failed(before: Failure | None, found: Diagnosis, now: Instant, retry_at: Instant) -> Failure:
    """The record of a failure."""
    problem = found.problem()
    return Failure(
        code=problem.code,
        detail=problem.detail,
        actor=problem.actor,
        remedy=problem.remedy,
        at=now,
        retry_at=retry_at,
        provider=found.provider,
        attempts=(before.attempts if before else 0) + 1,
    )
