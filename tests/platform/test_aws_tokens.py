"""The AWS token issuer without the emulator: policies, the protocol, tokens anybody can check."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest.mock import Mock

import boto3
import jwt
import pytest
import requests
from botocore.config import Config
from botocore.exceptions import ClientError

from local.simulator.aws_tokens.client import AwsTokens
from local.simulator.aws_tokens.emulator import Emulator, Function
from local.simulator.aws_tokens.issuer import NAMESPACE, Issuer
from local.simulator.aws_tokens.policy import allows
from local.simulator.aws_tokens.routes import create
from local.simulator.server import Serving

from .application import Application
from .issuer import AUDIENCE
from .test_federation import redeem

ROLE = "arn:aws:iam::123456789012:role/token-broker/Refresh"
REFRESH = Function("arn:aws:lambda:us-east-1:123456789012:function:refresh", ROLE)
NARROW: dict[str, Any] = {
    "Effect": "Allow",
    "Action": "sts:GetWebIdentityToken",
    "Resource": "*",
    "Condition": {
        "ForAllValues:StringEquals": {"sts:IdentityTokenAudience": AUDIENCE},
        "StringEquals": {"sts:SigningAlgorithm": "RS256"},
        "NumericLessThanEquals": {"sts:DurationSeconds": 300},
    },
}
DENIED = b"<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"


class Played:
    """An emulator that has one function and knows no condition key of this action."""

    def __init__(self) -> None:
        self.policies: list[dict[str, Any]] = [NARROW]
        self.answer = DENIED
        self.forwarded: list[bytes] = []

    def forward(self, method: str, path: str, headers: Any, body: bytes) -> requests.Response:
        self.forwarded.append(body)
        response = Mock(content=self.answer, status_code=403)
        response.headers = {"Content-Type": "text/xml"}
        return response

    def function(self, access_key_id: str) -> Function | None:
        return REFRESH if access_key_id == REFRESH.access_key_id else None

    def statements(self, role: str) -> list[dict[str, Any]]:
        assert role == "Refresh"
        return self.policies


@pytest.fixture
def emulator() -> Played:
    return Played()


@pytest.fixture
def tokens(emulator: Played) -> Iterator[AwsTokens]:
    issuer = Issuer()
    with Serving(create(issuer, emulator)) as server:
        issuer.url = server.url
        yield AwsTokens(server.url)


def client(tokens: AwsTokens, service: str = "sts", key: str = REFRESH.access_key_id) -> Any:
    return boto3.client(
        service,  # type: ignore[call-overload]
        endpoint_url=tokens.url,
        region_name="ap-northeast-1",
        aws_access_key_id=key,
        aws_secret_access_key="s",
        aws_session_token="t",
        config=Config(retries={"total_max_attempts": 1}, proxies={}),
    )


def ask(tokens: AwsTokens, key: str = REFRESH.access_key_id, /, **changes: Any) -> Any:
    good = {"Audience": [AUDIENCE], "SigningAlgorithm": "RS256", "DurationSeconds": 300}
    return client(tokens, key=key).get_web_identity_token(**(good | changes))


def refusal(tokens: AwsTokens, /, *args: Any, **changes: Any) -> tuple[str, int]:
    with pytest.raises(ClientError) as caught:
        ask(tokens, *args, **changes)
    response = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def test_the_token_is_what_pyjwt_verifies_by_the_published_keys(tokens: AwsTokens) -> None:
    answer = ask(tokens)
    document = requests.get(f"{tokens.url}/.well-known/openid-configuration", timeout=30).json()
    assert document["issuer"] == tokens.url
    key = jwt.PyJWKClient(document["jwks_uri"]).get_signing_key_from_jwt(answer["WebIdentityToken"])
    claims = jwt.decode(
        answer["WebIdentityToken"],
        key.key,
        algorithms=["RS256"],
        audience=AUDIENCE,
        issuer=tokens.url,
    )
    assert claims["sub"] == ROLE
    assert claims["aud"] == AUDIENCE
    assert claims["exp"] - claims["iat"] == 300
    assert answer["Expiration"].timestamp() == claims["exp"]
    assert claims[NAMESPACE]["lambda_source_function_arn"] == REFRESH.arn
    assert claims[NAMESPACE]["source_region"] == "ap-northeast-1"
    [line] = tokens.requests()
    assert (line["role_arn"], line["outcome"]) == (ROLE, "ok")


@pytest.mark.parametrize(
    "changes",
    [
        {"Audience": ["https://elsewhere.example"]},
        {"Audience": [AUDIENCE, "https://elsewhere.example"]},
        {"SigningAlgorithm": "ES384"},
        {"DurationSeconds": 301},
        {"Tags": [{"Key": "a", "Value": "b"}]},
    ],
)
def test_the_narrow_policy_admits_nothing_else(tokens: AwsTokens, changes: dict[str, Any]) -> None:
    assert refusal(tokens, **changes) == ("AccessDenied", 403)


def test_a_broad_policy_admits_what_aws_offers(tokens: AwsTokens, emulator: Played) -> None:
    emulator.policies = [{"Effect": "Allow", "Action": "sts:*", "Resource": "*"}]
    answer = ask(
        tokens,
        Audience=["a", "b"],
        SigningAlgorithm="ES384",
        Tags=[{"Key": "team", "Value": "x"}],
    )
    token = answer["WebIdentityToken"]
    assert jwt.get_unverified_header(token)["alg"] == "ES384"
    jwks = jwt.PyJWKClient(f"{tokens.url}/.well-known/jwks.json")
    claims = jwt.decode(
        token, jwks.get_signing_key_from_jwt(token).key, algorithms=["ES384"], audience="a"
    )
    assert claims["aud"] == ["a", "b"]
    assert claims[NAMESPACE]["request_tags"] == {"team": "x"}


def test_an_explicit_deny_wins(tokens: AwsTokens, emulator: Played) -> None:
    emulator.policies = [NARROW, {"Effect": "Deny", "Action": "sts:*", "Resource": "*"}]
    assert refusal(tokens) == ("AccessDenied", 403)


def test_switched_off(tokens: AwsTokens) -> None:
    tokens.settings(enabled=False)
    code = "OutboundWebIdentityFederationDisabledException"
    assert refusal(tokens) == (code, 403)


def test_a_token_that_would_outlive_the_session(tokens: AwsTokens) -> None:
    tokens.settings(session_seconds=200)
    assert refusal(tokens) == ("SessionDurationEscalationException", 403)
    assert ask(tokens, DurationSeconds=60)["WebIdentityToken"]


def test_a_scripted_error_comes_so_often(tokens: AwsTokens) -> None:
    tokens.refuse("Throttling", status=400, times=2)
    assert [refusal(tokens) for _ in range(2)] == [("Throttling", 400)] * 2
    assert ask(tokens)["WebIdentityToken"]


def test_a_caller_that_is_no_function(tokens: AwsTokens) -> None:
    assert refusal(tokens, "ASIAUNKNOWN") == ("AccessDenied", 403)


def test_what_the_emulator_refuses_stays_refused(tokens: AwsTokens, emulator: Played) -> None:
    """It is the one that checks signature, session token and parameters."""
    emulator.answer = DENIED.replace(b"AccessDenied", b"SignatureDoesNotMatch")
    assert refusal(tokens) == ("SignatureDoesNotMatch", 403)


def test_everything_else_is_the_emulators(tokens: AwsTokens, emulator: Played) -> None:
    with pytest.raises(ClientError) as caught:
        client(tokens).get_caller_identity()
    assert caught.value.response["Error"]["Code"] == "AccessDenied"
    assert b"GetCallerIdentity" in emulator.forwarded[-1]
    assert requests.post(tokens.url, data="unsigned", timeout=30).status_code == 403


def test_the_accounts_switch(tokens: AwsTokens, emulator: Played) -> None:
    emulator.answer = DENIED.replace(b"AccessDenied", b"InvalidAction")
    iam = client(tokens, "iam")
    told = iam.get_outbound_web_identity_federation_info()
    assert (told["IssuerIdentifier"], told["JwtVendingEnabled"]) == (tokens.url, True)
    with pytest.raises(iam.exceptions.FeatureEnabledException):
        iam.enable_outbound_web_identity_federation()
    iam.disable_outbound_web_identity_federation()
    with pytest.raises(iam.exceptions.FeatureDisabledException):
        iam.get_outbound_web_identity_federation_info()
    assert iam.enable_outbound_web_identity_federation()["IssuerIdentifier"] == tokens.url


def test_entra_takes_the_token_until_it_is_withdrawn(
    application: Application, tokens: AwsTokens
) -> None:
    """Keys change in between, and an issuer that does not answer is told as one."""
    platform, client_id = application.platform, application.registration.client_id
    platform.client(client_id, secrets=[])
    platform.add_federated(client_id, "refresh", tokens.url, ROLE, AUDIENCE)
    assert redeem(application, ask(tokens)["WebIdentityToken"]).status_code == 200
    tokens.rotate()
    assert redeem(application, ask(tokens)["WebIdentityToken"]).status_code == 200
    tokens.rotate()
    fresh = ask(tokens)["WebIdentityToken"]
    tokens.settings(documents_status=503)
    assert redeem(application, fresh).json()["error_codes"] == [50166]
    tokens.settings(documents_status=200)
    platform.remove_credential(client_id, "federated", "refresh")
    assert redeem(application, fresh).json()["error_codes"] == [70021]


CONDITIONS: list[tuple[dict[str, Any], bool]] = [
    ({"StringEquals": {"sts:identitytokenaudience": ["x", AUDIENCE]}}, True),
    ({"ForAnyValue:StringEquals": {"sts:IdentityTokenAudience": AUDIENCE}}, True),
    ({"StringNotEquals": {"sts:SigningAlgorithm": "RS256"}}, False),
    ({"StringLike": {"sts:IdentityTokenAudience": "api://*"}}, True),
    ({"NumericLessThan": {"sts:DurationSeconds": "300"}}, False),
    ({"StringEquals": {"sts:SubjectMode": "AWSIdentity"}}, False),
    ({"StringEqualsIfExists": {"sts:SubjectMode": "AWSIdentity"}}, True),
    ({"ForAllValues:StringEquals": {"aws:TagKeys": "a"}}, True),
    ({"Null": {"sts:SubjectMode": "true"}}, True),
]


@pytest.mark.parametrize(("condition", "expected"), CONDITIONS)
def test_conditions(condition: dict[str, Any], expected: bool) -> None:
    context = {
        "sts:IdentityTokenAudience": (AUDIENCE,),
        "sts:SigningAlgorithm": ("RS256",),
        "sts:DurationSeconds": ("300",),
    }
    statement = {"Effect": "Allow", "Action": "sts:Get*", "Resource": "*", "Condition": condition}
    assert allows([statement], "sts:GetWebIdentityToken", context) is expected


def test_an_operator_that_is_not_known_is_an_error() -> None:
    statement = NARROW | {"Condition": {"IpAddress": {"sts:IdentityTokenAudience": "1.2.3.4"}}}
    with pytest.raises(ValueError, match="IpAddress"):
        allows([statement], "sts:GetWebIdentityToken", {})


def test_policies_of_every_kind_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    iam = Mock()
    iam.list_role_policies.return_value = {"PolicyNames": ["inline"]}
    iam.get_role_policy.return_value = {"PolicyDocument": {"Statement": NARROW}}
    attached = {"AttachedPolicies": [{"PolicyArn": "arn:p"}]}
    iam.list_attached_role_policies.return_value = attached
    iam.get_policy.return_value = {"Policy": {"DefaultVersionId": "v2", "Arn": "arn:p"}}
    document = '{"Statement": [{"Effect": "Deny", "Action": "sts:*", "Resource": "*"}]}'
    iam.get_policy_version.return_value = {"PolicyVersion": {"Document": document}}
    monkeypatch.setattr(boto3, "client", lambda *_, **__: iam)
    statements = Emulator("http://localhost").statements("Refresh")
    assert [statement["Effect"] for statement in statements] == ["Allow", "Deny"]
