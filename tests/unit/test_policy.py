"""When to redeem and when to wait."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.connection import Connection, Sealed, Token
from broker.domain.names import Incarnation, Instant, Name
from broker.lifecycle import policy
from local.memory.outside import NOON, Randomness

LIVES = st.integers(1, 172_800)
SEEDS = st.integers(0, 1000)


def token(expires_in: int, refresh_in: int | None, randomness: Randomness) -> Token:
    return Token(
        resource="r",
        scope="r/s",
        digest="d",
        sealed=Sealed(b"", 1),
        obtained_at=Instant(NOON),
        expires_at=Instant(NOON + expires_in),
        ahead_at=policy.ahead(NOON, expires_in, refresh_in, randomness),
    )


def connection(last_used_at: int | None) -> Connection:
    return Connection(
        name=Name("x"),
        incarnation=Incarnation("i"),
        service="s",
        resource="r",
        tenant="common",
        scopes=("r/s",),
        client_id="c",
        authority="a",
        created_at=Instant(NOON),
        created_by="me",
        last_used_at=None if last_used_at is None else Instant(last_used_at),
    )


@given(LIVES, st.none() | st.integers(1, 200_000), SEEDS)
def test_a_token_is_replaced_before_it_ends(
    expires_in: int, refresh_in: int | None, seed: int
) -> None:
    found = token(expires_in, refresh_in, Randomness(seed))
    assert NOON <= found.ahead_at <= found.expires_at
    if refresh_in and refresh_in < expires_in:
        assert 0.9 * refresh_in - 1 <= found.ahead_at - NOON <= refresh_in
    assert found.ahead_at <= policy.advisory(found) <= found.expires_at
    assert policy.advisory(found) <= found.ahead_at + policy.GRACE


def test_an_hour_leaves_a_third_of_it() -> None:
    """Callers never wait for Microsoft: minutes remain when the replacement starts."""
    found = token(3600, None, Randomness())
    assert found.expires_at - found.ahead_at >= 1200
    assert found.expires_at - policy.advisory(found) >= policy.MANDATORY


@given(LIVES, SEEDS, st.none() | st.integers(-100_000, 0))
def test_due_is_ahead_of_need_while_in_use_else_once_a_day(
    expires_in: int, seed: int, used: int | None
) -> None:
    randomness = Randomness(seed)
    found = token(expires_in, None, randomness)
    one = connection(None if used is None else NOON + used)
    due = policy.due(one, found.ahead_at, NOON, randomness)
    assert NOON <= due <= NOON + policy.DAY
    if policy.in_use(one, NOON):
        assert due <= found.ahead_at
    else:
        assert due >= NOON + policy.DAY - policy.IDLE_SPREAD - 1


def test_what_is_due_now_is_due() -> None:
    assert replace(connection(None), next_refresh_at=Instant(NOON)).due(NOON)
    assert not replace(connection(None), next_refresh_at=Instant(NOON + 1)).due(NOON)
    assert connection(None).due(NOON)


def test_in_use_is_two_hours() -> None:
    assert policy.in_use(connection(NOON - 7199), NOON)
    assert not policy.in_use(connection(NOON - 7200), NOON)
    assert not policy.in_use(connection(None), NOON)


@given(st.integers(1, 1_000_000), SEEDS)
def test_backoff_grows_and_is_bounded(attempts: int, seed: int) -> None:
    wait = policy.backoff(attempts, Randomness(seed))
    assert 1.6 <= wait <= 1080
    assert policy.backoff(attempts + 3, Randomness(seed)) >= min(wait, 720)


class Always(Randomness):
    """The same part of every range: 0 its beginning, 1 its end."""

    def __init__(self, part: float) -> None:
        super().__init__()
        self.part = part

    def between(self, low: float, high: float) -> float:
        return low + self.part * (high - low)


def test_waits_double_until_a_quarter_of_an_hour() -> None:
    middle = [policy.backoff(attempts, Always(0.5)) for attempts in range(1, 12)]
    assert middle == [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]
    assert [policy.backoff(1, Always(part)) for part in (0, 1)] == pytest.approx([1.6, 2.4])
    assert [policy.backoff(99, Always(part)) for part in (0, 1)] == pytest.approx([720, 1080])


def test_the_schedule_to_the_second() -> None:
    assert policy.daily(NOON, Always(0)) == NOON + policy.DAY
    assert policy.daily(NOON, Always(1)) == NOON + policy.DAY - policy.IDLE_SPREAD
    assert policy.ahead(NOON, 3600, 3599, Always(1)) == NOON + 3599
    assert policy.ahead(NOON, 3600, 3600, Always(1)) == NOON + 2160, "not at its very end"
    assert policy.left(0) == 89 * policy.DAY
    assert policy.left(10) == 89 * policy.DAY - 10
    late = replace(token(600, None, Always(1)), ahead_at=Instant(NOON + 597))
    assert repr(policy.advisory(late)) == str(NOON + 598)


def test_numbers_that_belong_together() -> None:
    """Lesson 1: a lock longer than the work; confirmation within five minutes, not at once."""
    assert policy.LEASE > 20
    assert policy.CONFIRM < policy.CONFIRM_SPREAD[0] < policy.CONFIRM_SPREAD[1] < 300
    assert 300 / policy.FORCE_EVERY < 15
    assert policy.MAX_MIN_TTL == 2700
    assert policy.IN_USE > policy.USED_EVERY
    assert replace(connection(None), lease_until=Instant(NOON + 1)).leased(NOON)
    assert not replace(connection(None), lease_until=Instant(NOON)).leased(NOON)
