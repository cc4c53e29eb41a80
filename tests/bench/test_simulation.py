"""The simulated month, small: deterministic, and nothing is lost in any trouble."""

from __future__ import annotations

import time

import numpy as np

from broker import policy
from local.simulation import waits
from local.simulation.report import summary
from local.simulation.run import Queue, simulate
from local.simulation.scenario import DAY, HOUR, Down, Outage, Scenario, Silence, Throttle

SPELLS = (
    Outage(DAY, DAY + 2 * HOUR),
    Silence(DAY + 6 * HOUR, DAY + 9 * HOUR),
    Down(DAY + 12 * HOUR, DAY + 20 * HOUR),
    Throttle(2 * DAY + HOUR, 2 * DAY + 3 * HOUR, limit=3, retry_after=120),
)


def fleet(**changes: object) -> Scenario:
    given: dict[str, object] = {"connections": 1000, "days": 3, "workers": 5, "spells": SPELLS}
    return Scenario(**{**given, **changes})  # type: ignore[arg-type]


def test_nothing_is_lost_in_trouble() -> None:
    found = summary(fleet(), simulate(fleet()))
    assert found["grants_lost"] == 0
    assert found["lateness"]["p50"] <= 60
    assert found["lateness"]["max"] >= 7 * HOUR, "the broker itself was down"
    assert found["longest_gap"] < 90 * DAY
    assert found["backlog_left"] < 20


def test_withdrawn_grants_are_noticed_within_a_day_and_the_trouble() -> None:
    found = summary(fleet(revoked=0.05), simulate(fleet(revoked=0.05)))
    assert found["revoked_noticed"] > 50
    assert 0 < found["notice"]["p50"] < found["notice"]["max"] < DAY + 9 * HOUR


def test_odd_refusals_cost_no_connection() -> None:
    found = summary(fleet(flukes=1e-3, revoked=0.0), simulate(fleet(flukes=1e-3, revoked=0.0)))
    assert found["suspected"] > 0
    assert found["recovered"] == found["suspected"]
    assert found["grants_lost"] == 0


def test_the_measure_can_tell_a_loss() -> None:
    """Were half of all refusals odd, a confirmed one would hit a good grant."""
    odd = fleet(flukes=0.5, revoked=0.0, connections=200, days=2)
    assert simulate(odd).lost > 0


def test_the_same_seed_gives_the_same_month() -> None:
    first, second, other = (simulate(fleet(seed=seed, days=2)) for seed in (3, 3, 4))
    assert np.array_equal(first.redemptions, second.redemptions)
    assert first.noticed == second.noticed
    assert not np.array_equal(first.redemptions, other.redemptions)


def test_waits_are_the_policys_own() -> None:
    drawn = waits.draw(1, 120)
    assert policy.DAY - policy.IDLE_SPREAD - 1 <= drawn.idle.min() <= drawn.idle.max() <= policy.DAY
    assert drawn.used.max() <= waits.LIVES[1] * policy.AHEAD
    assert drawn.throttled.min() >= 120
    assert drawn.failed[1].max() <= 4 < drawn.failed[-1].min()


def test_the_queue_keeps_the_order() -> None:
    queue = Queue()
    queue.put(np.array([1, 2, 3]))
    queue.put(np.array([4, 5]))
    assert queue.take(2).tolist() == [1, 2]
    assert queue.take(2).tolist() == [3, 4]
    assert queue.take(9).tolist() == [5]
    assert queue.length == 0


def test_is_quick_enough_for_a_million() -> None:
    """Time grows with the minutes and the redemptions: 43,200 minutes are ten times these."""
    begun = time.process_time()
    simulate(fleet(connections=20_000, days=3))
    assert time.process_time() - begun < 30
