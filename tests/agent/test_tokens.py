"""The cache for the whole host, under a simulated clock: what is served, and who asks."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.client.fake import Job
from token_broker import Token, TokenBrokerError
from token_broker._cache import Cache
from token_broker._wire import Ask, Key
from token_broker.agent.tokens import HOLD, HOST, WAIT_AT_HAND, HostBroker, Tokens

KEY = Key("a", None)
LIBRARIES = 300
"""Seconds before a token's end when the libraries ask on every call."""


class World:
    """A clock, a broker behind it, and the host's tokens between them."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.life = 3600.0
        self.error: TokenBrokerError | None = None
        self.hangs: threading.Event | None = None
        self.asked: list[Ask] = []
        broker = HostBroker("https://broker.example/v1", session=Job())
        broker._transport.fetch = self.fetch  # type: ignore[method-assign]
        broker._cache = Cache(broker._fetch, lambda: self.now, HOST)
        self.tokens = Tokens(broker, wait=0.5, clock=lambda: self.now)

    def fetch(self, ask: Ask) -> Token:
        """A new token each time, unless it is away."""
        self.asked.append(ask)
        if self.hangs:
            self.hangs.wait(5)
        if self.error:
            raise self.error.copy()
        if self.life < ask.min_ttl:
            raise TokenBrokerError("min_ttl_unreachable", status=422)
        ends = datetime.fromtimestamp(self.now + self.life, UTC)
        return Token(f"token-{len(self.asked)}", ends, connection=ask.key.connection)

    def left(self, token: Token) -> float:
        """Seconds."""
        return token.expires_at.timestamp() - self.now

    async def get(self, **more: object) -> Token:
        """What a request gets, once work in the background is done."""
        token = await self.tokens.token(KEY, **more)  # type: ignore[arg-type]
        for task in list(self.tokens._broker._flights.values()):
            await asyncio.wait([task])
        return token


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    if world.hangs:
        world.hangs.set()


@pytest.fixture(autouse=True)
def _real_seconds_left(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    """`Token.expires_in` looks at the clock itself."""
    monkeypatch.setattr(Token, "expires_in", property(lambda token: max(0, int(world.left(token)))))


def test_nobody_gets_a_token_that_makes_a_library_ask_again(world: World) -> None:
    """Whenever a request comes, in all the life of a token."""

    async def main() -> None:
        for _ in range(200):
            assert world.left(await world.get()) > LIBRARIES
            world.now += 61

    asyncio.run(main())
    assert len(world.asked) <= 200 * 61 / (3600 - HOST.ahead) + 1


def test_within_five_minutes_of_the_end_a_better_one_is_fetched(world: World) -> None:
    async def main() -> None:
        first = await world.get()
        world.now += 3600 - LIBRARIES + 10
        second = await world.get()
        assert second.access_token != first.access_token
        assert world.left(second) > LIBRARIES

    asyncio.run(main())
    assert [ask.min_ttl for ask in world.asked] == [360, 360]


def test_a_successor_is_fetched_before_anyone_waits(world: World) -> None:
    async def main() -> None:
        first = await world.get()
        world.now += 3600 - HOST.ahead + 1
        assert await world.get() is first
        assert (await world.get()).access_token == "token-2"

    asyncio.run(main())


def test_tokens_that_live_short_are_served_all_the_same(world: World) -> None:
    """And the load of libraries that ask on every call ends here."""
    world.life = 200.0

    async def main() -> None:
        for _ in range(50):
            assert world.left(await world.get()) > 0

    asyncio.run(main())
    assert [ask.min_ttl for ask in world.asked] == [360, 0]


@pytest.mark.parametrize("code", ["unreachable", "broker_unavailable", "throttled"])
def test_the_last_valid_token_through_an_outage(world: World, code: str) -> None:
    """To its very end, with few requests to a broker that is down; then an error."""

    async def main() -> None:
        first = await world.get()
        world.error = TokenBrokerError(code, connection="a", retry_after=2)
        world.now += 3600 - HOST.ahead
        while world.left(first) > 1:
            assert await world.get() is first
            world.now += 1
        world.now += 1
        with pytest.raises(TokenBrokerError) as caught:
            await world.get()
        assert caught.value.code == code
        world.error = None
        world.now += 5
        assert (await world.get()).access_token != first.access_token

    asyncio.run(main())
    assert len(world.asked) <= HOST.ahead / HOST.quiet + 5


def test_a_broker_that_hangs_does_not_hold_up_a_valid_token(world: World) -> None:
    async def main() -> None:
        first = await world.tokens.token(KEY)
        world.hangs = threading.Event()
        world.now += 3600 - 100
        begun = asyncio.get_running_loop().time()
        assert await world.tokens.token(KEY) is first
        assert asyncio.get_running_loop().time() - begun < WAIT_AT_HAND
        world.hangs.set()

    asyncio.run(main())


def test_a_wait_that_ends_goes_on_behind(world: World) -> None:
    """The library's next try joins the request that is under way."""
    world.hangs = threading.Event()

    async def main() -> None:
        with pytest.raises(TokenBrokerError) as caught:
            await world.tokens.token(KEY)
        assert (caught.value.code, caught.value.retryable) == ("broker_unavailable", True)
        again = asyncio.create_task(world.tokens.token(KEY))
        await asyncio.sleep(0.05)
        assert world.hangs
        world.hangs.set()
        assert (await again).access_token == "token-1"

    asyncio.run(main())
    assert len(world.asked) == 1


def test_a_refusal_is_repeated_for_a_moment_without_asking(world: World) -> None:
    world.error = TokenBrokerError("access_denied", status=403, connection="a")

    async def main() -> None:
        for _ in range(100):
            with pytest.raises(TokenBrokerError):
                await world.get()
        assert len(world.asked) == 1
        world.now += HOLD + 0.1
        world.error = None
        assert (await world.get()).access_token == "token-2"

    asyncio.run(main())


def test_a_throttled_broker_is_left_alone_as_long_as_it_says(world: World) -> None:
    world.error = TokenBrokerError("throttled", retry_after=20)

    async def main() -> None:
        for second in range(19):
            with pytest.raises(TokenBrokerError):
                await world.get()
            assert len(world.asked) == 1, second
            world.now += 1

    asyncio.run(main())


def test_what_is_remembered_is_bounded(world: World) -> None:
    world.error = TokenBrokerError("scope_not_granted", status=422)

    async def main() -> None:
        for number in range(1000):
            with pytest.raises(TokenBrokerError):
                await world.tokens.token(Key("a", f"scope-{number}"), rejected="0" * 64)

    asyncio.run(main())
    assert len(world.tokens._held) <= 256
    assert len(world.tokens._cache._refused) <= 513


def test_a_refused_token_is_asked_for_once(world: World) -> None:
    async def main() -> None:
        first = await world.get()
        crowd = [world.tokens.token(KEY, rejected=first.sha256) for _ in range(100)]
        assert {token.access_token for token in await asyncio.gather(*crowd)} == {"token-2"}

    asyncio.run(main())
    assert [ask.rejected is not None for ask in world.asked] == [False, True]
