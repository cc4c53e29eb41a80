"""One cache for the whole host: many processes, one request to the broker.

Azure's libraries keep a token until five minutes before its end, and ask again on every call for
one that has less left. So what is handed out here has clearly more, whatever the broker has at
hand; and where there is nothing better, through an outage, the load of those calls ends here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple

from token_broker._cache import Cache, Rules
from token_broker._wire import Ask, Key
from token_broker.aio import AsyncTokenBroker
from token_broker.broker import TokenBroker
from token_broker.errors import TokenBrokerError
from token_broker.token import Token

HOST = Rules(ahead=900.0, margin=360.0, quiet=15.0, floor=0.0)
"""Nobody gets a token with less than six minutes left while the broker has a better one. `floor`:
during an outage one request in 15 s asks, all others are served from memory to the very end."""
WAIT = 10.0
"""Seconds a request waits for the broker. Libraries ask four times; the fetch goes on meanwhile,
and the next request joins it."""
WAIT_AT_HAND = 3.0
"""Seconds it waits while a valid token is at hand."""
HOLD = 5.0
"""Seconds a refusal is repeated without asking again: what a person heals takes longer."""
HOLD_LONGEST = 30.0
"""Seconds, where the broker itself names a time to come back."""
MAX_HELD = 256
"""Refusals that are remembered."""


class HostBroker(TokenBroker):
    """TokenBroker under the rules of a host."""

    def __init__(self, api_url: str, **options: object) -> None:
        super().__init__(api_url, **options)  # type: ignore[arg-type]
        self._cache = Cache(self._fetch, time.time, HOST)

    @property
    def cache(self) -> Cache:
        """The tokens at hand."""
        return self._cache

    def _fetch(self, ask: Ask) -> Token:
        """A token that lives longer than the libraries' margin; if there can be none, any."""
        least = int(HOST.margin)
        if ask.min_ttl >= least:
            return self._transport.fetch(ask)
        try:
            return self._transport.fetch(ask._replace(min_ttl=least))
        except TokenBrokerError as error:
            if error.code != "min_ttl_unreachable":
                raise
            return self._transport.fetch(ask)


class Held(NamedTuple):
    """A refusal and until when (seconds of the monotonic clock) it is repeated."""

    error: TokenBrokerError
    until: float


class Tokens:
    """The host's tokens, for asyncio. `wait`: seconds that one request may take."""

    def __init__(
        self,
        broker: HostBroker,
        wait: float = WAIT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cache = broker.cache
        self._broker = AsyncTokenBroker.over(broker)
        self._wait = wait
        self._clock = clock
        self._held: dict[tuple[Key, int], Held] = {}

    async def token(self, key: Key, min_ttl: int = 0, rejected: str | None = None) -> Token:
        """A token of a connection. Raises TokenBrokerError.

        rejected  SHA-256 (hex) of a token that the API refused
        """
        if rejected:
            self._cache.refused(key, rejected)
            self._held.pop((key, min_ttl), None)
        usable, due = self._cache.peek(key, min_ttl)
        if usable and not due:
            return usable
        held = self._held.get((key, min_ttl))
        if held and self._clock() < held.until:
            raise held.error.copy() from held.error
        return await self._fetched(key, min_ttl)

    async def _fetched(self, key: Key, min_ttl: int) -> Token:
        """What the broker says, for as long as a request may wait."""
        wait = min(self._wait, WAIT_AT_HAND) if self._at_hand(key, min_ttl) else self._wait
        try:
            async with asyncio.timeout(wait):
                return await self._broker.token(key.connection, key.scope, min_ttl)
        except TimeoutError:
            valid = self._at_hand(key, min_ttl)
            if valid:
                return valid
            detail = f"It has not answered within {self._wait:g} s; the request to it goes on."
            raise TokenBrokerError(
                "broker_unavailable", detail, connection=key.connection, retry_after=1
            ) from None
        except TokenBrokerError as error:
            self._hold(key, min_ttl, error)
            raise

    def _at_hand(self, key: Key, min_ttl: int) -> Token | None:
        """A valid token that lives long enough."""
        token = self._cache.valid(key)
        return token if token and token.expires_in > min_ttl else None

    def _hold(self, key: Key, min_ttl: int, error: TokenBrokerError) -> None:
        if len(self._held) >= MAX_HELD:
            self._held.clear()
        asked = error.retry_after if error.retryable else HOLD
        seconds = min(asked or 0.0, HOLD_LONGEST)
        self._held[key, min_ttl] = Held(error, self._clock() + seconds)
