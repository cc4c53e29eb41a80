"""Azure SDKs and Microsoft Graph: ``GraphServiceClient(BrokerCredential(broker, "graph-jp"))``.

Needs the extra `azure`.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions
from azure.core.exceptions import ClientAuthenticationError

from token_broker._cache import AHEAD
from token_broker.aio import AsyncTokenBroker
from token_broker.broker import TokenBroker
from token_broker.errors import TokenBrokerError
from token_broker.token import Token

GRAPH = "https://graph.microsoft.com"
_DEFAULT = "/.default"


class _Scopes:
    """What SDKs ask for, in the broker's words."""

    def __init__(self) -> None:
        self._sent: dict[tuple[str, ...], Token] = {}

    def given(self, scopes: tuple[str, ...], token: Token) -> Token:
        """Remember what was handed out, in case it comes back with a claims challenge."""
        self._sent[scopes] = token
        return token

    def challenged(self, scopes: tuple[str, ...], claims: str | None) -> Token | None:
        """The token that an API refused: with it come the claims it misses."""
        return self._sent.get(scopes) if claims else None


class BrokerCredential:
    """A TokenCredential and SupportsTokenInfo of azure-core for one connection.

    scopes      `<resource>/.default` means the connection's own scopes, if they are of that
                resource; all else is asked of the broker as it is; none means the
                connection's own
    claims      a challenge: the refused token is given up and another one fetched. The claims
                themselves go nowhere: the broker's tokens are not of the long-lived (CAE) kind
    tenant_id, enable_cae  ignored: the connection has its one tenant, and no CAE

    Raises ClientAuthenticationError, as Azure SDKs expect; its `__cause__` is TokenBrokerError.
    """

    def __init__(self, broker: TokenBroker, connection: str) -> None:
        self._broker = broker
        self._connection = connection
        self._scopes = _Scopes()

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,  # noqa: ARG002
        enable_cae: bool = False,  # noqa: ARG002
        **options: Any,  # noqa: ARG002
    ) -> AccessToken:
        """Of TokenCredential."""
        token = self._token(scopes, claims)
        return AccessToken(token.access_token, _seconds(token))

    def get_token_info(
        self, *scopes: str, options: TokenRequestOptions | None = None
    ) -> AccessTokenInfo:
        """Of SupportsTokenInfo."""
        return _info(self._token(scopes, (options or {}).get("claims")))

    def close(self) -> None:
        """Nothing: the broker may serve others."""

    def __enter__(self) -> BrokerCredential:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self.close()

    def _token(self, scopes: tuple[str, ...], claims: str | None) -> Token:
        if refused := self._scopes.challenged(scopes, claims):
            self._broker.rejected(refused)
        try:
            return self._scopes.given(scopes, self._fetch(scopes))
        except TokenBrokerError as error:
            raise ClientAuthenticationError(message=str(error)) from error

    def _fetch(self, scopes: tuple[str, ...]) -> Token:
        resource = _default(scopes)
        if resource is None:
            return self._broker.token(self._connection, " ".join(scopes) or None)
        own = self._broker.token(self._connection)
        if _serves(own, resource):
            return own
        return self._broker.token(self._connection, resource + _DEFAULT)


class AsyncBrokerCredential:
    """An AsyncTokenCredential and AsyncSupportsTokenInfo; else as BrokerCredential."""

    def __init__(self, broker: AsyncTokenBroker, connection: str) -> None:
        self._broker = broker
        self._connection = connection
        self._scopes = _Scopes()

    async def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,  # noqa: ARG002
        enable_cae: bool = False,  # noqa: ARG002
        **options: Any,  # noqa: ARG002
    ) -> AccessToken:
        """Of AsyncTokenCredential."""
        token = await self._token(scopes, claims)
        return AccessToken(token.access_token, _seconds(token))

    async def get_token_info(
        self, *scopes: str, options: TokenRequestOptions | None = None
    ) -> AccessTokenInfo:
        """Of AsyncSupportsTokenInfo."""
        return _info(await self._token(scopes, (options or {}).get("claims")))

    async def close(self) -> None:
        """Nothing: the broker may serve others."""

    async def __aenter__(self) -> AsyncBrokerCredential:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.close()

    async def _token(self, scopes: tuple[str, ...], claims: str | None) -> Token:
        if refused := self._scopes.challenged(scopes, claims):
            self._broker.rejected(refused)
        try:
            return self._scopes.given(scopes, await self._fetch(scopes))
        except TokenBrokerError as error:
            raise ClientAuthenticationError(message=str(error)) from error

    async def _fetch(self, scopes: tuple[str, ...]) -> Token:
        resource = _default(scopes)
        if resource is None:
            return await self._broker.token(self._connection, " ".join(scopes) or None)
        own = await self._broker.token(self._connection)
        if _serves(own, resource):
            return own
        return await self._broker.token(self._connection, resource + _DEFAULT)


def _default(scopes: tuple[str, ...]) -> str | None:
    """The resource of a lone `<resource>/.default`. (Some resources end with a slash themselves,
    hence the doubled one in the wild.)"""
    if len(scopes) != 1 or not scopes[0].endswith(_DEFAULT):
        return None
    return scopes[0].removesuffix(_DEFAULT).rstrip("/")


def _serves(token: Token, resource: str) -> bool:
    """Whether a token is for a resource. Microsoft may answer Graph's scopes without it."""
    wanted = _canonical(resource)
    return any(
        _canonical(scope.rpartition("/")[0] or GRAPH) == wanted for scope in token.scope.split()
    )


def _canonical(resource: str) -> str:
    parts = urlsplit(resource)
    return f"{parts.scheme}://{parts.netloc}".lower() + parts.path.rstrip("/")


def _info(token: Token) -> AccessTokenInfo:
    """`refresh_on`: from when on asking again brings a successor."""
    ends = _seconds(token)
    return AccessTokenInfo(token.access_token, ends, refresh_on=max(0, ends - int(AHEAD)))


def _seconds(token: Token) -> int:
    return int(token.expires_at.timestamp())
