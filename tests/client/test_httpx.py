"""The auth class for httpx, in both worlds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from token_broker import AsyncTokenBroker, TokenBroker
from token_broker.httpx import BearerAuth

from .fake import Broker


def test_sync(fake: Broker, broker: TokenBroker) -> None:
    with httpx.Client(auth=BearerAuth(broker, "a")) as client:
        assert client.get(f"{fake.url}/api").status_code == 200
        fake.expire()
        assert client.post(f"{fake.url}/api", json={"a": 1}).json() == {"sent": '{"a":1}'}
    assert [len(asked.query) for asked in fake.asked] == [0, 1]
    assert fake.refusals == 1


@pytest.mark.parametrize("twin", [False, True])
def test_async(fake: Broker, broker: TokenBroker, twin: bool) -> None:
    async def main() -> None:
        auth = BearerAuth(AsyncTokenBroker.over(broker) if twin else broker, "a")
        async with httpx.AsyncClient(auth=auth) as client:
            assert (await client.get(f"{fake.url}/api")).status_code == 200
            fake.expire()
            answer = await client.post(f"{fake.url}/api", content=b"hello")
            assert answer.json() == {"sent": "hello"}

    asyncio.run(main())
    assert fake.refusals == 1


def test_an_api_that_refuses_everything_is_asked_twice(fake: Broker, broker: TokenBroker) -> None:
    fake.refuses_all = True
    with httpx.Client(auth=BearerAuth(broker, "a")) as client:
        assert client.get(f"{fake.url}/api").status_code == 401
    assert fake.refusals == 2


def test_streams_are_not_sent_again(fake: Broker, broker: TokenBroker) -> None:
    def stream() -> Iterator[bytes]:
        yield b"hello"

    async def slow() -> AsyncIterator[bytes]:
        yield b"hello"

    headers = {"Content-Length": "5"}
    auth = BearerAuth(broker, "a")

    async def main() -> int:
        async with httpx.AsyncClient(auth=auth) as client:
            url = f"{fake.url}/api"
            return (await client.post(url, content=slow(), headers=headers)).status_code

    with httpx.Client(auth=auth) as client:
        client.get(f"{fake.url}/api")
        fake.expire()
        answer = client.post(f"{fake.url}/api", content=stream(), headers=headers)
        assert answer.status_code == 401
    fake.expire()
    assert asyncio.run(main()) == 401


def test_another_host_gets_no_token(fake: Broker, broker: TokenBroker) -> None:
    with httpx.Client(auth=BearerAuth(broker, "a"), follow_redirects=True) as client:
        answer = client.get(f"{fake.url}/elsewhere")
    assert answer.status_code == 401
    assert "Authorization" not in answer.request.headers
    assert fake.refusals == 1
    assert len(fake.asked) == 1


def test_no_token_without_tls(fake: Broker, broker: TokenBroker) -> None:
    with (
        httpx.Client(auth=BearerAuth(broker, "a")) as client,
        pytest.raises(ValueError, match="https only"),
    ):
        client.get("http://api.example.com/reports")
    assert not fake.asked
