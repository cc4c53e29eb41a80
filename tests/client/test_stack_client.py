"""A job's lines against the whole stack: the real template, the simulated platform behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import requests
from azure.core import PipelineClient
from azure.core.pipeline.policies import BearerTokenCredentialPolicy
from azure.core.rest import HttpRequest
from bingads.service_client import ServiceClient
from botocore.session import Session

from tests.e2e.harness import ADS, GRAPH, LOG_SECONDS, Stack, until
from token_broker import AsyncTokenBroker, TokenBroker, TokenBrokerError
from token_broker.azure import BrokerCredential
from token_broker.bingads import authorization_data
from token_broker.httpx import BearerAuth
from token_broker.requests import BearerAuth as RequestsAuth

from .soap import Call, Outcome, serving
from .test_threads import together

DEVELOPER = "SIMULATED01DEV"
USER_QUERY = "/CustomerManagement/v13/User/Query"
SECONDS = 90.0
"""The emulator starts a process for every first call."""


def session(stack: Stack, name: str) -> Session:
    """The AWS session of a principal's job."""
    principal = stack.document["principals"][name]
    aws = Session()
    keys = ("access_key_id", "secret_access_key", "session_token")
    aws.set_credentials(*(principal[key] for key in keys))
    return aws


@pytest.fixture
def broker(stack: Stack) -> Iterator[TokenBroker]:
    region = str(stack.document["region"])
    aws = session(stack, "team-a")
    with TokenBroker(stack.api_url, session=aws, region=region, timeout=SECONDS) as client:
        yield client


@pytest.fixture
def ads(stack: Stack) -> str:
    """A connection of an account that reaches Microsoft Advertising."""
    user = stack.user()
    stack.platform.user(user, advertising={"user_id": "9001", "customer_id": "201", "role_id": 41})
    return stack.connect(user, parameters={"developer_token": DEVELOPER, "customer_id": "201"})


def age(stack: Stack, name: str) -> None:
    """Two minutes pass since the tokens were obtained: the broker redeems once a minute at most."""
    item = stack.item(name)
    assert item
    tokens = {
        key: {**token, "obtained_at": token["obtained_at"] - 120}
        for key, token in item["tokens"].items()
    }
    stack.edit(name, tokens=tokens)


def redemptions(stack: Stack) -> int:
    """Refresh tokens redeemed so far."""
    return stack.platform.redemptions()


def test_five_lines(stack: Stack, ads: str, monkeypatch: pytest.MonkeyPatch) -> None:
    principal = stack.document["principals"]["team-a"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", principal["access_key_id"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", principal["secret_access_key"])
    monkeypatch.setenv("AWS_SESSION_TOKEN", principal["session_token"])
    monkeypatch.setenv("AWS_DEFAULT_REGION", stack.document["region"])

    broker = TokenBroker(stack.api_url, timeout=SECONDS)
    token = broker.token(ads)
    headers = {"Authorization": f"Bearer {token.access_token}", "DeveloperToken": DEVELOPER}
    url = stack.settings.platform + USER_QUERY
    answer = requests.post(url, json={"UserId": None}, headers=headers, timeout=30)

    broker.close()
    assert answer.status_code == 200, answer.text
    assert token.parameters == {"developer_token": DEVELOPER, "customer_id": "201"}
    assert f"{ADS}/msads.manage" in token.scope
    assert token.expires_in > 1200


def test_a_thousand_threads_cause_one_request(stack: Stack, broker: TokenBroker, ads: str) -> None:
    tokens = together(1000, lambda: broker.token(ads).access_token)
    assert len(tokens) == 1000
    assert len(set(tokens)) == 1
    before, served = redemptions(stack), "served"

    def audited() -> list[str]:
        """Of tokens; the log has lines of operators and owners too."""
        lines = [line for line in stack.lines("token") if line.get("connection") == ads]
        return [line["code"] for line in lines if line.get("message") == "token"]

    assert until(audited, LOG_SECONDS, "an audit line") == [served]
    assert redemptions(stack) == before


def test_no_grant(stack: Stack, ads: str) -> None:
    region, aws = str(stack.document["region"]), session(stack, "team-b")
    with TokenBroker(stack.api_url, session=aws, region=region, timeout=SECONDS) as client:
        with pytest.raises(TokenBrokerError) as caught:
            client.token(ads)
        assert (caught.value.code, caught.value.status, caught.value.actor) == (
            "access_denied",
            403,
            "caller",
        )
        assert ads in str(caught.value)


def test_wrong_credentials(stack: Stack, ads: str) -> None:
    aws = Session()
    aws.set_credentials("AKIDNOBODY", "wrong")
    region = str(stack.document["region"])
    with TokenBroker(stack.api_url, session=aws, region=region) as client:
        with pytest.raises(TokenBrokerError) as caught:
            client.token(ads)
        assert caught.value.code == "not_authorized"


def test_rejected_redeems_once(stack: Stack, broker: TokenBroker, ads: str) -> None:
    first = broker.token(ads)
    age(stack, ads)
    before = redemptions(stack)
    broker.rejected(first)
    second = broker.token(ads)
    assert second.access_token != first.access_token
    assert broker.token(ads) is second
    assert redemptions(stack) == before + 1


def test_bingads_survives_fault_109_with_one_refresh(
    stack: Stack, broker: TokenBroker, ads: str
) -> None:
    """The SDK's SOAP calls, carried on to the platform's REST face, which checks the token."""
    calls: list[Call] = []

    def service(call: Call) -> Outcome:
        calls.append(call)
        headers = {"Authorization": f"Bearer {call.token}", "DeveloperToken": call.developer_token}
        url = stack.settings.platform + USER_QUERY
        answer = requests.post(url, json={"UserId": None}, headers=headers, timeout=30).json()
        if "Errors" in answer:
            [error] = answer["Errors"]
            return Outcome(code=error["Code"], symbol=error["ErrorCode"])
        return Outcome(answer["User"]["UserName"])

    with serving(service) as url:
        data = authorization_data(broker, ads)
        sdk: Any = ServiceClient("CustomerManagementService", 13, data, location=url)
        username = str(sdk.GetUser(UserId=None).User.UserName)
        assert username == stack.show(ads)["account"]["username"]
        age(stack, ads)
        before = redemptions(stack)
        match = {"user": username}
        stack.platform.fault("advertising", {"kind": "api", "code": 109}, times=1, match=match)
        assert str(sdk.GetUser(UserId=None).User.UserName) == username
    assert redemptions(stack) == before + 1
    assert len(calls) == 3
    assert calls[0].token == calls[1].token != calls[2].token


def test_azure_core_and_httpx_reach_graph(stack: Stack, broker: TokenBroker) -> None:
    name = stack.connect(service="microsoft-graph")
    url = f"{stack.settings.platform}/v1.0/me"
    username = stack.show(name)["account"]["username"]

    policy: Any = BearerTokenCredentialPolicy(BrokerCredential(broker, name), f"{GRAPH}/.default")
    with PipelineClient[Any, Any](stack.settings.platform, policies=[policy]) as client:
        answer = client.send_request(HttpRequest("GET", url), enforce_https=False)
        assert answer.json()["userPrincipalName"] == username
    with requests.Session() as plain:
        answer = plain.get(url, auth=RequestsAuth(broker, name), timeout=30)
        assert answer.json()["userPrincipalName"] == username

    async def main() -> str:
        twin = AsyncTokenBroker.over(broker)
        async with httpx.AsyncClient(auth=BearerAuth(twin, name)) as http:
            return str((await http.get(url)).json()["userPrincipalName"])

    assert asyncio.run(main()) == username
