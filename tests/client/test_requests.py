"""The auth class for requests, against an API that refuses tokens."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
import requests

from token_broker import TokenBroker
from token_broker.requests import BearerAuth

from .fake import Broker


@pytest.fixture
def session(broker: TokenBroker) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.auth = BearerAuth(broker, "a")
        yield session


def test_bearer(fake: Broker, session: requests.Session) -> None:
    for _ in range(3):
        assert session.get(f"{fake.url}/api").status_code == 200
    assert len(fake.asked) == 1
    assert fake.refusals == 0


@pytest.mark.parametrize("body", [b"hello", "hello", io.BytesIO(b"hello")])
def test_a_refused_token_is_replaced_once(
    fake: Broker, session: requests.Session, body: bytes
) -> None:
    session.get(f"{fake.url}/api")
    fake.expire()
    answer = session.post(f"{fake.url}/api", data=body)
    assert answer.status_code == 200
    assert answer.json() == {"sent": "hello"}
    assert [old.status_code for old in answer.history] == [401]
    assert answer.request.headers["Authorization"] == f"Bearer {fake.token}"
    assert [len(asked.query) for asked in fake.asked] == [0, 1]


def test_a_file_is_sent_from_where_it_started(fake: Broker, session: requests.Session) -> None:
    session.get(f"{fake.url}/api")
    fake.expire()
    body = io.BytesIO(b"skipped hello")
    body.seek(8)
    assert session.post(f"{fake.url}/api", data=body).json() == {"sent": "hello"}


def test_an_api_that_refuses_everything_is_asked_twice(
    fake: Broker, session: requests.Session
) -> None:
    fake.refuses_all = True
    assert session.get(f"{fake.url}/api").status_code == 401
    assert fake.refusals == 2


def test_a_stream_cannot_be_sent_again(fake: Broker, session: requests.Session) -> None:
    session.get(f"{fake.url}/api")
    fake.expire()
    headers = {"Content-Length": "5"}
    answer = session.post(f"{fake.url}/api", data=iter([b"hello"]), headers=headers)
    assert answer.status_code == 401
    assert session.get(f"{fake.url}/api").status_code == 200


def test_another_host_gets_no_token(fake: Broker, session: requests.Session) -> None:
    answer = session.get(f"{fake.url}/elsewhere")
    assert answer.status_code == 401
    assert answer.url.startswith("http://localhost")
    assert "Authorization" not in answer.request.headers
    assert fake.refusals == 1
    assert len(fake.asked) == 1


def test_no_token_without_tls(fake: Broker, session: requests.Session) -> None:
    with pytest.raises(ValueError, match="https only"):
        session.get("http://api.example.com/reports")
    assert not fake.asked
