"""Requests to the broker over HTTPS, repeated while that makes sense."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from http.cookiejar import DefaultCookiePolicy
from typing import TypeVar

import requests
import urllib3

from token_broker import _wire
from token_broker._signing import Signer
from token_broker._unreachable import unreachable
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
UNANSWERED = 3
"""Tries in all while no answer comes at all: a network that is down for longer is for a person."""

LOG = logging.getLogger("token_broker")
NETWORK_ERRORS = (requests.RequestException, urllib3.exceptions.HTTPError, UnicodeError)
"""What sending may raise; UnicodeError for host names that DNS cannot have."""

T = TypeVar("T")


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
        self._http = http or plain_session()
        self._sleep = sleep

    def fetch(self, ask: Ask) -> Token:
        """The broker's token; TokenBrokerError if there is none."""
        seconds = self._timeout if ask.patient else IMPATIENT_SECONDS
        return repeated(
            lambda left: self._once(ask, left), seconds, self._sleep, lambda _: ask.patient
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _once(self, ask: Ask, left: float) -> Token:
        asked_at, url = time.time(), _wire.url(self._base, ask)
        answer = send(self._http, self._signer, "GET", url, left, ask.key.connection)
        if answer.status_code == 200:
            return _wire.token(answer.content, ask, asked_at)
        now = time.time()
        raise _wire.failure(answer.status_code, answer.headers, answer.content, ask, now)


def send(
    http: requests.Session,
    signer: Signer,
    method: str,
    url: str,
    left: float,
    connection: str | None,
    body: bytes | None = None,
) -> requests.Response:
    """One signed request, with at most `left` seconds to connect and to wait; its answer, whatever
    the status. Raises `unreachable`; its cause holds no request, for that is signed."""
    headers = {"Accept": "application/json"}
    try:
        return http.request(
            method,
            url,
            data=body,
            auth=signer,
            headers=headers | ({"Content-Type": "application/json"} if body else {}),
            timeout=(min(CONNECT_SECONDS, left), min(READ_SECONDS, left)),
            allow_redirects=False,
        )
    except NETWORK_ERRORS as error:
        if isinstance(error, TokenBrokerError):  # the signer's
            raise
        failure = unreachable(error, url, connection)
    raise failure


def repeated(
    once: Callable[[float], T],
    seconds: float,
    sleep: Callable[[float], None],
    harmless: Callable[[TokenBrokerError], bool],
) -> T:
    """What `once` returns, given the seconds left; tried again while that makes sense and, after
    this error, can do no harm."""
    deadline, attempt = time.monotonic() + seconds, 0
    while True:
        try:
            return once(max(deadline - time.monotonic(), 0.1))
        except TokenBrokerError as error:
            wait = pause(error, attempt, deadline - time.monotonic())
            if wait is None or not harmless(error):
                raise
            LOG.info("%s; retrying in %.0f s", str(error).split("\n", 1)[0], wait)
        sleep(wait)
        attempt += 1


def pause(error: TokenBrokerError, attempt: int, left: float) -> float | None:
    """Seconds before another try; None if there should be none. Jittered, so that the jobs of one
    minute do not come back together."""
    if not error.retryable or (error.code == "unreachable" and attempt + 1 >= UNANSWERED):
        return None
    first, longest = BACKOFF
    wait = min(longest, first * 2.0**attempt) * random.uniform(0.5, 1.0)  # noqa: S311 (no secret)
    if error.retry_after is not None:
        wait = error.retry_after + wait / 4
    return wait if wait < left else None


def plain_session() -> requests.Session:
    """Keeps connections, and no cookies."""
    session = requests.Session()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session
