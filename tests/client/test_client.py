"""One question, one answer: what the client sends, returns and raises."""

from __future__ import annotations

import time
import traceback
from typing import Any, assert_type

import pytest

from token_broker import Provider, Token, TokenBroker, TokenBrokerError

from .fake import SCOPE, Answer, Broker, Job, problem

HEALS = [
    "throttled",
    "provider_unavailable",
    "refresh_in_progress",
    "grant_at_risk",
    "broker_unavailable",
    "rate_limited",
]
STAYS = ["access_denied", "reauthorization_required", "suspended", "client_secret_expired"]


def test_token(fake: Broker, broker: TokenBroker) -> None:
    before = time.time()
    token = assert_type(broker.token("marketing-jp"), Token)
    assert token.access_token == "token-1"
    assert (token.connection, token.scope) == ("marketing-jp", SCOPE)
    assert token.parameters["customer_id"] == "7"
    assert before + 3600 <= token.expires_at.timestamp() <= time.time() + 3600
    assert 3590 < token.expires_in <= 3600
    [asked] = fake.asked
    assert (asked.path, asked.query) == ("/connections/marketing-jp/token", {})
    assert "/eu-west-1/execute-api/aws4_request" in asked.headers["Authorization"]
    assert asked.headers["X-Amz-Security-Token"] == "canary-session-token"


def test_a_token_is_frozen_and_shows_no_secret(broker: TokenBroker) -> None:
    token = broker.token("marketing-jp")
    with pytest.raises(AttributeError):
        token.access_token = "other"  # type: ignore[misc]
    parameters = token.parameters
    assert dict(parameters)["developer_token"] == "canary-developer"
    assert repr(parameters) == "Parameters(developer_token=***, customer_id=***)"
    for text in (repr(token), str(token), f"{token}", repr(broker), f"{parameters}"):
        assert "token-1" not in text
        assert "canary" not in text


def test_second_fetch_is_served_from_memory(fake: Broker, broker: TokenBroker) -> None:
    assert broker.token("a") is broker.token("a")
    assert len(fake.asked) == 1


def test_each_connection_and_scope_is_a_key_of_its_own(fake: Broker, broker: TokenBroker) -> None:
    for scope in (None, "Mail.Read User.Read", "User.Read  Mail.Read User.Read", "", ["User.Read"]):
        broker.token("a", scope)
    broker.token("b")
    queries = [asked.query for asked in fake.asked]
    assert queries == [{}, {"scope": "Mail.Read User.Read"}, {"scope": "User.Read"}, {}]


def test_min_ttl_goes_to_the_broker(fake: Broker, broker: TokenBroker) -> None:
    fake.expires_in = 1800
    broker.token("a")
    broker.token("a", min_ttl=1700)
    assert len(fake.asked) == 1
    broker.token("a", min_ttl=2000)
    assert fake.asked[1].query == {"min_ttl": "2000"}


@pytest.mark.parametrize(
    "arguments",
    [
        *[("../admin",), ("A",), ("",), (None,), (5,), ("a", None, -1), ("a", None, 2701)],
        *[("a", None, "5"), ("a", 5), ("a", ["User.Read Mail.Read"]), ("a", [""]), ("a", [5])],
    ],
)
def test_nonsense_is_not_sent(fake: Broker, broker: TokenBroker, arguments: Any) -> None:
    with pytest.raises(TokenBrokerError) as caught:
        broker.token(*arguments)
    assert caught.value.code == "invalid_request"
    assert not fake.asked


@pytest.mark.parametrize("code", HEALS)
def test_what_heals_is_tried_again(
    fake: Broker, broker: TokenBroker, pauses: list[float], code: str
) -> None:
    fake.script += [problem(code, 503, retry_after=3), problem(code, 503)]
    assert broker.token("a").access_token == "token-1"
    assert len(fake.asked) == 3
    assert 3 <= pauses[0] < 6
    assert 0 < pauses[1] < 3


@pytest.mark.parametrize("code", STAYS)
def test_what_does_not_heal_is_raised_at_once(
    fake: Broker, broker: TokenBroker, pauses: list[float], code: str
) -> None:
    provider = {"error": "invalid_grant", "error_codes": [50173], "trace_id": "t-1"}
    fake.script.append(problem(code, 409, provider=provider))
    with pytest.raises(TokenBrokerError) as caught:
        broker.token("a")
    error = caught.value
    assert (error.code, error.status, error.actor) == (code, 409, "owner")
    assert (error.title, error.detail) == (f"Title of {code}", f"Detail of {code}.")
    assert error.remedy == f"Remedy of {code}."
    assert error.provider == Provider("invalid_grant", None, (50173,), "t-1")
    assert (error.request_id, error.connection) == ("request-1", "a")
    assert not pauses
    assert len(fake.asked) == 1


def test_a_wait_beyond_the_deadline_is_not_begun(
    fake: Broker, broker: TokenBroker, pauses: list[float]
) -> None:
    fake.script.append(problem("grant_at_risk", 503, retry_after=90))
    with pytest.raises(TokenBrokerError) as caught:
        broker.token("a")
    assert caught.value.retry_after == 90
    assert not pauses


def test_tries_end_with_the_deadline(fake: Broker) -> None:
    fake.script += [problem("throttled", 503, retry_after=0)] * 100
    begun = time.monotonic()
    with (
        TokenBroker(fake.url, session=Job(), timeout=1.0) as client,
        pytest.raises(TokenBrokerError) as caught,
    ):
        client.token("a")
    assert caught.value.code == "throttled"
    assert time.monotonic() - begun < 20
    assert len(fake.asked) > 1


TOKEN = {"access_token": "canary-token", "expires_in": 3600, "scope": "", "parameters": {}}
GATEWAY = {"x-amzn-ErrorType": "InternalServerErrorException"}


@pytest.mark.parametrize(
    ("answer", "code", "tries"),
    [
        (Answer(403, {"message": "Forbidden"}), "unexpected_answer", 1),
        (Answer(403, {"Message": "User is not authorized"}), "not_authorized", 1),
        (Answer(429, {"message": "Too Many Requests"}), "rate_limited", 2),
        (Answer(502, b"<html>Bad gateway</html>"), "broker_unavailable", 2),
        (Answer(500, problem("internal_error", 500).body), "internal_error", 1),
        (Answer(500, problem("internal_error", 500).body, GATEWAY), "internal_error", 2),
        (Answer(301, b"", {"Location": "/elsewhere"}), "unexpected_answer", 1),
        (Answer(200, b"<html>Sign in to the proxy</html>"), "unexpected_answer", 1),
        (Answer(200, {"access_token": "x"}), "unexpected_answer", 1),
        (Answer(200, ["x"]), "unexpected_answer", 1),
        (Answer(200, {**TOKEN, "expires_in": 0}), "unexpected_answer", 1),
        (Answer(200, {**TOKEN, "expires_in": 10**30}), "unexpected_answer", 1),
        (Answer(200, {**TOKEN, "access_token": 5}), "unexpected_answer", 1),
    ],
)
def test_answers_that_are_not_the_brokers(
    fake: Broker, broker: TokenBroker, pauses: list[float], answer: Answer, code: str, tries: int
) -> None:
    fake.script.append(answer)
    if tries == 1:
        with pytest.raises(TokenBrokerError) as caught:
            broker.token("a")
        assert (caught.value.code, caught.value.connection) == (code, "a")
        assert "canary" not in "".join(traceback.format_exception(caught.value))
    else:
        assert broker.token("a").access_token == "token-1"
    assert len(pauses) == tries - 1


@pytest.mark.parametrize(("date", "word"), [("2020", "fast"), ("2050", "slow")])
def test_a_wrong_clock_is_said_to_be_one(
    fake: Broker, broker: TokenBroker, date: str, word: str
) -> None:
    headers = {"Date": f"Sat, 01 Jan {date} 00:00:00 GMT"}
    fake.script.append(Answer(403, problem("not_authorized", 403).body, headers))
    with pytest.raises(TokenBrokerError, match=word) as caught:
        broker.token("a")
    assert (caught.value.code, caught.value.actor) == ("clock_skew", "caller")


def test_rejected_brings_a_new_token(fake: Broker, broker: TokenBroker) -> None:
    first = broker.token("a")
    broker.rejected(first)
    second = broker.token("a")
    assert second.access_token == "token-2"
    assert fake.asked[1].query == {"rejected": first.sha256}
    broker.rejected(first)
    assert broker.token("a") is second
    broker.rejected(second.access_token)
    assert broker.token("a").access_token == "token-3"


def test_a_refused_token_is_not_served_again(fake: Broker, broker: TokenBroker) -> None:
    broker.rejected(broker.token("a"))
    fake.script.append(problem("reauthorization_required", 409))
    with pytest.raises(TokenBrokerError):
        broker.token("a")
    assert broker.token("a").access_token == "token-2"
    assert len(fake.asked[2].query["rejected"]) == 64


def test_cookies_are_not_kept(fake: Broker, broker: TokenBroker) -> None:
    fake.script.append(Answer(200, fake.body("a"), {"Set-Cookie": "a=b"}))
    broker.token("a")
    broker.token("b")
    assert "Cookie" not in fake.asked[1].headers


def test_netrc_does_not_take_the_place_of_the_signature(
    fake: Broker, broker: TokenBroker, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    broker.token("a")
    assert fake.asked[0].headers["Authorization"].startswith("AWS4-HMAC-SHA256")
