"""How long the broker waits, in its own words: draws from the real policy, looked up by number.

The policy's answers depend on the clock only by addition, so that a draw at time 0 serves at any
time.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from broker.domain.connection import Connection, Failure, Status, Suspicion
from broker.domain.names import Incarnation, Instant, Name
from broker.domain.problems import Problem
from broker.domain.secret import Secret
from broker.lifecycle import policy
from broker.lifecycle.verdict import Refusal, Verdict, judge
from broker.providers.terms import Effect

Seconds = NDArray[np.int64]

DRAWS = 1 << 12
ATTEMPTS = 10
"""From this many failures in a row on, the wait is the longest."""
LIVES = (3600, 5400)
"""Seconds a token lives, as Microsoft draws them."""
LATE = 1_000_000
"""An instant far from 0, so that no draw is before it."""


class Randomness:
    """`ports.Randomness`, seeded."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def secret(self) -> Secret:
        raise NotImplementedError("a policy draws no secrets")

    def id(self) -> str:
        raise NotImplementedError("a policy draws no names")

    def between(self, low: float, high: float) -> float:
        return self._random.uniform(low, high)


BASE = Connection(
    name=Name("one"),
    incarnation=Incarnation("one"),
    service="microsoft-advertising",
    resource="https://ads.microsoft.com",
    tenant="common",
    scopes=("https://ads.microsoft.com/msads.manage",),
    client_id="client",
    authority="https://login.microsoftonline.com/common",
    created_at=Instant(0),
    created_by="",
    status=Status.ACTIVE,
)


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds until the next attempt."""

    idle: Seconds
    used: Seconds
    failed: Seconds
    """By consecutive failures (rows, from 1 on) and draws (columns)."""


@cache
def draw(seed: int) -> Waits:
    """Ask the policy `DRAWS` times for each case."""
    randomness = Randomness(seed)

    def many(one: Callable[[], int]) -> Seconds:
        return np.array([one() - LATE for _ in range(DRAWS)], dtype=np.int64)

    def success(in_use: bool) -> int:
        life = int(randomness.between(*LIVES))
        ahead_at = policy.ahead(LATE, life, None, randomness)
        connection = replace(BASE, last_used_at=Instant(LATE)) if in_use else BASE
        return policy.due(connection, ahead_at, LATE, randomness)

    def failure(attempts: int) -> int:
        refusal = Refusal(Effect.NONE, Problem("provider_unavailable"))
        return waited(attempts, refusal, randomness)

    rows = [many(partial(failure, max(1, number))) for number in range(ATTEMPTS + 1)]
    return Waits(
        idle=many(lambda: success(False)), used=many(lambda: success(True)), failed=np.stack(rows)
    )


def waited(attempts: int, refusal: Refusal, randomness: Randomness) -> int:
    """When the real policy has what passes tried again, after so many failures in a row."""
    known = replace(BASE, last_error=_failure(attempts - 1)) if attempts > 1 else BASE
    due_at = judge(known, refusal, Instant(LATE), randomness).due_at
    assert due_at is not None, "what passes is tried again"
    return due_at


def refused(now: int, since: int | None, randomness: Randomness) -> Verdict:
    """What the real policy makes of a refusal of the grant, first or repeated."""
    suspicion = None if since is None else Suspicion("reauthorization_required", Instant(since))
    refusal = Refusal(Effect.OWNER, Problem("reauthorization_required"))
    return judge(replace(BASE, suspicion=suspicion), refusal, Instant(now), randomness)


def _failure(attempts: int) -> Failure:
    at = Instant(LATE)
    return Failure("provider_unavailable", "", "nobody", "", at, at, attempts=attempts)
