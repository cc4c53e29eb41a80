"""Whatever answers, the client raises its one error, and nothing secret comes along with it."""

from __future__ import annotations

import json
import pickle
import time
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError
from hypothesis import given
from hypothesis import strategies as st

from token_broker import Token, TokenBroker, TokenBrokerError, _wire
from token_broker._wire import Ask, Key
from token_broker.operator import Operator

from .fake import Answer, Broker, Job, nobody, problem

ASK = Ask(Key("a", None))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
TOKEN = {"access_token": "t", "expires_in": 60, "scope": "s", "parameters": {"a": "b"}}
PROBLEM = {
    "code": "throttled",
    "detail": "d",
    "actor": "nobody",
    "title": "t",
    "remedy": "r",
    "retry_after": 3,
    "provider": {"error": "e", "error_codes": [1], "trace_id": "t"},
}
CONNECTION = {
    "connection": "a",
    "service": "s",
    "resource": "r",
    "status": "active",
    "tenant": "t",
    "version": 1,
    "generation": 1,
    "created_at": "2026-01-01T00:00:00Z",
    "grants": [],
}
DEEP = b"[" * 100_000
HEADERS = {"Retry-After": "9" * 5000, "Date": "Mon, 99 Foo 99999 99:99:99 +9999"}


def members(template: dict[str, Any]) -> st.SearchStrategy[bytes]:
    """The template's object with some members exchanged for anything."""
    fields = {name: st.just(value) | JSON for name, value in template.items()}
    return st.fixed_dictionaries({}, optional=fields).map(lambda body: json.dumps(body).encode())


@given(members(TOKEN) | st.binary() | st.just(DEEP))
def test_any_token_answer(body: bytes) -> None:
    code = ""
    try:
        assert isinstance(_wire.token(body, ASK, time.time()), Token)
    except TokenBrokerError as error:
        code = error.code
    assert code in ("", "unexpected_answer")


@given(
    st.integers(300, 599),
    members(PROBLEM) | st.binary() | st.just(DEEP),
    st.just(HEADERS) | st.dictionaries(st.sampled_from(sorted(HEADERS)), st.text()),
)
def test_any_refusal(status: int, body: bytes, headers: dict[str, str]) -> None:
    error = _wire.failure(status, headers, body, ASK, time.time())
    assert str(error)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


@pytest.fixture
def operator(fake: Broker) -> Iterator[Operator]:
    with Operator(fake.url, session=Job(), sleep=lambda _: None) as client:
        yield client


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        DEEP,
        [],
        {},
        {**CONNECTION, "grants": [5]},
        {**CONNECTION, "grants": {"principal": "x"}},
        {**CONNECTION, "status": None},
        {**CONNECTION, "version": True},
        {**CONNECTION, "last_error": "bad"},
        {**CONNECTION, "granted_scopes": {"r": "s"}},
        json.loads("[" * 40 + "]" * 40),
        {**CONNECTION, "used_by": json.loads("[" * 40 + "]" * 40)},
    ],
)
def test_no_connection(fake: Broker, operator: Operator, body: Any) -> None:
    fake.script.append(Answer(200, body))
    with pytest.raises(TokenBrokerError) as caught:
        operator.show("a")
    assert caught.value.code == "unexpected_answer"
    assert caught.value.connection == "a"


def test_a_connection_of_an_older_and_of_a_newer_broker(fake: Broker, operator: Operator) -> None:
    newer = {**CONNECTION, "status": "hibernating", "brand_new": {"a": [1]}}
    fake.script += [Answer(200, CONNECTION), Answer(200, newer)]
    older = operator.show("a")
    assert (older["display_name"], older["excess_scopes"], older["suspended"]) == (None, {}, False)
    assert dict(operator.show("a"))["brand_new"] == {"a": [1]}


@pytest.mark.parametrize("page", [{"connections": 5}, {"next_cursor": 5}, {"connections": [{}]}])
def test_no_page(fake: Broker, operator: Operator, page: Any) -> None:
    fake.script.append(Answer(200, page))
    with pytest.raises(TokenBrokerError, match="unexpected_answer"):
        [*operator.list()]


@pytest.mark.parametrize("token", ["with space", "line\nfeed", "\x1b[31m", "ünicode", ""])
def test_a_token_fits_a_header(fake: Broker, broker: TokenBroker, token: str) -> None:
    fake.script.append(Answer(200, {**TOKEN, "access_token": token}))
    with pytest.raises(TokenBrokerError, match="unexpected_answer"):
        broker.token("a")


def test_errors_move_no_cursor(fake: Broker, broker: TokenBroker) -> None:
    said = "\x1b[2Jhi\u202e\x9b31m"
    fake.script.append(problem("suspended", 409, detail=said, title=said, remedy=said, actor=said))
    with pytest.raises(TokenBrokerError) as caught:
        broker.token("a")
    assert str(caught.value).isprintable() or "\n" in str(caught.value)
    assert not {"\x1b", "\x9b", "\u202e"} & {*str(caught.value), *caught.value.detail}


def everything(error: BaseException | None) -> str:
    """What a log that walks along causes would hold, attributes included."""
    text = ""
    while error is not None:
        text += repr(error) + "".join(map(repr, vars(error).values()))
        for part in vars(error).values():
            text += repr(getattr(part, "headers", ""))
        error = error.__cause__ or error.__context__
    return text


def test_a_cause_carries_no_signed_request() -> None:
    with TokenBroker(nobody(), session=Job()) as client, pytest.raises(TokenBrokerError) as caught:
        client.token("a")
    assert caught.value.code == "unreachable"
    assert caught.value.__cause__ is caught.value.__context__ is None
    told = everything(caught.value) + "".join(traceback.format_exception(caught.value))
    assert "canary" not in told
    assert "AWS4-HMAC" not in told


class Broken:
    """A session whose credentials take a call to AWS that fails."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def get_credentials(self) -> Any:
        raise self.error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ClientError({"Error": {"Code": "AccessDenied"}}, "AssumeRole"), "AccessDenied"),
        (ConnectTimeoutError(endpoint_url="x", request="canary-signed"), "ConnectTimeoutError"),
    ],
)
def test_nor_does_that_of_missing_credentials(fake: Broker, error: Exception, said: str) -> None:
    with (
        TokenBroker(fake.url, session=Broken(error)) as client,
        pytest.raises(TokenBrokerError, match=said) as caught,
    ):
        client.token("a")
    assert caught.value.code == "no_credentials"
    assert "canary" not in everything(caught.value)
