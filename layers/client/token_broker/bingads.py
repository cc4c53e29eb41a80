"""Microsoft Advertising's SDKs: ``AuthorizationData(authentication=BrokerAuthentication(broker,
"ads-jp"))``.

Works with whichever is installed; both are imported as `bingads`, so they exclude each other:

msads    REST. Repeats nothing by itself: hand its clients and managers to `renewing`, once.
bingads  SOAP, which Microsoft shuts down on 2027-01-31. Repeats a refused call by itself.

Needs the extra `msads` or `bingads`.
https://learn.microsoft.com/advertising/guides/migrate-to-rest
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn, TypeVar, cast

from bingads.authorization import (
    PRODUCTION,
    AuthorizationData,
    OAuthTokens,
    OAuthWithAuthorizationCode,
)
from bingads.manifest import WORKING_NAME
from bingads.service_client import ServiceClient

from token_broker._wire import Scope
from token_broker.broker import TokenBroker
from token_broker.token import Token

T = TypeVar("T")

REST = WORKING_NAME.endswith("RestApi")
"""Whether the SDK that is installed is `msads`."""
REFUSED = frozenset({105, 109})
"""Codes of Microsoft Advertising that a new token may heal: InvalidCredentials,
AuthenticationTokenExpired. https://learn.microsoft.com/advertising/guides/operation-error-codes"""
_LISTS = ("Errors", "OperationErrors", "BatchErrors")


class BrokerAuthentication(OAuthWithAuthorizationCode):  # type: ignore[misc]  # SDK has no types
    """Takes the place of OAuthWebAuthCodeGrant and its kin; ServiceClient, BulkServiceManager and
    ReportingServiceManager work as they are. Holds no refresh token.

    Every call carries a live token, and says whose it is if the owner signs in with Google. When
    Microsoft Advertising refuses a token, another one is fetched and the call repeated, once: by
    `bingads` itself, under `msads` by `renewing`.

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
        token = self._token()
        headers["AuthenticationToken"] = token.access_token
        if REST:
            headers["Authorization"] = f"Bearer {token.access_token}"
        if provider := token.parameters.get("identity_provider"):
            headers["IdentityProvider"] = provider

    def refused(self) -> None:
        """The token that was sent last was refused: never send it again, fetch another."""
        if self._sent is not None:
            self._broker.rejected(self._sent)

    @property
    def oauth_tokens(self) -> OAuthTokens:
        """The current token in the SDK's words; never an expired one."""
        token = self._token()
        return OAuthTokens(token.access_token, token.expires_in)

    def request_oauth_tokens_by_refresh_token(self, refresh_token: object) -> OAuthTokens:  # noqa: ARG002
        """Called by the SDK after fault 109: a new token."""
        self.refused()
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
    parameters = dict(broker.token(connection, scope).parameters)
    parameters.pop("identity_provider", None)
    fields: dict[str, Any] = {**parameters, **given}
    authentication = BrokerAuthentication(broker, connection, scope, env=env)
    return AuthorizationData(authentication=authentication, **fields)


def renewing(sdk: T) -> T:
    """A ServiceClient, BulkServiceManager, ReportingServiceManager or one of their operations whose
    calls are repeated once, with a new token, when Microsoft Advertising refuses theirs.

        manager = renewing(BulkServiceManager(authorization_data))

    Use what is returned; managers and operations are changed in place. Uploads and downloads that a
    manager starts are covered. Under `bingads`, which does all this by itself, `sdk` as it is.
    """
    if not REST:
        return sdk
    if isinstance(sdk, ServiceClient):
        return cast("T", _RenewingClient(sdk))
    parts: Any = sdk
    parts._service_client = renewing(parts._service_client)
    for name in ("submit_download", "submit_upload"):
        if hasattr(sdk, name):
            setattr(sdk, name, _starting(getattr(sdk, name), _authentication(parts)))
    return sdk


class _RenewingClient:
    """Stands in for a ServiceClient."""

    def __init__(self, client: Any) -> None:
        self._client, self._authentication = client, _authentication(client)

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._client, name)
        return _repeated(attribute, self._authentication) if callable(attribute) else attribute


def _authentication(sdk: Any) -> BrokerAuthentication:
    authentication = sdk._authorization_data.authentication
    if not isinstance(authentication, BrokerAuthentication):
        raise TypeError("renewing() needs AuthorizationData with a BrokerAuthentication.")
    return authentication


def _starting(submit: Callable[..., Any], authentication: BrokerAuthentication) -> Any:
    """`submit_…` of a manager: its operation renews as well. A file whose upload was refused is
    sent again, to a new URL."""

    @wraps(submit)
    def started(*arguments: Any, **options: Any) -> Any:
        return renewing(_repeated(submit, authentication)(*arguments, **options))

    return started


def _repeated(call: Callable[..., Any], authentication: BrokerAuthentication) -> Any:
    @wraps(call)
    def repeated(*arguments: Any, **options: Any) -> Any:
        try:
            return call(*arguments, **options)
        except Exception as error:
            if not _token_refused(error):
                raise
        authentication.refused()
        return call(*arguments, **options)

    return repeated


def _token_refused(error: Exception) -> bool:
    """Whether a new token may help: fault 105 or 109, or a 401 that names no fault. Another fault
    (126, say: the wrong identity provider) comes again with every token."""
    codes = _codes(getattr(error, "body", None))
    if codes:
        return not REFUSED.isdisjoint(codes)
    # The SDK's own exceptions have a status; those of its uploads are of requests.
    status = getattr(error, "status", None)
    return (status or getattr(getattr(error, "response", None), "status_code", None)) == 401


def _codes(body: object) -> set[int]:
    """The codes of a fault (AdApiFaultDetail, ApiFault, ApiBatchFault)."""
    try:
        fault = json.loads(body) if isinstance(body, str) else body
    except (ValueError, RecursionError):
        fault = {}
    lists = (fault.get(name) for name in _LISTS) if isinstance(fault, dict) else ()
    entries = (entry for entries in lists if isinstance(entries, list) for entry in entries)
    codes = (entry.get("Code") for entry in entries if isinstance(entry, dict))
    return {int(code) for code in codes if isinstance(code, (int, str)) and str(code).isdecimal()}
