"""The client for asyncio. Requests run in asyncio's threads; a token at hand costs no thread."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple

from token_broker import _wire
from token_broker._signing import SupportsCredentials
from token_broker._wire import Key, Scope
from token_broker.broker import TokenBroker
from token_broker.token import Token

if TYPE_CHECKING:
    import requests


class _Flight(NamedTuple):
    """What one task at a time fetches. Tasks belong to their loop."""

    loop: asyncio.AbstractEventLoop
    key: Key
    min_ttl: int


class AsyncTokenBroker:
    """TokenBroker for asyncio: the same arguments, the same cache rules, one request under way for
    each connection and scope. Its `sync` twin shares the cache."""

    def __init__(
        self,
        api_url: str,
        *,
        session: SupportsCredentials | None = None,
        region: str | None = None,
        timeout: float = 30.0,
        http: requests.Session | None = None,
    ) -> None:
        self.sync = TokenBroker(api_url, session=session, region=region, timeout=timeout, http=http)
        self._flights: dict[_Flight, asyncio.Task[Token]] = {}

    @classmethod
    def over(cls, broker: TokenBroker) -> AsyncTokenBroker:
        """The twin of a TokenBroker that is there already."""
        twin = cls.__new__(cls)
        twin.sync = broker
        twin._flights = {}
        return twin

    async def token(self, connection: str, scope: Scope = None, min_ttl: int = 0) -> Token:
        """As TokenBroker.token. A successor is fetched in the background."""
        key, min_ttl = _wire.key(connection, scope), _wire.check_min_ttl(min_ttl)
        usable, due = self.sync._cache.peek(key, min_ttl)
        if usable and not due:
            return usable
        task = self._fly(_Flight(asyncio.get_running_loop(), key, min_ttl))
        # Shielded: who gives up waiting must not end the others' request.
        return usable if usable else await asyncio.shield(task)

    def rejected(self, token: Token | str) -> None:
        """As TokenBroker.rejected."""
        self.sync.rejected(token)

    async def aclose(self) -> None:
        """Close the connections to the broker."""
        self.sync.close()

    async def __aenter__(self) -> AsyncTokenBroker:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"AsyncTokenBroker({self.sync.api_url!r})"

    def _fly(self, flight: _Flight) -> asyncio.Task[Token]:
        task = self._flights.get(flight)
        if task is None:
            work = asyncio.to_thread(self.sync._cache.token, flight.key, flight.min_ttl)
            self._flights[flight] = task = flight.loop.create_task(work)
            task.add_done_callback(lambda done: self._land(flight, done))
        return task

    def _land(self, flight: _Flight, task: asyncio.Task[Token]) -> None:
        self._flights.pop(flight, None)
        if not task.cancelled():
            task.exception()  # nobody may be left to look at it
