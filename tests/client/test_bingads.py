"""The BingAds SDK with the broker's authentication, against a SOAP service."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from bingads.authorization import AuthorizationData
from bingads.service_client import ServiceClient
from suds import WebFault

from token_broker import TokenBroker, TokenBrokerError
from token_broker.bingads import BrokerAuthentication, authorization_data

from .fake import Broker, problem
from .soap import Call, Outcome, serving

EXPIRED = Outcome(code=109, symbol="AuthenticationTokenExpired")


class Service:
    """Takes the newest token; answers fault 109 to others, or to all."""

    def __init__(self, fake: Broker) -> None:
        self._fake = fake
        self.calls: list[Call] = []
        self.outcome: Outcome | None = None

    def __call__(self, call: Call) -> Outcome:
        self.calls.append(call)
        return self.outcome or (Outcome("someone") if call.token == self._fake.token else EXPIRED)


@pytest.fixture
def service(fake: Broker) -> Service:
    return Service(fake)


@pytest.fixture
def url(service: Service) -> Iterator[str]:
    with serving(service) as url:
        yield url


def client(data: AuthorizationData, url: str) -> Any:
    """The SDK's own client, with its own WSDL, sent to our service."""
    return ServiceClient("CustomerManagementService", 13, data, location=url)


def user(sdk: Any) -> str:
    """GetUser's answer."""
    return str(sdk.GetUser(UserId=None).User.UserName)


def test_one_changed_line(broker: TokenBroker, service: Service, url: str) -> None:
    data = AuthorizationData(
        account_id=1,
        customer_id=2,
        developer_token="developer",
        authentication=BrokerAuthentication(broker, "ads"),
    )
    assert user(client(data, url)) == "someone"
    assert service.calls == [Call("token-1", "developer")]


def test_parameters_of_the_connection(broker: TokenBroker, service: Service, url: str) -> None:
    data = authorization_data(broker, "ads", account_id=5)
    assert (data.customer_id, data.account_id) == ("7", 5)
    assert user(client(data, url)) == "someone"
    assert service.calls == [Call("token-1", "canary-developer")]


def test_fault_109_causes_exactly_one_forced_refresh(
    fake: Broker, broker: TokenBroker, service: Service, url: str
) -> None:
    sdk = client(authorization_data(broker, "ads"), url)
    assert user(sdk) == "someone"
    fake.expire()
    assert user(sdk) == "someone"
    assert [call.token for call in service.calls] == ["token-1", "token-1", "token-2"]
    assert [list(asked.query) for asked in fake.asked] == [[], ["rejected"]]


def test_fault_109_again_is_raised(
    fake: Broker, broker: TokenBroker, service: Service, url: str
) -> None:
    service.outcome = EXPIRED
    with pytest.raises(WebFault):
        user(client(authorization_data(broker, "ads"), url))
    assert [call.token for call in service.calls] == ["token-1", "token-2"]
    assert len(fake.asked) == 2


def test_other_faults_refresh_nothing(
    fake: Broker, broker: TokenBroker, service: Service, url: str
) -> None:
    service.outcome = Outcome(code=105, symbol="InvalidCredentials")
    with pytest.raises(WebFault):
        user(client(authorization_data(broker, "ads"), url))
    assert len(service.calls) == 1
    assert len(fake.asked) == 1


def test_a_token_that_ends_is_replaced_without_a_fault(
    fake: Broker, broker: TokenBroker, service: Service, url: str
) -> None:
    fake.expires_in = 30
    sdk = client(authorization_data(broker, "ads"), url)
    fake.expire()
    assert user(sdk) == "someone"
    assert [call.token for call in service.calls] == ["token-2"]


def test_the_brokers_refusal_reaches_the_caller(
    fake: Broker, broker: TokenBroker, service: Service, url: str
) -> None:
    sdk = client(authorization_data(broker, "ads"), url)
    fake.expire()
    fake.script.append(problem("reauthorization_required", 409))
    with pytest.raises(TokenBrokerError, match="reauthorization_required"):
        user(sdk)


def test_the_sdks_own_sign_in_is_closed(broker: TokenBroker) -> None:
    with pytest.raises(NotImplementedError):
        BrokerAuthentication(broker, "ads").request_oauth_tokens_by_response_uri("https://x?code=1")
