"""One question to the broker over HTTPS, asked again while that makes sense."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from http.cookiejar import DefaultCookiePolicy

import requests

from token_broker import _wire
from token_broker._signing import Signer
from token_broker._wire import Ask
from token_broker.errors import TokenBrokerError
from token_broker.token import Token

CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0
"""API Gateway answers within 29 s."""
IMPATIENT_SECONDS = 10.0
"""While a valid token is at hand: one try, no longer."""
BACKOFF = (0.5, 8.0)
"""First and longest pause, where the answer names none."""


class Transport:
    """`timeout`: seconds in all for one question, pauses included."""

    def __init__(
        self,
        base: str,
        signer: Signer,
        timeout: float,
        http: requests.Session | None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._base = base
        self._signer = signer
        self._timeout = timeout
        self._http = http or _session()
        self._sleep = sleep

    def fetch(self, ask: Ask) -> Token:
        """The broker's token; TokenBrokerError if there is none."""
        deadline = time.monotonic() + (self._timeout if ask.patient else IMPATIENT_SECONDS)
        attempt = 0
        while True:
            left = deadline - time.monotonic()
            try:
                return self._once(ask, max(left, 0.1))
            except TokenBrokerError as error:
                wait = pause(error, attempt, deadline - time.monotonic())
                if wait is None or not ask.patient:
                    raise
            self._sleep(wait)
            attempt += 1

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _once(self, ask: Ask, left: float) -> Token:
        asked_at = time.time()
        try:
            answer = self._http.get(
                _wire.url(self._base, ask),
                auth=self._signer,
                headers={"Accept": "application/json"},
                timeout=(min(CONNECT_SECONDS, left), min(READ_SECONDS, left)),
                allow_redirects=False,
            )
        except requests.RequestException as error:
            name = type(error).__name__
            raise TokenBrokerError(
                "unreachable", f"requests raised {name}.", connection=ask.key.connection
            ) from error
        if answer.status_code == 200:
            return _wire.token(answer.content, ask, asked_at)
        now = time.time()
        raise _wire.failure(answer.status_code, answer.headers, answer.content, ask, now)


def pause(error: TokenBrokerError, attempt: int, left: float) -> float | None:
    """Seconds before another try; None if there should be none. Jittered, so that the jobs of one
    minute do not come back together."""
    if not error.retryable:
        return None
    first, longest = BACKOFF
    wait = min(longest, first * 2.0**attempt) * random.uniform(0.5, 1.0)  # noqa: S311 (no secret)
    if error.retry_after is not None:
        wait = error.retry_after + wait / 4
    return wait if wait < left else None


def _session() -> requests.Session:
    """Keeps connections, and no cookies."""
    session = requests.Session()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session
