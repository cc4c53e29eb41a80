"""What a team writes: every adapter of the client, as documented. Checked, not run."""

from __future__ import annotations

import asyncio

import httpx
import requests
from azure.core import AsyncPipelineClient, PipelineClient
from azure.core.credentials import SupportsTokenInfo, TokenCredential
from azure.core.credentials_async import AsyncSupportsTokenInfo, AsyncTokenCredential
from azure.core.pipeline.policies import (
    AsyncBearerTokenCredentialPolicy,
    BearerTokenCredentialPolicy,
)
from azure.core.rest import AsyncHttpResponse, HttpRequest, HttpResponse
from botocore.session import Session

from token_broker import (
    AdministratorActionRequired,
    AsyncTokenBroker,
    CallerActionRequired,
    InvalidArgument,
    OperatorActionRequired,
    OwnerActionRequired,
    Provider,
    Retryable,
    Token,
    TokenBroker,
    TokenBrokerError,
)
from token_broker.azure import AsyncBrokerCredential, BrokerCredential
from token_broker.bingads import BrokerAuthentication, authorization_data
from token_broker.httpx import BearerAuth as HttpxAuth
from token_broker.operator import Operator
from token_broker.operator.shapes import Change, Wish
from token_broker.requests import BearerAuth as RequestsAuth

URL = "https://abc.execute-api.eu-west-1.amazonaws.com/v1"
API = "https://api.example"
GRAPH = "https://graph.microsoft.com/.default"


def fetch() -> str:
    """A token, and what to do without one."""
    with TokenBroker(URL, session=Session(), region="eu-west-1", timeout=10.0) as broker:
        try:
            token: Token = broker.token("ads-jp", min_ttl=600)
            broker.token("ads-jp", scope=["User.Read", "Mail.Read"])
        except InvalidArgument as error:
            return error.detail
        except (OwnerActionRequired, AdministratorActionRequired) as error:
            return f"{error.actor}: {error.remedy}"
        except Retryable as error:
            return f"again in {error.retry_after or 60} s"
        except (CallerActionRequired, OperatorActionRequired) as error:
            provider: Provider | None = error.provider
            return str(provider.error_codes if provider else error.code)
        except TokenBrokerError as error:
            return error.code
        broker.rejected(token)
        return token.parameters["developer_token"] + token.sha256


def over_requests(broker: TokenBroker) -> int:
    """requests and httpx, for both of its clients."""
    answer = requests.get(API, auth=RequestsAuth(broker, "reports"), timeout=9)
    with httpx.Client(auth=HttpxAuth(broker, "reports", scope="User.Read")) as client:
        return answer.status_code + client.get(API).status_code


async def over_httpx(broker: AsyncTokenBroker) -> int:
    """asyncio."""
    token: Token = await broker.token("reports")
    async with httpx.AsyncClient(auth=HttpxAuth(broker, token.connection)) as client:
        return (await client.get(API)).status_code


def over_azure(broker: TokenBroker) -> tuple[TokenCredential, SupportsTokenInfo, int]:
    """A credential for every Azure SDK: the protocols of azure-core, both of them."""
    credential = BrokerCredential(broker, "graph-jp")
    policy: BearerTokenCredentialPolicy[HttpRequest, HttpResponse]
    policy = BearerTokenCredentialPolicy(credential, GRAPH)
    with PipelineClient[HttpRequest, HttpResponse](API, policies=[policy]):
        return credential, credential, credential.get_token(GRAPH, enable_cae=True).expires_on


async def over_azure_async(
    broker: AsyncTokenBroker,
) -> tuple[AsyncTokenCredential, AsyncSupportsTokenInfo, str]:
    """The same for asyncio."""
    async with AsyncBrokerCredential(broker, "graph-jp") as credential:
        policy: AsyncBearerTokenCredentialPolicy[HttpRequest, AsyncHttpResponse]
        policy = AsyncBearerTokenCredentialPolicy(credential, GRAPH)
        async with AsyncPipelineClient[HttpRequest, AsyncHttpResponse](API, policies=[policy]):
            info = await credential.get_token_info(GRAPH, options={"claims": "..."})
            return credential, credential, info.token


def over_bingads(broker: TokenBroker) -> tuple[BrokerAuthentication, object]:
    """The BingAds SDK, which has no types of its own."""
    data: object = authorization_data(broker, "ads-jp", customer_id=1)
    return BrokerAuthentication(broker, "ads-jp", env="sandbox"), data


def operate() -> list[str]:
    """The operator's client."""
    wish: Wish = {
        "connection": "ads-jp",
        "service": "microsoft-advertising",
        "grants": [{"principal": "111122223333"}],
        "contacts": {"owner": {"email": "ads@example.co.jp", "language": "ja"}},
    }
    change: Change = {"suspended": True, "labels": {"team": None}}
    with Operator(URL) as operator:
        links = operator.create(wish)
        operator.change("ads-jp", change)
        checks = [check["name"] for check in operator.verify("ads-jp")["checks"]]
        status = [one["status"] for one in operator.list("active")]
        return [links["authorize_url"], *checks, *status]


if __name__ == "__main__":
    with TokenBroker(URL) as shared:
        fetch()
        asyncio.run(over_httpx(AsyncTokenBroker.over(shared)))
