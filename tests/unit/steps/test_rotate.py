"""rotate: what is due, once, oldest first, as much as fits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from broker.domain.connection import Status
from broker.domain.names import Incarnation, Instant
from broker.ports.errors import Unavailable
from broker.ports.outside import RefreshRequest
from broker.ports.stores import SHARDS
from local.memory import outside
from tests.unit.house import NAME, House

DAY = 86_400


def minute() -> float:
    return 60.0


def many(count: int, late: Callable[[int], int] = lambda _: 0) -> House:
    """So many connections, each late by so many seconds."""
    house = House().connected()
    house.pause(DAY)
    now, one, kept = house.clock.instant(), house.one(), house.kept()
    house.tables.vault.clear()
    for number in range(count):
        incarnation = Incarnation(one.incarnation[:-4] + f"{number:04}")
        house.tables.vault[incarnation] = replace(
            kept, incarnation=incarnation, due_at=Instant(now - late(number))
        )
    return house


def test_nothing_is_due_right_after_a_consent() -> None:
    house = House().connected()
    assert house.rotate_step.run(minute) == 0
    assert house.orders.orders == []


def test_an_idle_connection_is_redeemed_at_least_once_a_day() -> None:
    house = House().connected()
    for _ in range(30):
        house.pause(3600)
        house.rotate()
    assert house.microsoft.redemptions >= 2
    refreshed = house.one().refreshed_at
    assert refreshed is not None
    assert house.clock.now - refreshed <= DAY


def test_a_connection_in_use_never_makes_a_caller_wait() -> None:
    house = House().connected()
    house.fetch()
    house.pause(60)
    house.refresh("operator")
    for _ in range(24 * 60):
        house.pause(60)
        house.rotate()
        if int(house.clock.now) % 3600 < 60:
            assert house.fetch()["expires_in"] > 600
    misses = [metric for metric, _, _ in house.telemetry.counts if metric == "TokenMiss"]
    assert misses == []
    assert 24 <= house.microsoft.redemptions <= 60


def test_an_order_holds_names_and_the_generation() -> None:
    house = House().connected()
    house.pause(DAY)
    assert house.rotate_step.run(minute) == 1
    one = house.one()
    wanted = RefreshRequest(NAME, one.incarnation, "schedule", generation=one.generation)
    assert house.orders.orders == [wanted]


def test_a_dead_grant_is_not_in_the_index() -> None:
    """Lesson 7."""
    house = House().connected()
    house.microsoft.revoke()
    house.refresh()
    house.pause(120)
    house.rotate()
    assert house.one().status is Status.REAUTHORIZATION_REQUIRED
    house.pause(30 * DAY)
    assert house.rotate() == []


@pytest.mark.parametrize("count", [1, 9, 11, 250])
def test_everything_due_is_sent_once_a_run(count: int) -> None:
    house = many(count)
    assert house.rotate_step.run(minute) == count
    assert len({order.incarnation for order in house.orders.orders}) == count


def test_a_run_fills_the_queue_up_and_no_further() -> None:
    house = many(100)
    house.rotate_step = replace(house.rotate_step, window=30)
    assert house.rotate_step.run(minute) == 30
    assert house.rotate_step.run(minute) == 0
    del house.orders.orders[:10]
    assert house.rotate_step.run(minute) == 10


def test_a_run_ends_before_its_time_is_over() -> None:
    house = many(100)
    assert house.rotate_step.run(lambda: 5.0) == 0
    assert house.rotate_step.run(minute) == 100


def test_what_the_queue_refuses_stays_due() -> None:
    house = many(5)
    queue = outside.Queue(refused=2)
    house.rotate_step = replace(house.rotate_step, queue=queue)
    sent = house.rotate_step.run(minute)
    assert sent == len(queue.orders)
    house.rotate_step = replace(house.rotate_step, queue=house.queue)
    assert house.rotate_step.run(minute) == 5


def test_how_late_the_schedule_is_shows() -> None:
    house = many(20, late=lambda number: number * 10)
    house.rotate_step.run(minute)
    counted = {metric: value for metric, value, _ in house.telemetry.counts}
    assert counted["RotationsSent"] == 20
    assert counted["OldestOverdueSeconds"] == 190


def test_every_shard_is_asked_and_nothing_scanned() -> None:
    house = many(3)
    house.moments.passed.clear()
    house.rotate_step.run(minute)
    asked = [moment for moment in house.moments.passed if moment == "before vault.due"]
    assert len(asked) == SHARDS
    assert {moment.split()[1].split(".")[0] for moment in house.moments.passed} == {
        *("vault", "queue")
    }


def test_a_run_that_dies_is_made_up_for() -> None:
    house = many(20)

    def fail() -> None:
        raise Unavailable("sqs", "Throttled")

    house.moments.once["before queue.send"] = fail
    with pytest.raises(Unavailable):
        house.rotate_step.run(minute)
    assert house.rotate_step.run(minute) == 20
