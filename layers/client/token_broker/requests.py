"""Bearer tokens for requests: ``requests.get(url, auth=BearerAuth(broker, "reports"))``."""

from __future__ import annotations

from typing import Any

from requests import PreparedRequest, Response
from requests.auth import AuthBase

from token_broker._wire import Scope, require_tls
from token_broker.broker import TokenBroker


class BearerAuth(AuthBase):
    """Sends the connection's token. After a 401 it fetches another one and sends the request once
    more, if the body can be sent again. Safe for threads and sessions.

    Raises TokenBrokerError if there is no token, ValueError for a URL without TLS.
    """

    def __init__(self, broker: TokenBroker, connection: str, scope: Scope = None) -> None:
        self._broker = broker
        self._connection = connection
        self._scope = scope

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        require_tls(request.url or "")
        sent = self._authorize(request)
        start = _position(request.body)
        request.hooks["response"].append(
            lambda answer, **options: self._answered(answer, sent, start, options)
        )
        return request

    def _authorize(self, request: PreparedRequest) -> str:
        token = self._broker.token(self._connection, self._scope)
        request.headers["Authorization"] = f"Bearer {token.access_token}"
        return token.access_token

    def _answered(
        self, answer: Response, sent: str, start: int | None, options: dict[str, Any]
    ) -> Response:
        asked = answer.request
        # After a redirect to another host, requests has taken the token away: not our 401.
        if answer.status_code != 401 or asked.headers.get("Authorization") != f"Bearer {sent}":
            return answer
        self._broker.rejected(sent)
        again = asked.copy()
        if self._authorize(again) == sent or not _rewind(again.body, start):
            return answer
        _ = answer.content  # read to the end, so that the connection can be used again
        answer.close()
        second: Response = answer.connection.send(again, **options)
        second.history.append(answer)
        second.request = again
        return second


def _position(body: Any) -> int | None:
    """Where a file starts to be sent."""
    try:
        return int(body.tell())
    except (AttributeError, OSError):
        return None


def _rewind(body: Any, start: int | None) -> bool:
    """Whether the body can be sent again."""
    if body is None or isinstance(body, (bytes, str)):
        return True
    if start is None:
        return False
    body.seek(start)
    return True
