"""The HTTP edge: events in, answers out, nothing escapes."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.problems import Problem
from broker.ports.errors import Unavailable
from broker.web import gateway
from broker.web.gateway import MAX_BODY, Request
from local.memory.outside import Telemetry

JSON = {"multiValueHeaders": {"Content-Type": ["application/json; charset=utf-8"]}}


def request(**event: Any) -> Request:
    return Request(event)


def refused(event: dict[str, Any]) -> Problem:
    with pytest.raises(Problem, match="invalid_request") as caught:
        Request(event).json()
    return caught.value


def test_a_request() -> None:
    found = request(
        requestContext={"requestId": "r-1", "identity": {"userArn": "arn:x"}, "stage": "prod"},
        multiValueQueryStringParameters={"a": ["1"], "b": ["1", "2"]},
        multiValueHeaders={"Cookie": ["a=b", "c=d"]},
        pathParameters={"connection": "x"},
    )
    assert (found.id, found.arn, found.path("connection")) == ("r-1", "arn:x", "x")
    assert (found.one("a"), found.one("b"), found.one("c")) == ("1", None, None)
    assert (found.header("cookie"), found.header("accept")) == ("a=b, c=d", None)
    assert repr(found) == "Request(***)"


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"requestContext": {}},
        {"requestContext": {"identity": None}},
        {"requestContext": {"identity": {"userArn": None}}, "pathParameters": None},
    ],
)
def test_an_event_without_anything(event: dict[str, Any]) -> None:
    found = Request(event)
    assert (found.id, found.arn, found.path("x"), found.query, found.header("x")) == (
        *("", "", "", {}),
        None,
    )


def test_the_host_header_never_counts() -> None:
    found = request(
        multiValueHeaders={"Host": ["evil.example.com"], "X-Forwarded-Host": ["evil.example.com"]},
        requestContext={"domainName": "api.example.com", "stage": "prod"},
    )
    assert found.base_url("") == "https://api.example.com/prod"
    assert found.base_url("https://tokens.example.com") == "https://tokens.example.com"


def test_bodies() -> None:
    assert request(**JSON, body='{"a": "é"}').json() == {"a": "é"}
    encoded = base64.b64encode(b"[1]").decode()
    assert request(**JSON, body=encoded, isBase64Encoded=True).json() == [1]
    patch = {"multiValueHeaders": {"content-type": ["Application/Merge-Patch+JSON"]}}
    types = ("application/json", "application/merge-patch+json")
    assert request(**patch, body="{}").json(*types) == {}


@pytest.mark.parametrize(
    "body", ["", None, "{", "nope", "{'a': 1}", "[" * 60_000, "\ud800", "\x00", '{"a": 1} x']
)
def test_a_body_that_is_not_json(body: str | None) -> None:
    assert refused({**JSON, "body": body}).status == 400


def test_a_body_that_is_not_base64() -> None:
    assert refused({**JSON, "body": "é", "isBase64Encoded": True}).status == 400
    assert refused({**JSON, "body": "a", "isBase64Encoded": True}).status == 400


@pytest.mark.parametrize(
    "body", ["x" * (MAX_BODY + 1), "é" * (MAX_BODY // 2 + 1), "x" * (MAX_BODY * 2)]
)
def test_a_body_that_is_too_large(body: str) -> None:
    assert refused({**JSON, "body": body}).status == 413
    raw = base64.b64encode(body.encode()).decode()
    assert refused({**JSON, "body": raw, "isBase64Encoded": True}).status == 413


def test_the_largest_body() -> None:
    text = json.dumps("x" * (MAX_BODY - 2))
    assert len(text) == MAX_BODY
    raw = base64.b64encode(text.encode()).decode()
    assert request(**JSON, body=raw, isBase64Encoded=True).json()


@pytest.mark.parametrize(
    "kind", [None, "", "text/plain", "application/jsonx", "a, application/json"]
)
def test_a_body_of_another_type(kind: str | None) -> None:
    headers = {} if kind is None else {"Content-Type": [kind]}
    assert refused({"multiValueHeaders": headers, "body": "{}"}).status == 415


@given(st.text(), st.booleans())
def test_any_body(body: str, encoded: bool) -> None:
    try:
        Request({**JSON, "body": body, "isBase64Encoded": encoded}).json()
    except Problem as problem:
        assert problem.status in (400, 413)  # noqa: PT017


def test_answers_are_never_stored() -> None:
    found = gateway.answer(200, {"a": 1})
    assert found["headers"]["Cache-Control"] == "no-store"
    assert json.loads(found["body"]) == {"a": 1}
    assert gateway.answer(204)["body"] == ""


def test_refusals_follow_rfc_9457() -> None:
    found = gateway.refusal(Problem("throttled", retry_after=90))
    assert found["statusCode"] == 503
    assert found["headers"]["Content-Type"] == "application/problem+json"
    assert found["headers"]["Retry-After"] == "90"
    assert json.loads(found["body"])["retry_after"] == 90
    assert "Retry-After" not in gateway.refusal(Problem("not_found"))["headers"]


@pytest.mark.parametrize(
    ("error", "code", "status"),
    [
        (Problem("not_found"), "not_found", 404),
        (Unavailable("dynamodb", "Throttled"), "broker_unavailable", 503),
        (KeyError("canary"), "internal_error", 500),
        (ValueError("canary"), "internal_error", 500),
        (RecursionError("canary"), "internal_error", 500),
    ],
)
def test_whatever_is_raised_becomes_a_problem(error: Exception, code: str, status: int) -> None:
    telemetry, audit = Telemetry(), {"code": "served"}

    def work() -> gateway.Answer:
        raise error

    found = gateway.guard(work, telemetry, "request-1", audit)
    assert found["statusCode"] == status
    assert json.loads(found["body"])["code"] == audit["code"] == code
    assert ("Refusals", 1, {"code": code}) in telemetry.counts
    assert "canary" not in found["body"] + repr(telemetry.notes)


def test_a_refusal_leaves_a_line_with_its_reason() -> None:
    telemetry = Telemetry()

    def work() -> gateway.Answer:
        raise Problem("invalid_request", "min_ttl: seconds.")

    gateway.guard(work, telemetry, "request-1")
    ((event, fields),) = telemetry.notes
    assert event == "refused"
    assert fields["reason"] == "min_ttl: seconds."


def test_where_it_failed_shows_without_what() -> None:
    telemetry = Telemetry()

    def work() -> gateway.Answer:
        return {"canary": json.loads("canary")}

    gateway.guard(work, telemetry, "request-1")
    (place,) = (fields["place"] for event, fields in telemetry.notes if event == "failed")
    assert "test_edge.py" in str(place)
    assert "canary" not in repr(telemetry.notes)
