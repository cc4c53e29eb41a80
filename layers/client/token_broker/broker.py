"""The client."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING

from token_broker import _wire
from token_broker._cache import Cache
from token_broker._signing import Signer, SupportsCredentials
from token_broker._transport import Transport
from token_broker._wire import Scope
from token_broker.token import Token

if TYPE_CHECKING:
    import requests


class TokenBroker:
    """Fetches tokens from one broker and keeps them until shortly before they expire.

    Make one for the whole process: it is safe for threads, and for each connection and scope at
    most one request is under way, however many threads ask.

    api_url  the output ApiUrl of the broker's stack, stage included
    session  of botocore or boto3; without it botocore finds the job's credentials: environment,
             profile, SSO, ECS, EKS, Lambda, EC2
    region   of the API; needed only if neither the URL nor the session tells it
    timeout  seconds that one `token` may take in all, tries and pauses included
    http     a session of requests, for a proxy or certificates of your own
    """

    def __init__(
        self,
        api_url: str,
        *,
        session: SupportsCredentials | None = None,
        region: str | None = None,
        timeout: float = 30.0,
        http: requests.Session | None = None,
    ) -> None:
        self.api_url = _wire.base_url(api_url)
        signer = Signer(self.api_url, session, region)
        self._transport = Transport(self.api_url, signer, timeout, http)
        self._cache = Cache(self._transport.fetch, time.time)

    def token(self, connection: str, scope: Scope = None, min_ttl: int = 0) -> Token:
        """A live token of a connection; from memory if there is one.

        scope    other scopes of the connection's consent than the service's own, all of one
                 resource: a text with spaces between them, or several texts
        min_ttl  seconds that the token must still live, at most 2,700

        Raises TokenBrokerError.
        """
        return self._cache.token(_wire.key(connection, scope), _wire.check_min_ttl(min_ttl))

    def rejected(self, token: Token | str) -> None:
        """Tell that an API answered 401 to this token. It is not served again, and the next
        `token` asks the broker for a new one. (The broker redeems at most once a minute for it, so
        an API that refuses every token does no harm.)"""
        self._cache.rejected(token if isinstance(token, str) else token.access_token)

    def close(self) -> None:
        """Close the connections to the broker."""
        self._transport.close()

    def __enter__(self) -> TokenBroker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"TokenBroker({self.api_url!r})"
