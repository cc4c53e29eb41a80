"""Bearer tokens for httpx: ``httpx.Client(auth=BearerAuth(broker, "reports"))``.

Needs the extra `httpx`.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator

import httpx

from token_broker._wire import Scope, require_tls
from token_broker.aio import AsyncTokenBroker
from token_broker.broker import TokenBroker
from token_broker.token import Token


class BearerAuth(httpx.Auth):
    """Sends the connection's token, with Client and AsyncClient (on asyncio). After a 401 it
    fetches another one and sends the request once more, if its body is in memory.

    Raises TokenBrokerError if there is no token, ValueError for a URL without TLS.
    """

    def __init__(
        self,
        broker: TokenBroker | AsyncTokenBroker,
        connection: str,
        scope: Scope = None,
    ) -> None:
        if isinstance(broker, TokenBroker):
            broker = AsyncTokenBroker.over(broker)
        self._twin = broker
        self._broker = broker.sync
        self._connection = connection
        self._scope = scope

    def sync_auth_flow(
        self, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, None]:
        """For httpx.Client."""
        require_tls(str(request.url))
        token = self._broker.token(self._connection, self._scope)
        answer = yield _authorized(request, token)
        if self._refused(answer, token):
            fresh = self._broker.token(self._connection, self._scope)
            if _repeats(request, token, fresh):
                answer.read()
                yield _authorized(request, fresh)

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """For httpx.AsyncClient."""
        require_tls(str(request.url))
        token = await self._twin.token(self._connection, self._scope)
        answer = yield _authorized(request, token)
        if self._refused(answer, token):
            fresh = await self._twin.token(self._connection, self._scope)
            if _repeats(request, token, fresh):
                await answer.aread()
                yield _authorized(request, fresh)

    def _refused(self, answer: httpx.Response, token: Token) -> bool:
        """Whether this token met a 401. After a redirect to another host it was not sent."""
        sent = answer.request.headers.get("Authorization")
        if answer.status_code != 401 or sent != f"Bearer {token.access_token}":
            return False
        self._broker.rejected(token)
        return True


def _authorized(request: httpx.Request, token: Token) -> httpx.Request:
    request.headers["Authorization"] = f"Bearer {token.access_token}"
    return request


def _repeats(request: httpx.Request, token: Token, fresh: Token) -> bool:
    """Whether another try makes sense: a new token, and a body that can be sent again."""
    return fresh.access_token != token.access_token and isinstance(request.stream, httpx.ByteStream)
