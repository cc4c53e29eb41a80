"""The month, minute by minute: as often as rotate looks.

Rotate fills the queue up to its window with what has been due longest; workers take from it in
order. Callers do nothing here, although in life their own requests redeem as well.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from broker.domain.connection import Status
from broker.steps.rotate import window
from local.simulation import waits
from local.simulation.scenario import DAY, Down, Outage, Scenario, Silence, Throttle
from local.simulation.throttled import Crew
from local.simulation.waits import ATTEMPTS, DRAWS, Randomness, Waits

Ids = NDArray[np.int64]

MINUTE = 60
NEVER = np.int64(1 << 40)
TIMEOUTS = 14.5
"""Seconds of a redemption that is never answered: two attempts of 7 s and a pause."""
REFUSALS = 0.9
"""Seconds of one that is answered 503 twice, with the pause between."""


@dataclass(slots=True)
class Outcome:
    """What became of them."""

    redemptions: NDArray[np.int64]
    """Requests to Microsoft, by minute; one that is repeated at once counts once."""
    backlog: NDArray[np.int64]
    """Due and not done, by minute."""
    late: list[Ids] = field(default_factory=list)
    """Seconds from when a grant was to be redeemed until it was, of every success."""
    noticed: list[int] = field(default_factory=list)
    """Seconds from a withdrawal until the connection said so."""
    lost: int = 0
    """Connections given up although their grant was good: none."""
    gaps: int = 0
    """The longest time between two redemptions of a living grant, in seconds (90 days kill it)."""
    expired: int = 0
    """Tokens in use that ran out before the schedule replaced them."""
    suspected: int = 0
    recovered: int = 0
    told: int = 0
    """Answers 429."""
    held: int = 0
    """Orders of which Microsoft was not asked, because it throttles."""
    orders: int = 0


class Fleet:
    """All connections, as arrays."""

    def __init__(self, scenario: Scenario, drawn: Waits) -> None:
        self.scenario, self.drawn = scenario, drawn
        self.random = np.random.default_rng(scenario.seed)
        self.randomness = Randomness(scenario.seed)
        self.crew = Crew(scenario.workers, scenario.latency)
        count = scenario.connections
        self.used = np.zeros(count, dtype=bool)
        self.used[: int(count * scenario.in_use)] = True
        self.due = self._after_success(np.arange(count))
        self.wanted = self.due.copy()
        self.success = np.zeros(count, dtype=np.int64)
        self.attempts = np.zeros(count, dtype=np.int64)
        self.since = np.full(count, -1, dtype=np.int64)
        self.revoked = self._revocations()
        minutes = scenario.days * DAY // MINUTE
        self.outcome = Outcome(np.zeros(minutes, np.int64), np.zeros(minutes, np.int64))

    def _pick(self, pool: NDArray[np.int64], count: int) -> Ids:
        return pool[self.random.integers(0, DRAWS, count)]

    def _after_success(self, ids: Ids) -> Ids:
        used = self.used[ids]
        idle, ahead = self._pick(self.drawn.idle, len(ids)), self._pick(self.drawn.used, len(ids))
        return np.where(used, ahead, idle)

    def _revocations(self) -> Ids:
        """When each owner withdraws the grant, most of them never."""
        scenario = self.scenario
        when = np.full(scenario.connections, NEVER)
        count = int(scenario.connections * scenario.revoked * scenario.days)
        chosen = self.random.choice(scenario.connections, count, replace=False)
        when[chosen] = self.random.integers(0, scenario.days * DAY, count)
        return when

    def succeed(self, ids: Ids, at: Ids) -> None:
        """Redeemed."""
        found = self.outcome
        found.late.append(np.maximum(0, at - self.wanted[ids]).astype(np.int32))
        gap = at - self.success[ids]
        found.gaps = max(found.gaps, int(gap.max(initial=0)))
        # The shortest token: what an access token surely lives.
        found.expired += int((self.used[ids] & (gap > waits.LIVES[0])).sum())
        found.recovered += int((self.since[ids] >= 0).sum())
        self.success[ids] = at
        self.attempts[ids] = 0
        self.since[ids] = -1
        self.due[ids] = self.wanted[ids] = at + self._after_success(ids)

    def fail(self, ids: Ids, at: Ids, asked: Ids | int = 0) -> None:
        """Not the grant's fault: later again, after as many seconds as were asked for at least."""
        self.attempts[ids] += 1
        number = np.minimum(self.attempts[ids], ATTEMPTS)
        own = self.drawn.failed[number, self.random.integers(0, DRAWS, len(ids))]
        self.due[ids] = at + np.maximum(own, asked + 1)

    def refuse(self, ids: Ids, at: Ids) -> None:
        """Microsoft refuses the grant, rightly or not: one by one, as they are few."""
        for one, now in zip(ids.tolist(), at.tolist(), strict=True):
            since = int(self.since[one])
            verdict = waits.refused(now, None if since < 0 else since, self.randomness)
            if verdict.status is Status.REAUTHORIZATION_REQUIRED:
                self.due[one] = NEVER
                if self.revoked[one] <= now:
                    self.outcome.noticed.append(now - int(self.revoked[one]))
                else:
                    self.outcome.lost += 1
                continue
            assert verdict.due_at is not None
            self.outcome.suspected += since < 0
            self.since[one] = now if since < 0 else since
            self.due[one] = verdict.due_at

    def redeem(self, ids: Ids, at: Ids) -> None:
        """Microsoft answers."""
        refused = self.revoked[ids] <= at
        refused |= self.random.random(len(ids)) < self.scenario.flukes
        self.refuse(ids[refused], at[refused])
        self.succeed(ids[~refused], at[~refused])


def simulate(scenario: Scenario) -> Outcome:
    """Run it."""
    fleet = Fleet(scenario, waits.draw(scenario.seed))
    room, queue = window(scenario.workers, 1), Queue()
    for minute in range(scenario.days * DAY // MINUTE):
        now = minute * MINUTE
        due = np.flatnonzero(fleet.due <= now)
        fleet.outcome.backlog[minute] = len(due) + queue.length
        spell = next((each for each in scenario.spells if each.holds(now)), None)
        if isinstance(spell, Down):
            continue
        free = room - queue.length
        if len(due) > free:
            due = due[np.argpartition(fleet.due[due], free)[:free]]
        queue.put(due[np.argsort(fleet.due[due], kind="stable")])
        fleet.due[due] = NEVER  # in the queue
        fleet.outcome.orders += len(due)
        work(fleet, queue, now, spell)
    return fleet.outcome


def work(fleet: Fleet, queue: Queue, now: int, spell: object) -> None:
    """What the workers get done in this minute."""
    if isinstance(spell, Throttle):
        throttled(fleet, queue, now, spell)
        return
    workers, cost = fleet.scenario.workers, fleet.scenario.latency
    if isinstance(spell, Silence):
        cost = TIMEOUTS
    elif isinstance(spell, Outage):
        cost = REFUSALS
    taken = queue.take(int(workers * MINUTE / cost))
    moments = _moments(now, len(taken), cost / workers)
    if isinstance(spell, Silence | Outage):
        fleet.fail(taken, moments)
    else:
        fleet.redeem(taken, moments)
    fleet.outcome.redemptions[now // MINUTE] += len(taken)


def throttled(fleet: Fleet, queue: Queue, now: int, spell: Throttle) -> None:
    """The same, while Microsoft serves so many a minute."""
    orders = queue.take(queue.length)
    done = fleet.crew.work(orders.tolist(), now, MINUTE, spell)
    queue.put(orders[done.taken :])
    fleet.redeem(*_columns(done.good, 2))
    for later in (done.told, done.held):
        fleet.fail(*_columns(later, 3))
    fleet.outcome.redemptions[now // MINUTE] += len(done.good) + len(done.told)
    fleet.outcome.told += len(done.told)
    fleet.outcome.held += len(done.held)


def _columns(rows: Sequence[tuple[int, ...]], width: int) -> Iterator[Ids]:
    return iter(np.array(rows, dtype=np.int64).reshape(-1, width).T)


def _moments(start: int, count: int, each: float) -> Ids:
    moments: Ids = start + np.floor(np.arange(1, count + 1) * each).astype(np.int64)
    return moments


class Queue:
    """First in, first out."""

    def __init__(self) -> None:
        self._parts: deque[Ids] = deque()
        self.length = 0

    def put(self, ids: Ids) -> None:
        """At the end."""
        if len(ids):
            self._parts.append(ids)
            self.length += len(ids)

    def take(self, count: int) -> Ids:
        """Up to `count` from the front."""
        found: list[Ids] = []
        while count > 0 and self._parts:
            part = self._parts.popleft()
            found.append(part[:count])
            if len(part) > count:
                self._parts.appendleft(part[count:])
            count -= len(found[-1])
        taken = np.concatenate(found) if found else np.zeros(0, dtype=np.int64)
        self.length -= len(taken)
        return taken
