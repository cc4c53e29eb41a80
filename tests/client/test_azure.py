"""The credential under azure-core's own bearer-token policies."""

from __future__ import annotations

import asyncio
import base64
import time
from typing import Any

import pytest
from azure.core.credentials import AccessToken, SupportsTokenInfo, TokenCredential
from azure.core.credentials_async import AsyncSupportsTokenInfo, AsyncTokenCredential
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline import AsyncPipeline, Pipeline
from azure.core.pipeline.policies import (
    AsyncBearerTokenCredentialPolicy,
    AsyncRetryPolicy,
    BearerTokenCredentialPolicy,
    RetryPolicy,
)
from azure.core.pipeline.transport import AsyncHttpTransport, HttpTransport
from azure.core.rest import HttpRequest

from token_broker import AsyncTokenBroker, TokenBroker, TokenBrokerError
from token_broker.azure import AsyncBrokerCredential, BrokerCredential

from .fake import SCOPE, Broker, problem

ADS = "https://ads.microsoft.com/.default"
URL = "https://api.example.com/reports"
CLAIMS = '{"access_token": {"nbf": {"essential": true, "value": "1"}}}'


class Answer:
    """As much of a response as the policies look at."""

    def __init__(self, status_code: int, headers: dict[str, str]) -> None:
        self.status_code = status_code
        self.headers = headers


class Api:
    """Takes the newest token only; refuses others as an API with CAE does."""

    def __init__(self, fake: Broker) -> None:
        self._fake = fake
        self.seen: list[str] = []

    def answer(self, request: HttpRequest) -> Answer:
        """200, or 401 with a claims challenge."""
        given = request.headers["Authorization"]
        self.seen.append(given)
        if given == f"Bearer {self._fake.token}":
            return Answer(200, {})
        claims = base64.urlsafe_b64encode(CLAIMS.encode()).decode().rstrip("=")
        challenge = f'Bearer error="insufficient_claims", claims="{claims}"'
        return Answer(401, {"WWW-Authenticate": challenge})


class Transport(HttpTransport[Any, Any]):
    """Calls the API without a network."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def send(self, request: Any, **options: Any) -> Any:
        return self._api.answer(request)

    def open(self) -> None: ...

    def close(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


class AsyncTransport(AsyncHttpTransport[Any, Any]):
    """Calls the API without a network."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def send(self, request: Any, **options: Any) -> Any:
        return self._api.answer(request)

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def __aexit__(self, *_: object) -> None: ...


def test_protocols(broker: TokenBroker) -> None:
    credential = BrokerCredential(broker, "a")
    typed: TokenCredential = credential
    assert isinstance(typed, TokenCredential)
    informed: SupportsTokenInfo = credential
    assert isinstance(informed, SupportsTokenInfo)
    twin = AsyncBrokerCredential(AsyncTokenBroker.over(broker), "a")
    typed_twin: AsyncTokenCredential = twin
    assert isinstance(typed_twin, AsyncTokenCredential)
    informed_twin: AsyncSupportsTokenInfo = twin
    assert isinstance(informed_twin, AsyncSupportsTokenInfo)


def test_tokens(fake: Broker, broker: TokenBroker) -> None:
    with BrokerCredential(broker, "a") as credential:
        token = credential.get_token(ADS, tenant_id="t", enable_cae=True, unknown=1)
        assert isinstance(token, AccessToken)
        assert token.token == "token-1"
        assert 3590 < token.expires_on - time.time() <= 3600
        info = credential.get_token_info(ADS, options={"enable_cae": True, "tenant_id": "t"})
    assert (info.token, info.expires_on, info.token_type) == (
        "token-1",
        token.expires_on,
        "Bearer",
    )
    assert info.refresh_on
    assert time.time() < info.refresh_on < info.expires_on
    assert len(fake.asked) == 1


GRAPH = "https://graph.microsoft.com"


@pytest.mark.parametrize(
    ("granted", "scopes", "asked"),
    [
        (SCOPE, (), [None]),
        (SCOPE, (ADS,), [None]),
        (SCOPE, ("https://ADS.microsoft.com//.default",), [None]),
        (SCOPE, (SCOPE,), [SCOPE]),
        ("User.Read Mail.Read", (f"{GRAPH}/.default",), [None]),
        (f"{GRAPH}/User.Read", (f"{GRAPH}/.default",), [None]),
        (SCOPE, (f"{GRAPH}/.default",), [None, f"{GRAPH}/.default"]),
        (SCOPE, ("User.Read", "Mail.Read"), ["Mail.Read User.Read"]),
    ],
)
def test_scopes_in_the_brokers_words(
    fake: Broker,
    broker: TokenBroker,
    granted: str,
    scopes: tuple[str, ...],
    asked: list[str | None],
) -> None:
    fake.scope = granted
    BrokerCredential(broker, "a").get_token(*scopes)
    assert [one.query.get("scope") for one in fake.asked] == asked
    fake.asked.clear()
    broker._cache._entries.clear()
    twin = AsyncBrokerCredential(AsyncTokenBroker.over(broker), "a")
    asyncio.run(twin.get_token_info(*scopes))
    assert [one.query.get("scope") for one in fake.asked] == asked


def test_refusals_are_azures_errors(fake: Broker, broker: TokenBroker) -> None:
    fake.script.append(problem("reauthorization_required", 409))
    with pytest.raises(ClientAuthenticationError, match="Remedy of") as caught:
        BrokerCredential(broker, "a").get_token(ADS)
    cause = caught.value.__cause__
    assert isinstance(cause, TokenBrokerError)
    assert cause.code == "reauthorization_required"


def test_pipeline(fake: Broker, broker: TokenBroker) -> None:
    api = Api(fake)
    policy: Any = BearerTokenCredentialPolicy(BrokerCredential(broker, "a"), ADS)
    policies = [RetryPolicy(), policy]
    with Pipeline(Transport(api), policies) as pipeline:
        for _ in range(3):
            assert pipeline.run(HttpRequest("GET", URL)).http_response.status_code == 200
        fake.expire()
        assert pipeline.run(HttpRequest("GET", URL)).http_response.status_code == 200
    assert len(api.seen) == 5
    assert [len(asked.query) for asked in fake.asked] == [0, 1]


def test_async_pipeline(fake: Broker, broker: TokenBroker) -> None:
    api = Api(fake)
    credential = AsyncBrokerCredential(AsyncTokenBroker.over(broker), "a")

    async def main() -> None:
        policy: Any = AsyncBearerTokenCredentialPolicy(credential, ADS, enable_cae=True)
        policies: Any = [AsyncRetryPolicy(), policy]
        async with credential, AsyncPipeline(AsyncTransport(api), policies) as pipeline:
            request: Any = HttpRequest("GET", URL)
            assert (await pipeline.run(request)).http_response.status_code == 200
            fake.expire()
            assert (await pipeline.run(request)).http_response.status_code == 200

    asyncio.run(main())
    assert len(api.seen) == 3
    assert [len(asked.query) for asked in fake.asked] == [0, 1]


def test_a_challenge_about_an_older_token_forces_nothing(fake: Broker, broker: TokenBroker) -> None:
    one, other = BrokerCredential(broker, "a"), BrokerCredential(broker, "a")
    one.get_token(ADS)
    other.get_token(ADS)
    assert one.get_token(ADS, claims=CLAIMS).token == "token-2"
    assert other.get_token_info(ADS, options={"claims": CLAIMS}).token == "token-2"
    assert len(fake.asked) == 2
