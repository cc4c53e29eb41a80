"""Many callers at one expired token, each in an environment of its own: how often is it redeemed,
and how long do they wait?"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from broker.domain.connection import Connection
from broker.domain.names import Incarnation, Instant, Name
from broker.domain.problems import Problem
from broker.lifecycle.serving import Query
from broker.ports.errors import Unavailable
from broker.ports.stores import Leases
from broker.steps import token
from local.bench.ground import TEAM, Ground

PATIENCE = 60.0
"""Seconds a caller tries again at `Retry-After`, as the client does."""


@dataclass(slots=True)
class Tally:
    """`ports.Leases` that counts one caller's calls."""

    inner: Leases
    calls: int = 0

    def get(self, name: Name, *, consistent: bool = True) -> Connection | None:
        self.calls += 1
        return self.inner.get(name, consistent=consistent)

    def claim(
        self,
        name: Name,
        incarnation: Incarnation,
        owner: str,
        now: Instant,
        until: Instant,
        generation: int,
        used_by: Mapping[str, Instant] | None = None,
    ) -> bool:
        self.calls += 1
        return self.inner.claim(name, incarnation, owner, now, until, generation, used_by)

    def release(self, name: Name, incarnation: Incarnation, owner: str) -> None:
        self.calls += 1
        self.inner.release(name, incarnation, owner)

    def used(
        self,
        name: Name,
        incarnation: Incarnation,
        now: Instant,
        used_by: Mapping[str, Instant] | None = None,
    ) -> None:
        self.calls += 1
        self.inner.used(name, incarnation, now, used_by)


@dataclass(frozen=True, slots=True)
class Crowd:
    """How it went. Latencies in seconds, from each caller's start to its token."""

    callers: int
    redemptions: int
    answered: int
    expired: int
    """Answers with a token that had expired: never."""
    again: int
    """503 answers on the way: the callers tried again."""
    latencies: list[float]
    calls: list[int]
    """Of each caller to DynamoDB, all tries together; without refresh's, which are there once."""

    def latency(self, part: float) -> float:
        """A quantile, `part` of 100."""
        if len(self.latencies) == 1:
            return self.latencies[0]
        return statistics.quantiles(self.latencies, n=100, method="inclusive")[int(part) - 1]


def gather(ground: Ground, callers: int, latency: float) -> Crowd:
    """Let so many callers loose at once; Microsoft takes `latency` seconds."""
    ground.slow(latency)
    now = int(time.time())
    name = Name(f"crowd-{callers}-{time.time_ns()}")
    ground.add(name, now - 10, now + 2000)
    before = ground.http.calls["microsoft.token"]
    start = threading.Barrier(callers)
    fresh = [ground.environment() for _ in range(callers)]
    tallies = [Tally(environment.connections) for environment in fresh]

    def one(environment: token.Step, tally: Tally) -> tuple[float, int, int]:
        start.wait(60)
        return call(replace(environment, connections=tally), name)

    threading.stack_size(256 * 1024)
    with ThreadPoolExecutor(callers) as threads:
        found = list(threads.map(one, fresh, tallies))
    threading.stack_size(0)
    ground.slow(0.0)
    return Crowd(
        callers=callers,
        redemptions=ground.http.calls["microsoft.token"] - before,
        answered=sum(left > 0 for _, left, _ in found),
        expired=sum(left < 0 for _, left, _ in found),
        again=sum(again for _, _, again in found),
        latencies=[seconds for seconds, left, _ in found if left > 0],
        calls=[tally.calls for tally in tallies],
    )


def call(environment: token.Step, name: Name) -> tuple[float, int, int]:
    """Seconds until there was a token, how long that still lives (0: never came), and retries."""
    begun, again = time.monotonic(), 0
    while True:
        try:
            answer = environment.serve(TEAM, name, Query())
        except (Problem, Unavailable) as error:
            # What the edge answers for an AWS service that does not: broker_unavailable.
            problem = Problem("broker_unavailable") if isinstance(error, Unavailable) else error
            waited = time.monotonic() - begun
            if problem.status != 503 or waited > PATIENCE:
                return waited, 0, again
            again += 1
            time.sleep(problem.retry_after or 1)
        else:
            return time.monotonic() - begun, answer["expires_in"], again
