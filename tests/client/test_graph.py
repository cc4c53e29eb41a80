"""The credential under the Microsoft Graph SDK's own request pipeline."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import httpx
import pytest
from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation
from msgraph_core import (  # type: ignore[import-untyped]
    BaseGraphRequestAdapter,
    GraphClientFactory,
)
from msgraph_core.authentication import (  # type: ignore[import-untyped]
    AzureIdentityAuthenticationProvider,
)

from token_broker import AsyncTokenBroker, TokenBroker
from token_broker.azure import AsyncBrokerCredential, BrokerCredential

from .fake import Broker

ME = "https://graph.microsoft.com/v1.0/me"


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_graph(fake: Broker, broker: TokenBroker, kind: str) -> None:
    """Calls with one token until Graph challenges it (CAE), then with the next."""
    fake.scope = "User.Read"
    seen: list[str] = []

    def graph(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["Authorization"])
        if seen[-1] == f"Bearer {fake.token}":
            return httpx.Response(200, json={"displayName": "Someone"})
        claims = base64.b64encode(b'{"access_token": {"nbf": {"essential": true}}}').decode()
        challenge = f'Bearer error="insufficient_claims", claims="{claims}"'
        return httpx.Response(401, headers={"WWW-Authenticate": challenge})

    credential: Any = (
        BrokerCredential(broker, "graph")
        if kind == "sync"
        else AsyncBrokerCredential(AsyncTokenBroker.over(broker), "graph")
    )

    async def main() -> list[bytes]:
        # Its default list of hosts is refused by the newer kiota it depends on.
        hosts = ["graph.microsoft.com"]
        provider = AzureIdentityAuthenticationProvider(credential, allowed_hosts=hosts)
        async with httpx.AsyncClient(transport=httpx.MockTransport(graph)) as plain:
            client = GraphClientFactory.create_with_default_middleware(client=plain)
            adapter = BaseGraphRequestAdapter(provider, http_client=client)
            found = [await read(adapter), await read(adapter)]
            fake.expire()
            found.append(await read(adapter))
            return found

    async def read(adapter: BaseGraphRequestAdapter) -> bytes:
        request = RequestInformation(Method.GET, ME)
        request.url = ME
        answer: bytes = await adapter.send_primitive_async(request, "bytes", {})
        return answer

    assert asyncio.run(main()) == [b'{"displayName":"Someone"}'] * 3
    assert seen == ["Bearer token-1"] * 3 + ["Bearer token-2"]
    assert [sorted(asked.query) for asked in fake.asked] == [[], ["rejected"]]
