"""Managing connections: the routes of the operator.

    from token_broker.operator.client import Operator

    operator = Operator("https://<id>.execute-api.<region>.amazonaws.com/v1")
    for connection in operator.list():
        print(connection["connection"], connection["status"])

Every method raises TokenBrokerError.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast
from urllib.parse import quote, urlencode

import requests
from requests.adapters import HTTPAdapter

from token_broker import _wire
from token_broker._signing import Signer, SupportsCredentials
from token_broker._transport import CONNECT_SECONDS, READ_SECONDS, pause
from token_broker._wire import Ask, Key
from token_broker.errors import TokenBrokerError
from token_broker.operator.shapes import Change, Connection, Links, Status, Verification, Wish

THREADS = 32
"""Connections that are kept open at most."""
REPEATABLE = frozenset({"GET", "PUT"})
"""Methods that may be sent again when nobody knows whether they took effect."""
DOUBTFUL = frozenset({"unreachable", "broker_unavailable"})
"""Codes after which nobody knows."""


class Operator:
    """Safe for threads.

    api_url  the output ApiUrl of the broker's stack, stage included
    session  of botocore or boto3; without it botocore finds the credentials
    region   of the API; needed only if neither the URL nor the session tells it
    timeout  seconds that one call may take in all, tries and pauses included
    http     a session of requests, for a proxy or certificates of your own
    """

    def __init__(
        self,
        api_url: str,
        *,
        session: SupportsCredentials | None = None,
        region: str | None = None,
        timeout: float = 60.0,
        http: requests.Session | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.api_url = _wire.base_url(api_url)
        self._signer = Signer(self.api_url, session, region)
        self._timeout = timeout
        self._http = http or _session()
        self._sleep = sleep

    def create(self, wish: Wish) -> Links:
        """A new connection, and the links for its owner and an administrator."""
        return cast(Links, self._call("POST", "/connections", wish["connection"], body=wish))

    def list(self, status: Status | None = None) -> Iterator[Connection]:
        """All connections, page by page."""
        cursor: str | None = ""
        while cursor is not None:
            given = {"status": status, "cursor": cursor or None, "limit": "100"}
            query = {name: value for name, value in given.items() if value is not None}
            page = self._call("GET", "/connections", query=query)
            yield from page["connections"]
            cursor = page["next_cursor"]

    def show(self, connection: str) -> Connection:
        """One connection, all but secrets."""
        return cast(Connection, self._one("GET", connection))

    def change(self, connection: str, change: Change) -> Connection:
        """Merge patch. A stale `version` is a `conflict`."""
        return cast(Connection, self._one("PATCH", connection, body=change))

    def delete(self, connection: str) -> None:
        """Delete the connection and its tokens. Microsoft has no way to revoke the consent."""
        self._one("DELETE", connection)

    def reauthorize(
        self, connection: str, scopes: tuple[str, ...] = (), allow_account_change: bool = False
    ) -> Links:
        """New links; earlier ones end."""
        body: dict[str, Any] = {"allow_account_change": allow_account_change}
        if scopes:
            body["scopes"] = [*scopes]
        return cast(Links, self._one("POST", connection, "/authorizations", body))

    def refresh(self, connection: str) -> Connection:
        """Redeem the refresh token now."""
        return cast(Connection, self._one("POST", connection, "/refresh"))

    def adopt(self, connection: str, refresh_token: str) -> Connection:
        """Import a refresh token of the broker's client id. It counts once it was redeemed."""
        body = {"refresh_token": refresh_token}
        return cast(Connection, self._one("PUT", connection, "/refresh-token", body))

    def verify(self, connection: str) -> Verification:
        """Whether the connection really reaches its service."""
        return cast(Verification, self._one("POST", connection, "/verify"))

    def close(self) -> None:
        """Close the connections to the broker."""
        self._http.close()

    def __repr__(self) -> str:
        return f"Operator({self.api_url!r})"

    def _one(
        self, method: str, connection: str, path: str = "", body: Mapping[str, Any] | None = None
    ) -> Any:
        name = _wire.key(connection, None).connection
        return self._call(method, f"/connections/{name}{path}", name, body=body)

    def _call(
        self,
        method: str,
        path: str,
        connection: str = "",
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Any:
        """One call, repeated while that makes sense and can do no harm."""
        deadline, attempt = time.monotonic() + self._timeout, 0
        # SigV4 wants a space as %20.
        text = f"?{urlencode(query, quote_via=quote, safe='')}" if query else ""
        data = None if body is None else json.dumps(body).encode()
        while True:
            try:
                return self._once(method, self.api_url + path + text, data, connection)
            except TokenBrokerError as error:
                wait = pause(error, attempt, deadline - time.monotonic())
                doubtful = error.code in DOUBTFUL and method not in REPEATABLE
                if wait is None or doubtful:
                    raise
            self._sleep(wait)
            attempt += 1

    def _once(self, method: str, url: str, data: bytes | None, connection: str) -> Any:
        named = connection or None
        headers = {"Accept": "application/json"}
        try:
            answer = self._http.request(
                method,
                url,
                data=data,
                auth=self._signer,
                headers=headers | ({"Content-Type": "application/json"} if data else {}),
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                allow_redirects=False,
            )
        except requests.RequestException as error:
            name = type(error).__name__
            raise TokenBrokerError(
                "unreachable", f"requests raised {name}.", connection=named
            ) from error
        if answer.status_code == 204:
            return None
        if answer.status_code not in (200, 201):
            raise _failure(answer, connection)
        try:
            return answer.json()
        except ValueError:
            raise TokenBrokerError(
                "unexpected_answer", "It is not JSON.", connection=named
            ) from None


def _failure(answer: requests.Response, connection: str) -> TokenBrokerError:
    ask, now = Ask(Key(connection, None)), time.time()
    error = _wire.failure(answer.status_code, answer.headers, answer.content, ask, now)
    if error.code == "not_authorized":
        error.remedy = (
            "Run as a role with the policy of the stack's output OperatorPolicy, "
            "and sign for the API's own region."
        )
    return error


def _session() -> requests.Session:
    """Keeps as many connections as an import has threads, and no cookies."""
    from token_broker._transport import _session as plain

    session = plain()
    session.mount("https://", HTTPAdapter(pool_maxsize=THREADS))
    session.mount("http://", HTTPAdapter(pool_maxsize=THREADS))
    return session
