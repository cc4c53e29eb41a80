"""What certificate and federated credentials are made of: KMS, Systems Manager and STS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from broker.adapters import clients
from broker.adapters.parameters import CACHE_SECONDS, Certificates
from broker.adapters.signing import Signer
from broker.adapters.web_identity import WebIdentity
from broker.domain.secret import Secret
from broker.ports.credentials import Unusable, WebIdentityToken
from broker.ports.errors import Unavailable
from local.memory.outside import Clock
from tests.unit.clients import Stub, stubbed

CANARY = "canary-51c0"
KEY = "arn:aws:kms:us-east-1:111122223333:key/k"


@pytest.fixture
def stub(request: pytest.FixtureRequest) -> Iterator[Stub]:
    with stubbed(request.param) as made:
        yield made


def only(service: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("stub", [service], indirect=True)


def unusable(work: Callable[[], object]) -> str:
    with pytest.raises(Unusable) as caught:
        work()
    assert CANARY not in repr(caught.value)
    assert caught.value.__context__ is None
    return caught.value.finding


@only("kms")
def test_kms_signs_whole_messages_with_pss(stub: Stub) -> None:
    stub.add_response(
        "sign",
        {"KeyId": KEY, "Signature": b"s", "SigningAlgorithm": "RSASSA_PSS_SHA_256"},
        {
            "KeyId": KEY,
            "Message": b"message",
            "MessageType": "RAW",
            "SigningAlgorithm": "RSASSA_PSS_SHA_256",
        },
    )
    assert Signer(stub.client, KEY).sign(b"message") == b"s"


@only("kms")
@pytest.mark.parametrize(
    ("code", "finding"),
    [
        ("DisabledException", "key_disabled"),
        ("KMSInvalidStateException", "key_pending_deletion"),
        ("NotFoundException", "key_missing"),
        ("InvalidKeyUsageException", "key_unfit"),
        ("AccessDeniedException", "sign_denied"),
    ],
)
def test_what_kms_refuses(stub: Stub, code: str, finding: str) -> None:
    stub.add_client_error("sign", code, CANARY)
    assert unusable(lambda: Signer(stub.client, KEY).sign(b"m")) == finding


@only("kms")
@pytest.mark.parametrize("code", ["ThrottlingException", "KeyUnavailableException"])
def test_kms_in_trouble(stub: Stub, code: str) -> None:
    stub.add_client_error("sign", code, CANARY)
    with pytest.raises(Unavailable, match=f"^kms: {code}$"):
        Signer(stub.client, KEY).sign(b"m")


def stored(stub: Stub, value: str, version: int, asked: str = "/stack/certificate") -> None:
    parameter = {"Name": "/stack/certificate", "Value": value, "Version": version}
    stub.add_response("get_parameter", {"Parameter": parameter}, {"Name": asked})


@only("ssm")
def test_a_certificate_is_cached_for_a_while(stub: Stub) -> None:
    clock = Clock()
    certificates = Certificates(stub.client, "/stack/certificate", clock)
    stored(stub, "one", 1)
    assert certificates.current() == "one"
    assert certificates.previous() is None
    clock.advance(CACHE_SECONDS - 1)
    assert certificates.current() == "one"
    stored(stub, "two", 2)
    assert certificates.current(fresh=True) == "two"
    stored(stub, "one", 1, "/stack/certificate:1")
    assert certificates.previous() == "one"
    clock.advance(CACHE_SECONDS)
    stored(stub, "three", 3)
    assert certificates.current() == "three"


@only("ssm")
@pytest.mark.parametrize(
    ("code", "finding"),
    [
        ("ParameterNotFound", "certificate_missing"),
        ("AccessDeniedException", "certificate_unreadable"),
    ],
)
def test_no_certificate(stub: Stub, code: str, finding: str) -> None:
    certificates = Certificates(stub.client, "/stack/certificate", Clock())
    stub.add_client_error("get_parameter", code, CANARY)
    assert unusable(certificates.current) == finding


@only("ssm")
def test_a_version_that_is_gone_is_no_certificate_before(stub: Stub) -> None:
    """Systems Manager keeps the last 100."""
    certificates = Certificates(stub.client, "/stack/certificate", Clock())
    stored(stub, "two", 2)
    certificates.current()
    stub.add_client_error("get_parameter", "ParameterVersionNotFound", CANARY)
    assert certificates.previous() is None
    stub.add_client_error("get_parameter", "ThrottlingException", CANARY)
    with pytest.raises(Unavailable, match="ssm: ThrottlingException"):
        certificates.previous()


def asked(seconds: int) -> dict[str, Any]:
    return {"Audience": ["api://x"], "SigningAlgorithm": "RS256", "DurationSeconds": seconds}


def issued(stub: Stub, seconds: int = 300) -> None:
    end = datetime(2027, 1, 15, 8, 5, tzinfo=UTC)
    answer = {"WebIdentityToken": CANARY, "Expiration": end}
    stub.add_response("get_web_identity_token", answer, asked(seconds))


@only("sts")
def test_aws_issues_a_token(stub: Stub) -> None:
    issued(stub)
    token = WebIdentity(stub.client).token("api://x")
    assert token == WebIdentityToken(Secret(CANARY), 1_800_000_300)  # type: ignore[arg-type]
    assert CANARY not in repr(token)


@only("sts")
@pytest.mark.parametrize("suffix", ["", "Exception"])
@pytest.mark.parametrize(
    ("code", "finding"),
    [
        ("OutboundWebIdentityFederationDisabled", "federation_disabled"),
        ("AccessDenied", "token_denied"),
    ],
)
def test_what_sts_refuses(stub: Stub, code: str, suffix: str, finding: str) -> None:
    stub.add_client_error("get_web_identity_token", code + suffix, CANARY)
    assert unusable(lambda: WebIdentity(stub.client).token("api://x")) == finding


@only("sts")
def test_a_session_that_ends_soon_gets_a_shorter_token(stub: Stub) -> None:
    code = "SessionDurationEscalationException"
    stub.add_client_error("get_web_identity_token", code, CANARY, expected_params=asked(300))
    issued(stub, 60)
    assert WebIdentity(stub.client).token("api://x").token == Secret(CANARY)
    for _ in range(2):
        stub.add_client_error("get_web_identity_token", code, CANARY)
    with pytest.raises(Unavailable, match="sts: SessionDurationEscalation"):
        WebIdentity(stub.client).token("api://x")


@only("sts")
def test_an_issuer_that_does_not_answer(stub: Stub) -> None:
    stub.add_client_error("get_web_identity_token", "Throttling", CANARY)
    with pytest.raises(Unavailable, match="sts: Throttling"):
        WebIdentity(stub.client).token("api://x")


def test_sts_is_the_regions_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """The global endpoint issues no web identity token."""
    monkeypatch.setenv("AWS_STS_REGIONAL_ENDPOINTS", "legacy")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS"):
        monkeypatch.delenv(name, raising=False)
    clients.sts.cache_clear()
    client: Any = clients.sts()
    clients.sts.cache_clear()
    assert client.meta.endpoint_url == "https://sts.us-east-1.amazonaws.com"
    client.close()
