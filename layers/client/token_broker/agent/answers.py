"""Answers: a status, headers, JSON. Never a redirect, never a header that lets a browser in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from token_broker.agent.request import brief
from token_broker.errors import TokenBrokerError

RETRY_SECONDS = (1, 5)
"""Least and most that a library is told to wait. Each of its four tries is a full wait already,
and a library sleeps through whatever it is told."""
MESSAGE_LENGTH = 1500

COMMON = (
    (b"content-type", b"application/json"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
)

Headers = tuple[tuple[bytes, bytes], ...]


class Answer(NamedTuple):
    """What goes back. `code`: for the log; `connection`: whose token it was about."""

    status: int
    body: bytes
    headers: Headers = COMMON
    code: str = "served"
    connection: str | None = None


def answer(status: int, body: Mapping[str, Any], headers: Headers = (), **about: Any) -> Answer:
    """An answer with a JSON body. `about`: `code` and `connection`."""
    data = json.dumps(body, separators=(",", ":")).encode()
    return Answer(status, data, COMMON + headers if headers else COMMON, **about)


def status(error: TokenBrokerError) -> int:
    """400 for what only a person heals, because no library tries it again; 503 for the rest."""
    return 503 if error.retryable else 400


def retry(error: TokenBrokerError) -> Headers:
    """When to come back, for what heals by itself."""
    if not error.retryable:
        return ()
    least, most = RETRY_SECONDS
    seconds = min(max(error.retry_after or least, least), most)
    return ((b"retry-after", str(seconds).encode()),)


def message(error: TokenBrokerError) -> str:
    """Why, who must act and how, in one line: all that an SDK shows of an answer."""
    lines = [line.strip() for line in str(error).splitlines()]
    return brief(" | ".join(lines), MESSAGE_LENGTH)
