"""HTTPS to the identity platform and to the services' own APIs.

Secrets are opened here and nowhere else on their way out. Errors of requests and urllib3 hold the
request with its body, so nothing of them survives but a reason.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlencode

import requests
from requests.adapters import HTTPAdapter
from urllib3 import exceptions as urllib3

from broker.domain.secret import Secret
from broker.ports.ambient import Clock
from broker.ports.errors import Reason, Unreachable
from broker.ports.outside import Reply

CONNECT_SECONDS = 3.0
BODY_BYTES = 1 << 20
"""Token answers have a few KB; documents with keys some 20."""
IDLE_SECONDS = 20.0
"""A connection idle for longer is not used again: an authorization code sent into one that the
other side has closed would be lost, for it must not be sent twice."""

_CHUNK = 1 << 16


class Http:
    """`ports.Http` and `ports.Api`."""

    def __init__(self, clock: Clock = time.time) -> None:
        self._clock = clock
        self._used = clock()
        self._session = requests.Session()
        self._session.trust_env = False  # neither proxies nor .netrc nor other authorities
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers.clear()
        self._session.headers.update(
            # Without compression the size of a body is what it takes in memory.
            {
                "Accept": "application/json",
                "Accept-Encoding": "identity",
                "User-Agent": "token-broker",
            }
        )
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=50, max_retries=0))

    def get(self, url: str, timeout: float) -> Reply:
        return self._send("GET", url, timeout)

    def post(self, url: str, form: Mapping[str, str | Secret], timeout: float) -> Reply:
        opened = {name: _opened(value) for name, value in form.items()}
        return self._send(
            "POST",
            url,
            timeout,
            data=urlencode(opened),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )

    def call(
        self,
        url: str,
        headers: Mapping[str, str | Secret],
        body: Mapping[str, object] | None,
        timeout: float,
    ) -> Reply:
        shown = {name: _opened(value) for name, value in headers.items()}
        if body is None:
            return self._send("GET", url, timeout, headers=shown)
        shown["Content-Type"] = "application/json"
        return self._send("POST", url, timeout, data=json.dumps(dict(body)), headers=shown)

    def _send(self, method: str, url: str, timeout: float, **request: Any) -> Reply:
        now = self._clock()
        if now - self._used > IDLE_SECONDS:
            self._session.close()  # drops the pooled connections; the session goes on
        self._used = now
        deadline = time.monotonic() + timeout
        try:
            with self._session.request(
                method,
                url,
                timeout=(min(CONNECT_SECONDS, timeout), timeout),
                allow_redirects=False,
                verify=True,
                stream=True,
                **request,
            ) as response:
                headers = {name.lower(): value for name, value in response.headers.items()}
                return Reply(response.status_code, headers, _body(response, deadline))
        except (requests.RequestException, urllib3.HTTPError, OSError) as error:
            reason = _reason(error)
        raise Unreachable(reason)


def _opened(value: str | Secret) -> str:
    return value.open() if isinstance(value, Secret) else value


def _body(response: requests.Response, deadline: float) -> bytes:
    """The whole body, within the time and the size allowed."""
    body = bytearray()
    # read1 returns what is there, so that a body that trickles in cannot outlast the deadline.
    while chunk := response.raw.read1(_CHUNK):
        body += chunk
        if len(body) > BODY_BYTES:
            raise requests.exceptions.ContentDecodingError
        if time.monotonic() > deadline:
            raise requests.exceptions.ReadTimeout
    return bytes(body)


def _reason(error: Exception) -> Reason:
    found: Reason = "reset"  # also what the operating system says while the body is read
    match error:
        case requests.exceptions.SSLError() | urllib3.SSLError():
            found = "tls"
        case requests.exceptions.ConnectTimeout():
            found = "connect"  # nothing was sent
        case requests.exceptions.ConnectionError(args=(urllib3.MaxRetryError(), *_)):
            found = "connect"
        case requests.exceptions.Timeout() | urllib3.TimeoutError() | TimeoutError():
            found = "timeout"
        case requests.exceptions.ConnectionError() | urllib3.ProtocolError():
            found = "reset"
        case requests.RequestException() | urllib3.HTTPError():
            found = "protocol"
    return found
