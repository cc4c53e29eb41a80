"""Everything is due: how fast does it get done, against workers that never wait for the broker?

The ideal is workers / Microsoft's latency. The queue between the steps is in this process; a run of
rotate every minute feeds it, as on AWS.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from broker.adapters.randomness import Randomness
from broker.domain.names import Instant
from broker.domain.problems import Problem
from broker.ports.outside import RefreshRequest
from broker.ports.stores import SHARDS
from broker.steps import rotate
from local.bench.ground import Ground, Silent

EVERY = 60.0
"""Seconds between two runs of rotate."""


@dataclass(slots=True)
class Queue:
    """`ports.Queue` between threads."""

    orders: deque[RefreshRequest] = field(default_factory=deque)
    busy: int = 0
    sent: int = 0

    def send(self, orders: Sequence[RefreshRequest]) -> int:
        assert len(orders) <= 10
        self.orders.extend(orders)
        self.sent += len(orders)
        return len(orders)

    def waiting(self) -> int:
        return len(self.orders) + self.busy


@dataclass(frozen=True, slots=True)
class Rotation:
    """How it went."""

    substrate: str
    connections: int
    workers: int
    latency: float
    seconds: float
    redemptions: int
    orders: int
    problems: int
    left: int
    """Connections that are still due: none."""
    progress: list[tuple[float, int]]
    """Seconds since the start, and how many were done by then."""

    @property
    def throughput(self) -> float:
        """Connections a second."""
        return self.connections / self.seconds

    @property
    def ideal(self) -> float:
        """Connections a second, if only Microsoft took time."""
        return self.workers / self.latency


def run(ground: Ground, connections: int, workers: int, latency: float) -> Rotation:
    """Make so many connections due, and redeem them all."""
    now, prefix = int(time.time()), f"due-{time.time_ns()}"
    for number in range(connections):
        ground.add(f"{prefix}-{number}", now + 300, now - connections + number)
    ground.slow(latency)
    queue, before = Queue(), ground.http.calls["microsoft.token"]
    step = rotate.Step(
        ground.vault, queue, time.time, Randomness(), Silent(), SHARDS, rotate.window(workers, 1)
    )
    problems: list[Problem] = []
    begun, stop = time.monotonic(), threading.Event()

    def work() -> None:
        while not stop.is_set():
            try:
                order = queue.orders.popleft()
            except IndexError:
                time.sleep(0.01)
                continue
            queue.busy += 1
            problem = ground.redeem.run(order)
            queue.busy -= 1
            if problem:
                problems.append(problem)

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    try:
        progress = _feed(ground, step, connections, before, begun)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        ground.slow(0.0)
    seconds = time.monotonic() - begun
    return Rotation(
        substrate=ground.substrate,
        connections=connections,
        workers=workers,
        latency=latency,
        seconds=seconds,
        redemptions=ground.http.calls["microsoft.token"] - before,
        orders=queue.sent,
        problems=len(problems),
        left=sum(len(ground.vault.due(shard, Instant(now), 100)[0]) for shard in range(SHARDS)),
        progress=progress,
    )


def _feed(
    ground: Ground, step: rotate.Step, wanted: int, before: int, begun: float
) -> list[tuple[float, int]]:
    """A run of rotate every minute, until Microsoft has been asked for all of them."""
    runs, progress = 0, [(0.0, 0)]
    while progress[-1][1] < wanted:
        elapsed = time.monotonic() - begun
        if elapsed >= runs * EVERY:
            step.run(lambda: EVERY)
            runs += 1
        time.sleep(0.1)
        count = ground.http.calls["microsoft.token"] - before
        progress.append((round(time.monotonic() - begun, 2), count))
    every = max(1, len(progress) // 100)
    return progress[::every] + progress[-1:]
