"""The ASGI application: guard, question, choice, token, answer; one line of log for what failed.

https://asgi.readthedocs.io/en/latest/specs/www.html
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from token_broker import _wire
from token_broker.agent import appservice, choice, direct, imds
from token_broker.agent.answers import Answer, answer
from token_broker.agent.choice import Choice
from token_broker.agent.guard import Guard, Refusal
from token_broker.agent.journal import Journal, Value
from token_broker.agent.request import Request, fields
from token_broker.agent.tokens import Tokens
from token_broker.errors import TokenBrokerError
from token_broker.token import Token

Send = Callable[[Mapping[str, Any]], Awaitable[None]]

HEALTH = "/healthz"
MAX_WAITING = 1000
"""Requests that wait for the broker at a time. Whoever asks and goes away leaves one behind."""
MAX_SPELLINGS = 512

NOT_FOUND = Refusal(404, "not_found", f"Nothing is here. Tokens are at {appservice.PATH}.")
MISTAKE = Refusal(500, "internal_error", "A mistake of the agent; its log names the kind.")
HEALTHY = answer(200, {"status": "ok"}, code="healthy")
LIBRARIES = (b"x-client-sku", b"user-agent")
"""Headers that tell which library asks; neither holds a secret."""


class Asked(NamedTuple):
    """A request under its number in the log, and since when (seconds of the monotonic clock)."""

    request: Request
    correlation: str
    begun: float
    about: dict[str, Value]


class Agent:
    """An application of ASGI 3. `metadata`: whether it also speaks like the metadata service."""

    def __init__(
        self, guard: Guard, served: Choice, tokens: Tokens, journal: Journal, *, metadata: bool
    ) -> None:
        self._guard = guard
        self._choice = served
        self._tokens = tokens
        self._journal = journal
        self._metadata = metadata
        self._waiting = 0
        self._spellings: dict[tuple[str, str], str] = {}

    async def __call__(self, scope: Mapping[str, Any], _receive: object, send: Send) -> None:
        """One request of HTTP. The body is never read: none is allowed."""
        named = dict(scope["headers"])
        request = Request(scope["method"], scope["path"], scope["query_string"], named)
        asked = Asked(request, secrets.token_hex(8), time.monotonic(), {})
        try:
            found = await self._answer(asked)
        except Exception as error:  # noqa: BLE001 (the edge: its class is told, its text is not)
            asked.about["detail"] = type(error).__name__
            found = appservice.refused(MISTAKE, asked.correlation)
        self._log(asked, found)
        length = (b"content-length", str(len(found.body)).encode())
        headers = [*found.headers, length]
        await send({"type": "http.response.start", "status": found.status, "headers": headers})
        await send({"type": "http.response.body", "body": found.body})

    async def _answer(self, asked: Asked) -> Answer:
        """The routes without the secret, and behind it all others."""
        request = asked.request
        refusal = self._guard.reach(request)
        if refusal:
            return appservice.refused(refusal, asked.correlation)
        if request.path == HEALTH:
            return HEALTHY
        if self._metadata and request.path.rstrip("/") == imds.PATH:
            return await self._imds(asked)
        refusal = self._guard.knows(request)
        if refusal:
            return appservice.refused(refusal, asked.correlation)
        return await self._known(asked)

    async def _known(self, asked: Asked) -> Answer:
        """For those who know the secret."""
        path = asked.request.path
        if path == appservice.PATH:
            return await self._appservice(asked)
        named = direct.named(path)
        if named is not None:
            return await self._direct(asked, named)
        return appservice.refused(NOT_FOUND, asked.correlation)

    async def _appservice(self, asked: Asked) -> Answer:
        try:
            question = appservice.question(fields(asked.request.query))
            return appservice.served(await self._token(asked, question), question)
        except TokenBrokerError as error:
            return appservice.failed(error, asked.correlation)

    async def _imds(self, asked: Asked) -> Answer:
        refusal = imds.knows(asked.request)
        if refusal:
            return appservice.refused(refusal, asked.correlation)
        try:
            question = imds.question(fields(asked.request.query))
            return imds.served(await self._token(asked, question), question)
        except TokenBrokerError as error:
            return imds.failed(error)

    async def _direct(self, asked: Asked, named: str) -> Answer:
        try:
            question = direct.question(named, fields(asked.request.query))
            connection = self._choice.named(question.connection)
            asked.about.update(connection=connection, resource=question.scope)
            key = _wire.key(connection, question.scope)
            token = await self._fetch(key, question.min_ttl, question.rejected)
            return direct.served(token)
        except TokenBrokerError as error:
            return direct.failed(error)

    async def _token(self, asked: Asked, question: appservice.Question) -> Token:
        """The token that a library's question means."""
        asked.about.update(resource=question.resource, client_id=question.client_id)
        connection = self._choice.connection(question.client_id, question.resource)
        asked.about["connection"] = connection
        spelt = (connection, choice.canonical(question.resource))
        known = self._spellings.get(spelt)
        candidates = (known,) if known else choice.scopes(question.resource)
        refusals: list[TokenBrokerError] = []
        for scope in candidates:
            try:
                token = await self._fetch(_wire.key(connection, scope), 0, question.rejected)
            except TokenBrokerError as error:
                if error.code != "scope_not_granted":
                    raise
                refusals.append(error)
            else:
                self._remember(spelt, scope)
                return token
        self._spellings.pop(spelt, None)
        raise refusals[0]

    async def _fetch(self, key: _wire.Key, min_ttl: int, rejected: str | None) -> Token:
        if self._waiting >= MAX_WAITING:
            detail = f"{MAX_WAITING} requests wait for it already."
            raise TokenBrokerError("broker_unavailable", detail, retry_after=1)
        self._waiting += 1
        try:
            return await self._tokens.token(key, min_ttl, rejected)
        finally:
            self._waiting -= 1

    def _remember(self, spelt: tuple[str, str], scope: str) -> None:
        """How the broker knows a resource."""
        if len(self._spellings) >= MAX_SPELLINGS and spelt not in self._spellings:
            self._spellings.clear()
        self._spellings[spelt] = scope

    def _log(self, asked: Asked, found: Answer) -> None:
        """What was refused or failed; with `every`, all."""
        if found.status == 200 and (not self._journal.every or found is HEALTHY):
            return
        headers = asked.request.headers
        library = next((headers[name] for name in LIBRARIES if name in headers), b"")
        self._journal.note(
            "answered",
            route=asked.request.path,
            status=found.status,
            code=found.code,
            correlation_id=asked.correlation,
            milliseconds=round((time.monotonic() - asked.begun) * 1000, 1),
            library=library.decode("latin-1"),
            **asked.about,
        )
