"""The BingAds SDK: ``AuthorizationData(authentication=BrokerAuthentication(broker, "ads-jp"))``.

Needs the extra `bingads`.
"""

from __future__ import annotations

from typing import Any, NoReturn

from bingads.authorization import (
    PRODUCTION,
    AuthorizationData,
    OAuthTokens,
    OAuthWithAuthorizationCode,
)

from token_broker._wire import Scope
from token_broker.broker import TokenBroker
from token_broker.token import Token


class BrokerAuthentication(OAuthWithAuthorizationCode):  # type: ignore[misc]  # SDK has no types
    """Takes the place of OAuthWebAuthCodeGrant and its kin; ServiceClient, BulkServiceManager and
    ReportingServiceManager work as they are. Holds no refresh token.

    Every call carries a live token. When Microsoft Advertising answers fault 109 (token expired),
    the SDK asks here for another one and repeats the call, once.

    env  "production" or "sandbox", as the SDK wants it

    Raises TokenBrokerError from the SDK's calls if there is no token.
    """

    # A subclass of this class, because the SDK repeats calls for no other (a plain Authentication
    # ends in a ValueError that hides the fault).

    def __init__(
        self,
        broker: TokenBroker,
        connection: str,
        scope: Scope = None,
        *,
        env: str = PRODUCTION,
    ) -> None:
        super().__init__(client_id="token-broker", client_secret=None, redirection_uri="", env=env)
        self._broker = broker
        self._connection = connection
        self._scope = scope
        self._sent: Token | None = None

    def enrich_headers(self, headers: dict[str, Any]) -> None:
        """Called by the SDK before each call and each upload."""
        headers["AuthenticationToken"] = self._token().access_token

    @property
    def oauth_tokens(self) -> OAuthTokens:
        """The current token in the SDK's words; never an expired one."""
        token = self._token()
        return OAuthTokens(token.access_token, token.expires_in)

    def request_oauth_tokens_by_refresh_token(self, refresh_token: object) -> OAuthTokens:  # noqa: ARG002
        """Called by the SDK after fault 109: a new token."""
        if self._sent is not None:
            self._broker.rejected(self._sent)
        return self.oauth_tokens

    def request_oauth_tokens_by_response_uri(
        self, response_uri: str, **options: object
    ) -> NoReturn:
        """Never: the owner consents at the broker."""
        raise NotImplementedError("The broker's authorize link takes the place of this.")

    def _token(self) -> Token:
        self._sent = self._broker.token(self._connection, self._scope)
        return self._sent


def authorization_data(
    broker: TokenBroker,
    connection: str,
    scope: Scope = None,
    *,
    env: str = PRODUCTION,
    **given: Any,
) -> AuthorizationData:
    """AuthorizationData with the developer token, customer and account id that the connection
    carries as parameters; `given` (account_id, customer_id, developer_token) wins over them."""
    fields: dict[str, Any] = {**broker.token(connection, scope).parameters, **given}
    authentication = BrokerAuthentication(broker, connection, scope, env=env)
    return AuthorizationData(authentication=authentication, **fields)
