"""The simulated month, small: deterministic, and nothing is lost in any trouble."""

from __future__ import annotations

import time

import numpy as np
import pytest

from broker.domain.problems import Problem
from broker.lifecycle import policy
from broker.lifecycle.verdict import Refusal
from broker.providers.terms import Effect
from local.simulation import waits
from local.simulation.report import summary
from local.simulation.run import Queue, simulate
from local.simulation.scenario import DAY, HOUR, Down, Outage, Scenario, Silence, Throttle
from local.simulation.waits import Randomness

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


def test_throttled_workers_ask_little() -> None:
    """At most two needless requests of each worker before each pause; the rest of the orders is
    answered without asking, and most of what Microsoft does serve is used."""
    spell = Throttle(DAY, DAY + 4 * HOUR, limit=5, retry_after=60)
    found = simulate(fleet(spells=[spell], in_use=0.5, connections=3000))
    pauses = (spell.end - spell.start) // spell.retry_after
    assert found.told <= 5 * 2 * (1 + pauses)
    assert found.held > 10 * found.told
    minutes = found.redemptions[spell.start // 60 : spell.end // 60]
    assert minutes.sum() - found.told > 0.7 * spell.limit * len(minutes)
    assert found.lost == 0
    assert found.backlog[-1] < 2 * found.backlog[spell.start // 60 - 1], "caught up"


def test_waits_are_the_policys_own() -> None:
    drawn = waits.draw(1)
    assert policy.DAY - policy.IDLE_SPREAD - 1 <= drawn.idle.min() <= drawn.idle.max() <= policy.DAY
    assert drawn.used.max() <= waits.LIVES[1] * policy.AHEAD
    assert drawn.failed[1].max() <= 4 < drawn.failed[-1].min()


@pytest.mark.parametrize("asked", [1, 60, 3600])
def test_what_microsoft_asks_for_is_the_least(asked: int) -> None:
    """So the simulation may draw the policy's own wait, and take the longer of the two."""
    for attempts in range(1, waits.ATTEMPTS + 1):
        own, told = (
            waits.waited(attempts, Refusal(Effect.NONE, Problem("throttled"), wait), Randomness(7))
            for wait in (None, asked)
        )
        assert told == max(own, waits.LATE + asked + 1)


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
