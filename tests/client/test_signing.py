"""Whose credentials sign, for which region, over what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import UnauthorizedSSOTokenError

from token_broker import TokenBroker, TokenBrokerError
from token_broker._wire import region

from .fake import Broker, Job


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials of this machine."""
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://abc123.execute-api.ap-northeast-1.amazonaws.com/v1", "ap-northeast-1"),
        ("https://abc123.execute-api.us-gov-west-1.amazonaws.com/v1", "us-gov-west-1"),
        ("https://abc123.execute-api.cn-north-1.amazonaws.com.cn/v1", "cn-north-1"),
        ("https://abc-vpce-1.execute-api.eu-west-1.amazonaws.com/v1", "eu-west-1"),
        ("https://vpce-1-x.execute-api.eu-west-1.vpce.amazonaws.com/v1", "eu-west-1"),
        ("https://abc123.execute-api.eu-west-1.api.aws/v1", "eu-west-1"),
        ("https://tokens.example.com/v1", None),
        ("https://execute-api.eu-west-1.amazonaws.com.example.org/v1", None),
        ("http://localhost:4566/_aws/execute-api/broker/v1", None),
    ],
)
def test_region_of_a_url(url: str, found: str | None) -> None:
    assert region(url) == found


def scope(fake: Broker) -> list[str]:
    """Access key, date, region, service, terminator of the last signature."""
    header = fake.asked[-1].headers["Authorization"]
    return str(header).split("Credential=")[1].split(",")[0].split("/")


def test_environment(fake: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDENVIRONMENT")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with TokenBroker(fake.url) as client:
        client.token("a")
    assert scope(fake)[::2] == ["AKIDENVIRONMENT", "eu-central-1", "aws4_request"]


def test_profile(fake: Broker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "config").write_text(
        "[profile job]\nregion = eu-north-1\n"
        "aws_access_key_id = AKIDPROFILE\naws_secret_access_key = secret\n"
    )
    monkeypatch.setenv("AWS_PROFILE", "job")
    with TokenBroker(fake.url) as client:
        client.token("a")
    assert scope(fake)[0] == "AKIDPROFILE"
    assert scope(fake)[2] == "eu-north-1"


def test_container(fake: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """ECS and EKS."""
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{fake.url}/credentials")
    with TokenBroker(fake.url, region="eu-west-1") as client:
        client.token("a")
    assert scope(fake)[0] == "AKIDCONTAINER"
    assert fake.asked[0].headers["X-Amz-Security-Token"] == "canary-container-token"


@pytest.mark.parametrize("sdk", ["boto3", "botocore"])
def test_sessions(fake: Broker, sdk: str) -> None:
    session: Any
    if sdk == "boto3":
        session = boto3.Session("AKIDSESSION", "secret", region_name="sa-east-1")
    else:
        session = botocore.session.Session()
        session.set_credentials("AKIDSESSION", "secret")
        session.set_config_variable("region", "sa-east-1")
    with TokenBroker(fake.url, session=session) as client:
        client.token("a")
    assert scope(fake)[:3:2] == ["AKIDSESSION", "sa-east-1"]


def test_explicit_region_wins(fake: Broker) -> None:
    with TokenBroker(fake.url, session=Job(), region="ca-west-1") as client:
        client.token("a")
    assert scope(fake)[2] == "ca-west-1"


def test_no_credentials(fake: Broker) -> None:
    with TokenBroker(fake.url, region="eu-west-1") as client:
        with pytest.raises(TokenBrokerError) as caught:
            client.token("a")
        assert (caught.value.code, caught.value.actor) == ("no_credentials", "caller")
    assert not fake.asked


def test_an_sso_session_that_ended(fake: Broker) -> None:
    class Ended(Job):
        def get_credentials(self) -> Credentials:
            raise UnauthorizedSSOTokenError

    with TokenBroker(fake.url, session=Ended()) as client:
        with pytest.raises(TokenBrokerError, match="UnauthorizedSSOTokenError") as caught:
            client.token("a")
        assert caught.value.code == "no_credentials"


def test_no_region(fake: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with TokenBroker(fake.url) as client:
        with pytest.raises(TokenBrokerError, match="region=") as caught:
            client.token("a")
        assert caught.value.code == "invalid_request"


def test_the_signature_covers_the_url_that_is_sent(fake: Broker) -> None:
    with TokenBroker(fake.url, session=Job()) as client:
        client.token("a", "https://graph.microsoft.com/User.Read Mail.Read", min_ttl=60)
    [asked] = fake.asked
    assert asked.query["scope"] == "Mail.Read https://graph.microsoft.com/User.Read"
    query = "scope=Mail.Read%20https%3A%2F%2Fgraph.microsoft.com%2FUser.Read&min_ttl=60"
    again = AWSRequest("GET", f"{fake.url}{asked.path}?{query}")
    again.context["timestamp"] = asked.headers["X-Amz-Date"]
    signer = SigV4Auth(Job().get_credentials(), "execute-api", "eu-west-1")
    again.headers["X-Amz-Date"] = asked.headers["X-Amz-Date"]
    again.headers["X-Amz-Security-Token"] = asked.headers["X-Amz-Security-Token"]
    text = signer.string_to_sign(again, signer.canonical_request(again))
    assert asked.headers["Authorization"].endswith(signer.signature(text, again))


@pytest.mark.parametrize("url", ["http://tokens.example.com/v1", "ftp://x", "https://x/v1?a=b"])
def test_urls_that_would_leak(url: str) -> None:
    with pytest.raises(ValueError, match=r"https only|without a query"):
        TokenBroker(url)
