"""Managing connections: the routes of the operator.

    from token_broker.operator import Operator

    with Operator("https://<id>.execute-api.<region>.amazonaws.com/v1") as operator:
        for connection in operator.list():
            print(connection["connection"], connection["status"])

Every method raises TokenBrokerError.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote, urlencode

import requests
from requests.adapters import HTTPAdapter

from token_broker import _wire
from token_broker._signing import Signer, SupportsCredentials
from token_broker._transport import plain_session, repeated, send
from token_broker._wire import Ask, Key
from token_broker.errors import TokenBrokerError
from token_broker.operator.reading import read
from token_broker.operator.shapes import (
    Change,
    Connection,
    IdentityProvider,
    Links,
    Nothing,
    Page,
    Status,
    Verification,
    Wish,
)

THREADS = 32
"""Connections that are kept open at most."""
REPEATABLE = frozenset({"GET", "PUT"})
"""Methods that may be sent again when nobody knows whether they took effect."""
DOUBTFUL = frozenset({"unreachable", "broker_unavailable"})
"""Codes after which nobody knows."""

T = TypeVar("T")


class Operator:
    """Safe for threads; a context manager, which closes its connections.

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
        name = _wire.slug(wish["connection"])
        return self._call(Links, "POST", "/connections", name, body=wish)

    def list(self, status: Status | None = None) -> Iterator[Connection]:
        """All connections, page by page."""
        cursor: str | None = ""
        while cursor is not None:
            given = {"status": status, "cursor": cursor or None, "limit": "100"}
            query = {name: value for name, value in given.items() if value is not None}
            page = self._call(Page, "GET", "/connections", query=query)
            yield from page["connections"]
            cursor = page["next_cursor"]

    def show(self, connection: str) -> Connection:
        """One connection, all but secrets."""
        return self._of(Connection, "GET", connection)

    def change(self, connection: str, change: Change) -> Connection:
        """Merge patch. A stale `version` is a `conflict`."""
        return self._of(Connection, "PATCH", connection, body=change)

    def delete(self, connection: str, revoke: bool = False) -> None:
        """Delete the connection and its tokens. `revoke` also withdraws the consent at Google;
        Microsoft has no way to."""
        query = {"revoke": "true"} if revoke else None
        self._of(Nothing, "DELETE", connection, query=query)

    def reauthorize(
        self,
        connection: str,
        scopes: Iterable[str] = (),
        allow_account_change: bool = False,
        *,
        identity_provider: IdentityProvider | None = None,
        send_link: bool = False,
    ) -> Links:
        """New links; earlier ones end. `send_link` has the broker mail the owner's."""
        body: dict[str, Any] = {"allow_account_change": allow_account_change}
        optional = {
            "scopes": [*scopes],
            "identity_provider": identity_provider,
            "send_link": send_link,
        }
        body |= {name: value for name, value in optional.items() if value}
        return self._of(Links, "POST", connection, "/authorizations", body)

    def refresh(self, connection: str, client_authentication: str | None = None) -> Connection:
        """Redeem the refresh token now. `client_authentication`: with this kind alone (`secret`,
        `certificate`, `federated`)."""
        body = {"client_authentication": client_authentication} if client_authentication else None
        return self._of(Connection, "POST", connection, "/refresh", body)

    def adopt(self, connection: str, refresh_token: str) -> Connection:
        """Import a refresh token of the broker's client id. It counts once it was redeemed."""
        body = {"refresh_token": refresh_token}
        return self._of(Connection, "PUT", connection, "/refresh-token", body)

    def verify(self, connection: str) -> Verification:
        """Whether the connection really reaches its service."""
        return self._of(Verification, "POST", connection, "/verify")

    def close(self) -> None:
        """Close the connections to the broker."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Operator({self.api_url!r})"

    def _of(
        self,
        shape: type[T],
        method: str,
        connection: str,
        path: str = "",
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> T:
        name = _wire.slug(connection)
        return self._call(shape, method, f"/connections/{name}{path}", name, body=body, query=query)

    def _call(
        self,
        shape: type[T],
        method: str,
        path: str,
        connection: str = "",
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> T:
        """One call, repeated while that makes sense and can do no harm; its answer in its shape."""
        # SigV4 wants a space as %20.
        text = f"?{urlencode(query, quote_via=quote, safe='')}" if query else ""
        data = None if body is None else json.dumps(body).encode()

        def once(left: float) -> T:
            url = self.api_url + path + text
            answer = send(self._http, self._signer, method, url, left, connection or None, data)
            return _result(shape, answer, connection)

        def harmless(error: TokenBrokerError) -> bool:
            return method in REPEATABLE or error.code not in DOUBTFUL

        return repeated(once, self._timeout, self._sleep, harmless)


def _result(shape: type[T], answer: requests.Response, connection: str) -> T:
    if answer.status_code not in (200, 201, 204):
        raise _failure(answer, connection)
    raw = answer.content if answer.status_code != 204 else b"{}"
    return read(shape, raw, answer.status_code, connection or None)


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
    session = plain_session()
    session.mount("https://", HTTPAdapter(pool_maxsize=THREADS))
    session.mount("http://", HTTPAdapter(pool_maxsize=THREADS))
    return session
