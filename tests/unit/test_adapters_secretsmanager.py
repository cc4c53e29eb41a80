"""`ports.Credentials` over Secrets Manager."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from broker.adapters.secretsmanager import CACHE_SECONDS, ClientSecrets
from broker.domain.problems import Problem
from broker.domain.secret import Secret
from broker.ports.credentials import ClientSecretPost
from broker.ports.errors import Unavailable
from local.memory.outside import Clock
from tests.unit.clients import Stub, stubbed

CANARY = "canary~7Q8~ä"


@pytest.fixture
def stub() -> Iterator[Stub]:
    with stubbed("secretsmanager") as made:
        yield made


def answer(stub: Stub, text: str, version: str = "v1", stage: str = "AWSCURRENT") -> None:
    stub.add_response(
        "get_secret_value",
        {"SecretString": text, "VersionId": version.ljust(32, "-")},
        {"SecretId": "arn", "VersionStage": stage},
    )


def stored(**value: object) -> str:
    return json.dumps({"client_secret": CANARY} | value)


def credential(version: str = "v1", expires_at: int | None = None) -> ClientSecretPost:
    return ClientSecretPost(Secret(CANARY), version.ljust(32, "-"), expires_at)  # type: ignore[arg-type]


def test_cached_for_a_while(stub: Stub) -> None:
    clock = Clock()
    credentials = ClientSecrets(stub.client, "arn", clock)
    answer(stub, stored())
    assert credentials.current() == credential()
    clock.advance(CACHE_SECONDS - 1)
    assert credentials.current() == credential()
    stub.assert_no_pending_responses()
    clock.advance(1)
    answer(stub, stored(), "v2")
    assert credentials.current() == credential("v2")


def test_fresh_reads_again_and_is_remembered(stub: Stub) -> None:
    credentials = ClientSecrets(stub.client, "arn", Clock())
    answer(stub, stored())
    credentials.current()
    answer(stub, stored(), "v2")
    assert credentials.current(fresh=True) == credential("v2")
    assert credentials.current() == credential("v2")


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2027-01-15T08:00:00Z", 1_800_000_000),
        ("2027-01-15T17:00:00+09:00", 1_800_000_000),
        ("2027-01-15T08:00:00", 1_800_000_000),
        ("2027-01-15", 1_799_971_200),
        ("", None),
        (None, None),
    ],
)
def test_expiry(stub: Stub, text: str | None, instant: int | None) -> None:
    answer(stub, stored(expires_at=text))
    found = ClientSecrets(stub.client, "arn", Clock()).current()
    assert found == credential(expires_at=instant)


@pytest.mark.parametrize(
    "text",
    [
        CANARY,
        json.dumps([CANARY]),
        json.dumps(CANARY),
        json.dumps({"secret": CANARY}),
        json.dumps({"client_secret": ""}),
        json.dumps({"client_secret": "  \n"}),
        json.dumps({"client_secret": None}),
        json.dumps({"client_secret": {"value": CANARY}}),
        json.dumps({"client_secret": "REPLACE-ME"}),
        json.dumps({"client_secret": "x", "expires_at": CANARY}),
        json.dumps({"client_secret": "x", "expires_at": 12}),
    ],
)
def test_a_value_of_no_use(stub: Stub, text: str) -> None:
    credentials = ClientSecrets(stub.client, "arn", Clock())
    answer(stub, text)
    with pytest.raises(Problem) as caught:
        credentials.current()
    problem = caught.value
    assert problem.code == "client_misconfigured"
    assert "Secrets Manager" in problem.remedy
    assert CANARY not in str(problem.as_dict())
    assert problem.__context__ is None
    answer(stub, text, stage="AWSPREVIOUS")
    assert credentials.previous() is None
    answer(stub, stored())
    assert credentials.current() == credential(), "a value of no use is not remembered"


def test_a_binary_secret(stub: Stub) -> None:
    stub.add_response("get_secret_value", {"SecretBinary": b"{}", "VersionId": "v" * 32})
    with pytest.raises(Problem, match="client_misconfigured"):
        ClientSecrets(stub.client, "arn", Clock()).current()


def test_previous(stub: Stub) -> None:
    answer(stub, stored(), "v0", "AWSPREVIOUS")
    assert ClientSecrets(stub.client, "arn", Clock()).previous() == credential("v0")


def test_no_version(stub: Stub) -> None:
    credentials = ClientSecrets(stub.client, "arn", Clock())
    stub.add_client_error("get_secret_value", "ResourceNotFoundException", CANARY)
    assert credentials.previous() is None
    stub.add_client_error("get_secret_value", "ResourceNotFoundException", CANARY)
    with pytest.raises(Problem, match="client_misconfigured"):
        credentials.current()


@pytest.mark.parametrize("code", ["ThrottlingException", "AccessDeniedException"])
def test_trouble(stub: Stub, code: str) -> None:
    credentials = ClientSecrets(stub.client, "arn", Clock())
    for _ in range(2):
        stub.add_client_error("get_secret_value", code, CANARY)
    with pytest.raises(Unavailable, match=f"^secretsmanager: {code}$"):
        credentials.current()
    with pytest.raises(Unavailable, match=f"^secretsmanager: {code}$"):
        credentials.previous()
