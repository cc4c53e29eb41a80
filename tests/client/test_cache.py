"""The cache against a model, under a simulated clock."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from token_broker import Token, TokenBrokerError
from token_broker._cache import AHEAD, MARGIN, QUIET, Cache
from token_broker._wire import Ask, Key

KEY = Key("a", None)


class World:
    """A clock, a broker that may be down, and the cache between them."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.life = 3600.0
        self.down = False
        self.asked: list[Ask] = []
        self.cache = Cache(self.fetch, lambda: self.now)

    def fetch(self, ask: Ask) -> Token:
        """A new token each time."""
        self.asked.append(ask)
        if self.down:
            raise TokenBrokerError("broker_unavailable")
        ends = datetime.fromtimestamp(self.now + self.life, UTC)
        return Token(f"token-{len(self.asked)}", ends)

    def left(self, token: Token) -> float:
        """Seconds."""
        return token.expires_at.timestamp() - self.now


class Machine(RuleBasedStateMachine):
    """Whatever happens in whatever order, these rules hold."""

    @initialize()
    def start(self) -> None:
        """A new world."""
        self.world = World()
        self.refused: set[str] = set()
        self.last: Token | None = None
        self.fetched_at = float("-inf")

    @rule(seconds=st.floats(0, 4000))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.world.now += seconds

    @rule(down=st.booleans(), life=st.sampled_from([30.0, 300.0, 1200.0, 3600.0, 86_400.0]))
    def change(self, down: bool, life: float) -> None:
        """The broker comes and goes; lives differ."""
        self.world.down, self.world.life = down, life

    @rule()
    def reject(self) -> None:
        """An API refuses the last token."""
        if self.last:
            self.refused.add(self.last.access_token)
            self.world.cache.rejected(self.last.access_token)

    @rule(min_ttl=st.sampled_from([0, 0, 60, 900, 2700]))
    def ask(self, min_ttl: int) -> None:
        """Somebody wants a token."""
        world, before = self.world, len(self.world.asked)
        left = world.left(self.last) if self.last else 0.0
        refused = self.last is not None and self.last.access_token in self.refused
        try:
            token = world.cache.token(KEY, min_ttl)
        except TokenBrokerError:
            assert world.down
            assert left <= min_ttl or refused, "a usable token was at hand"
            return
        asked = len(world.asked) - before
        assert world.left(token) > 0, "expired"
        assert token.access_token not in self.refused, "refused"
        assert asked <= 1
        if asked == 0:
            assert world.left(token) > max(min_ttl, MARGIN), "served without asking, too late"
        elif not refused and left > max(min_ttl, AHEAD):
            raise AssertionError("asked without need")
        elif not refused and left > max(min_ttl, MARGIN):
            assert world.now - self.fetched_at >= QUIET, "asked too often"
        if asked:
            self.fetched_at = world.now
        self.last = token

    @invariant()
    def no_flight_is_left(self) -> None:
        """Nobody waits for nothing."""
        if hasattr(self, "world"):
            assert not self.world.cache._flights


Machine.TestCase.settings = settings(max_examples=200, stateful_step_count=25, deadline=None)
TestCache = Machine.TestCase


@pytest.fixture
def world() -> World:
    return World()


def test_a_valid_token_is_served_while_the_broker_is_down(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    first = world.cache.token(KEY, 0)
    world.down = True
    world.now += 3600 - MARGIN / 2
    assert world.cache.token(KEY, 0) is first
    assert "broker_unavailable" in caplog.text
    assert "token-1" not in caplog.text
    world.now += MARGIN
    with pytest.raises(TokenBrokerError):
        world.cache.token(KEY, 0)


def test_while_a_token_is_at_hand_nobody_waits_for_tries(world: World) -> None:
    world.cache.token(KEY, 0)
    world.now += 3600 - AHEAD / 2
    world.cache.token(KEY, 0)
    assert [ask.patient for ask in world.asked] == [True, False]


def test_the_same_token_again_is_not_asked_for_at_once(world: World) -> None:
    world.life = AHEAD / 2
    for _ in range(10):
        world.cache.token(KEY, 0)
    assert len(world.asked) == 1
    world.now += QUIET
    world.cache.token(KEY, 0)
    assert len(world.asked) == 2


def test_a_fetch_begun_before_the_refusal_does_not_bring_the_token_back(world: World) -> None:
    token = Token("token-1", datetime.fromtimestamp(world.now + 3600, UTC))
    world.cache = Cache(lambda ask: token, lambda: world.now)
    world.cache.token(KEY, 0)
    world.now += 3600 - MARGIN / 2

    def meanwhile(ask: Ask) -> Token:
        world.cache.rejected("token-1")
        return token

    world.cache._fetch = meanwhile
    world.cache.token(KEY, 0)
    assert world.cache.peek(KEY, 0) == (None, True)


def test_expired_tokens_of_many_connections_are_dropped(world: World) -> None:
    for number in range(600):
        world.cache.token(Key(f"c-{number}", None), 0)
        world.now += 10
    assert len(world.cache._entries) <= 513
