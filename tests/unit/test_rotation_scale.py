"""rotate with a backlog: what it sends, in which order, how often, and what overlaps do."""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from broker.adapters.sqs import Queue
from broker.domain.connection import Due
from broker.domain.names import Incarnation, Instant, Name
from broker.ports.errors import Unavailable
from broker.ports.outside import RefreshRequest
from broker.ports.stores import SHARDS
from broker.steps import rotate
from local.memory import outside
from tests.fakes.microsoft import refusal
from tests.unit import clients
from tests.unit.house import House

MINUTE = 60.0


@dataclass(slots=True)
class Shelf:
    """The due index alone, as `Vault.due` reads it. `reads`: the limits that were asked for."""

    entries: list[list[Due]]
    done: set[str] = field(default_factory=set)
    reads: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, count: int) -> Shelf:
        """`count` connections, the first one due for longest."""
        shards: list[list[Due]] = [[] for _ in range(SHARDS)]
        for number in range(count):
            name, due_at = f"c-{number}", Instant(outside.NOON - count + number)
            shards[number % SHARDS].append(Due(Name(name), Incarnation(name), 1, due_at))
        return cls(shards)

    def due(
        self, shard: int, until: Instant, limit: int, after: Due | None = None
    ) -> tuple[list[Due], Due | None]:
        self.reads.append(limit)
        start = (after.due_at, after.incarnation) if after else (-1, "")
        rest = [
            one
            for one in self.entries[shard]
            if one.incarnation not in self.done
            and one.due_at <= until
            and (one.due_at, one.incarnation) > start
        ]
        return rest[:limit], rest[limit - 1] if len(rest) > limit else None


def step(shelf: Shelf, queue: Any, clock: outside.Clock, window: int) -> rotate.Step:
    vault: Any = shelf
    return rotate.Step(
        vault, queue, clock, outside.Randomness(), outside.Telemetry(), SHARDS, window
    )


def plenty() -> float:
    return MINUTE


def test_sends_no_more_than_the_queue_has_room_for() -> None:
    shelf, queue = Shelf.of(1000), outside.Queue()
    queue.orders = [RefreshRequest(Name("x"), Incarnation("x"), "schedule")] * 60
    assert step(shelf, queue, outside.Clock(), 100).run(plenty) == 40
    assert queue.waiting() == 100


def test_reads_no_more_than_it_sends() -> None:
    shelf, queue = Shelf.of(10_000), outside.Queue()
    step(shelf, queue, outside.Clock(), 1500).run(plenty)
    assert len(shelf.reads) < 1500 / rotate.PAGE + SHARDS


def test_a_full_queue_gets_nothing_but_the_age_is_told() -> None:
    shelf, queue, telemetry = Shelf.of(500), outside.Queue(), outside.Telemetry()
    queue.orders = [RefreshRequest(Name("x"), Incarnation("x"), "schedule")] * 20
    vault: Any = shelf
    clock, randomness = outside.Clock(), outside.Randomness()
    full = rotate.Step(vault, queue, clock, randomness, telemetry, SHARDS, 20)
    assert full.run(plenty) == 0
    assert ("OldestOverdueSeconds", 500, {}) in telemetry.counts
    assert len(shelf.reads) == SHARDS


def test_batches_are_full_across_shards() -> None:
    class Batches(outside.Queue):
        sizes: list[int] = []  # noqa: RUF012 (one test, one queue)

        def send(self, orders: Sequence[RefreshRequest]) -> int:
            self.sizes.append(len(orders))
            return super().send(orders)

    queue = Batches()
    step(Shelf.of(25), queue, outside.Clock(), 100).run(plenty)
    assert queue.sizes == [10, 10, 5]


def test_every_shard_gets_its_share_and_its_oldest_first() -> None:
    queue = outside.Queue()
    step(Shelf.of(10_000), queue, outside.Clock(), SHARDS * rotate.PAGE).run(plenty)
    numbers = [int(order.connection.removeprefix("c-")) for order in queue.orders]
    assert Counter(number % SHARDS for number in numbers) == dict.fromkeys(
        range(SHARDS), rotate.PAGE
    )
    assert max(numbers) < SHARDS * rotate.PAGE, "nobody overtakes"


def test_orders_the_queue_refused_are_sent_by_the_next_run() -> None:
    shelf, queue = Shelf.of(100), outside.Queue(refused=1)
    rotation = step(shelf, queue, outside.Clock(), 1000)
    assert rotation.run(plenty) == 90
    queue.refused = 0
    shelf.done |= {order.incarnation for order in queue.orders}
    queue.orders.clear()
    assert rotation.run(plenty) == 10


def test_carries_on_where_it_stopped() -> None:
    """A run that is out of time leaves the rest due; the next one begins anywhere and finds it."""
    shelf, queue = Shelf.of(2000), outside.Queue()
    rotation = step(shelf, queue, outside.Clock(), 100_000)
    found: set[str] = set()
    for _ in range(100):
        ticks = iter([60.0, 60.0, 60.0, 60.0, 0.0])
        rotation.run(lambda left=ticks: next(left))  # type: ignore[misc]
        shelf.done |= {order.incarnation for order in queue.orders}
        found |= {order.connection for order in queue.orders}
        queue.orders.clear()
    assert len(found) == 2000


def test_runs_that_overlap_send_at_most_twice_and_do_no_harm() -> None:
    house = House().connected()
    house.clock.advance(86_400)
    house.rotate_step.run(plenty)
    house.rotate_step.run(plenty)
    assert len(house.orders.orders) == 2
    before = house.microsoft.redemptions
    assert [house.refresh_step.run(order) for order in house.orders.orders] == [None, None]
    assert house.microsoft.redemptions == before + 1


@pytest.mark.parametrize("answer", ["throttled", "no new refresh token"])
def test_a_second_order_knows_that_it_is_late_without_a_new_generation(answer: str) -> None:
    """Microsoft's Retry-After holds for what is queued already, too."""
    house = House().connected()
    house.clock.advance(86_400)
    house.rotate_step.run(plenty)
    house.rotate_step.run(plenty)
    if answer == "throttled":
        house.microsoft.always = refusal("temporarily_unavailable", 50196, status=429)
    else:
        house.microsoft.rotates = False
    before = house.microsoft.redemptions
    first, second = (house.refresh_step.run(order) for order in house.orders.orders)
    assert (first.code if first else None) == ("throttled" if answer == "throttled" else None)
    assert second is None
    assert house.microsoft.redemptions == before + 1
    assert house.one().lease_owner is None


@dataclass(slots=True)
class Workers:
    """Workers that take orders in turn; a redemption takes long, a late order does not."""

    shelf: Shelf
    redemption: float
    late: float = 0.02
    free: list[float] = field(default_factory=lambda: [0.0] * 5)
    orders: deque[RefreshRequest] = field(default_factory=deque)
    sent: int = 0
    peak: int = 0
    last: float = 0.0

    def send(self, orders: Sequence[RefreshRequest]) -> int:
        self.orders.extend(orders)
        self.sent += len(orders)
        self.peak = max(self.peak, len(self.orders))
        return len(orders)

    def waiting(self) -> int:
        return len(self.orders)

    def until(self, now: float, end: float) -> None:
        while self.orders and max(self.free[0], now) < end:
            order, start = self.orders.popleft(), max(self.free[0], now)
            cost = self.late if order.incarnation in self.shelf.done else self.redemption
            if order.incarnation not in self.shelf.done:
                self.shelf.done.add(order.incarnation)
                self.last = start + cost
            heapq.heapreplace(self.free, start + cost)


def drain(count: int, redemption: float, window: Callable[[], int]) -> Workers:
    """Minute after minute until everything is redeemed."""
    shelf = Shelf.of(count)
    workers, clock = Workers(shelf, redemption), outside.Clock()
    rotation = step(shelf, workers, clock, window())
    minute = 0
    while len(shelf.done) < count:
        clock.now = outside.NOON + minute * MINUTE
        rotation.run(plenty)
        workers.until(minute * MINUTE, (minute + 1) * MINUTE)
        minute += 1
    return workers


@pytest.mark.parametrize(
    ("redemption", "orders"), [(0.22, 1.2), (0.5, 1.7), (1.0, 2.0), (2.0, 2.5)]
)
def test_a_backlog_drains_at_full_speed_from_a_short_queue(
    redemption: float, orders: float
) -> None:
    """The figures of docs/decisions/0012: without the window a backlog of 10,000 sends 8 orders for
    each redemption at 0.5 s, and 34 at 2 s."""
    count, window = 4000, rotate.window(5, 1)
    workers = drain(count, redemption, lambda: window)
    assert workers.peak <= window
    assert workers.sent <= count * orders
    assert count * redemption / 5 / workers.last >= 0.97


def test_the_window_fits_the_workers_and_the_interval() -> None:
    assert rotate.window(5, 1) == 1500
    assert rotate.window(100, 10) == 300_000


def test_a_queue_that_does_not_answer_fails_the_run() -> None:
    queue = outside.faulty(outside.Queue(), {"waiting": Unavailable("sqs", "Throttled")})
    with pytest.raises(Unavailable):
        step(Shelf.of(10), queue, outside.Clock(), 100).run(plenty)


def test_due_times_of_a_fleet_spread_out() -> None:
    """Connected together, redeemed apart: four hours after the first day, wider with each."""
    from broker.lifecycle import policy

    randomness = outside.Randomness(7)
    times = [float(outside.NOON)] * 2000
    widths = []
    for _ in range(3):
        times = [policy.daily(now, randomness) for now in times]
        hours = Counter(int(now) // 3600 for now in times)
        widths.append(max(hours.values()) / 2000)
    assert widths[0] < 0.35
    assert widths[2] < widths[1] < widths[0]


def test_what_is_being_worked_on_counts_as_waiting() -> None:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    with clients.stubbed("sqs") as stub:
        stub.add_response(
            "get_queue_attributes",
            {"Attributes": {names[0]: "40", names[1]: "5"}},
            {"QueueUrl": "https://queue.example", "AttributeNames": names},
        )
        assert Queue(stub.client, "https://queue.example").waiting() == 45
