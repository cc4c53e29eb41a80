"""The asyncio twin."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import assert_type

import pytest

from token_broker import AsyncTokenBroker, Token, TokenBrokerError

from .fake import Broker, Job, problem


def client(fake: Broker) -> AsyncTokenBroker:
    return AsyncTokenBroker(fake.url, session=Job())


def test_a_thousand_tasks_cause_one_request(fake: Broker) -> None:
    fake.delay = 0.2

    async def main() -> set[str]:
        async with client(fake) as broker:
            tokens = await asyncio.gather(*(broker.token("a") for _ in range(1000)))
        return {token.access_token for token in tokens}

    assert asyncio.run(main()) == {"token-1"}
    assert len(fake.asked) == 1


def test_who_gives_up_does_not_take_the_others_along(fake: Broker) -> None:
    fake.delay = 0.3

    async def main() -> str:
        async with client(fake) as broker:
            first = asyncio.create_task(broker.token("a"))
            second = asyncio.create_task(broker.token("a"))
            await asyncio.sleep(0.1)
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            return assert_type(await second, Token).access_token

    assert asyncio.run(main()) == "token-1"
    assert len(fake.asked) == 1


def test_errors_and_rejected(fake: Broker) -> None:
    fake.script.append(problem("suspended", 409))

    async def main() -> str:
        async with client(fake) as broker:
            with pytest.raises(TokenBrokerError, match="suspended"):
                await broker.token("a")
            broker.rejected(await broker.token("a"))
            return (await broker.token("a")).access_token

    assert asyncio.run(main()) == "token-2"
    assert "rejected" in fake.asked[2].query


def test_a_successor_is_fetched_in_the_background(fake: Broker) -> None:
    async def main() -> None:
        async with client(fake) as broker:
            fake.expires_in = 300
            old = await broker.token("a")
            entry = next(iter(broker.sync._cache._entries.values()))
            key = next(iter(broker.sync._cache._entries))
            broker.sync._cache._entries[key] = entry._replace(quiet_until=0)
            fake.expires_in = 3600
            fake.open.clear()
            assert await broker.token("a") is old
            assert len(broker._flights) == 1
            fake.open.set()
            await asyncio.gather(*broker._flights.values())
            assert (await broker.token("a")).expires_in > 3000

    asyncio.run(main())
    assert len(fake.asked) == 2


def test_in_the_last_minute_everyone_waits_for_the_successor(fake: Broker) -> None:
    async def main() -> set[str]:
        async with client(fake) as broker:
            fake.expires_in = 30
            await broker.token("a")
            fake.delay = 0.2
            fake.expire()
            tokens = await asyncio.gather(*(broker.token("a") for _ in range(10)))
        return {token.access_token for token in tokens}

    assert asyncio.run(main()) == {"token-2"}
    assert len(fake.asked) == 2


def test_one_client_over_several_loops(fake: Broker) -> None:
    broker = client(fake)
    for _ in range(3):
        token = asyncio.run(broker.token("a"))
        broker.rejected(token)
    broker.sync.close()
    assert len(fake.asked) == 3
    assert not broker._flights


def test_the_sync_twin_shares_the_cache(fake: Broker) -> None:
    broker = client(fake)
    token = broker.sync.token("a")
    assert asyncio.run(broker.token("a")) is token
    assert token.expires_at > datetime.now(UTC)
    assert isinstance(token, Token)
    broker.sync.close()
