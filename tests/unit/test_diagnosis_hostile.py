"""Whatever comes from outside: a diagnosis, no exception, and none of its text in the answer."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.domain.problems import KINDS
from broker.providers.diagnosis import Diagnosis, text
from broker.providers.entra.diagnosis import diagnose, diagnose_redirect
from broker.providers.response import BODY_LIMIT
from broker.providers.terms import Endpoint, Language
from broker.services.advertising import Finding, diagnose_advertising

CANARY = "canary-0.AXoA~secret"
MARKUP = f"<script>{CANARY}</script>"
LANGUAGES: tuple[Language, ...] = ("en", "ja")

FIELDS = st.sampled_from(
    [
        *("error", "suberror", "error_codes", "error_description", "error_uri", "error_subcode"),
        *("trace_id", "correlation_id", "timestamp", "claims", "access_token"),
        *("TrackingId", "Errors", "OperationErrors", "Code", "ErrorCode"),
    ]
)
WORDS = st.sampled_from(
    [
        *("invalid_grant", "invalid_client", "access_denied", "bad_token", "cancel", "105"),
        *(CANARY, MARKUP, f"AADSTS70000: {MARKUP}", f"AADSTS{CANARY}", f"Trace ID: {MARKUP}"),
    ]
)
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | WORDS | st.just(50196)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(FIELDS, VALUES, max_size=5)
BODIES = st.one_of(
    st.binary(max_size=400),
    VALUES.map(lambda value: json.dumps(value).encode()),
    OBJECTS.map(lambda value: json.dumps(value).encode()),
    OBJECTS.map(lambda value: json.dumps(value).encode()[:-2]),
    OBJECTS.map(lambda value: json.dumps(value).encode("utf-16")),
)
NAMES = st.sampled_from(
    ["Retry-After", "x-ms-request-id", "client-request-id", "TrackingId", "Content-Type"]
)
HEADERS = st.dictionaries(NAMES | st.text(), st.text() | WORDS, max_size=3)
STATUSES = st.integers(min_value=100, max_value=599)
LEGS = st.sampled_from(Endpoint)


@given(LEGS, STATUSES, HEADERS, BODIES, st.floats(0, 4e9))
@settings(max_examples=150, deadline=None)
def test_any_answer(
    leg: Endpoint, status: int, headers: dict[str, str], body: bytes, now: float
) -> None:
    clean(diagnose(leg, status, headers, body, now))


@given(LEGS, st.dictionaries(FIELDS | st.text(), st.text() | WORDS, max_size=5))
@settings(max_examples=100, deadline=None)
def test_any_redirect(leg: Endpoint, params: dict[str, str]) -> None:
    clean(diagnose_redirect(leg, params))


@given(STATUSES | st.just(0), HEADERS, BODIES)
@settings(max_examples=100, deadline=None)
def test_any_fault(status: int, headers: dict[str, str], body: bytes) -> None:
    clean_finding(diagnose_advertising(status, headers, body))


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 200_000,
        b'{"error":' * 20_000,
        b'{"error_codes":[' + b"9" * 200_000 + b"]}",
        b'{"error":"invalid_grant","error_description":"' + b"AADSTS" * 30_000 + b'"}',
        b'{"error":"invalid_grant","error_description":"' + b"Trace ID:    " * 15_000 + b'"}',
        b"<Code>" * 40_000,
        b'{"error":"invalid_grant","pad":"' + b"x" * 10_000_000 + b'"}',
        b'{"error":"invalid_grant"}' + b" " * BODY_LIMIT,
        b"\xef\xbb\xbf{}",
        b'"\\ud800"',
        b'{"error":"\\u0000<"}',
        b"NaN",
        b"null",
    ],
    ids=range(13),
)
def test_hostile_bodies_are_answered_at_once(body: bytes) -> None:
    started = time.thread_time()
    found = diagnose(Endpoint.REFRESH, 400, {}, body, 0.0)
    finding = diagnose_advertising(400, {}, body)
    assert time.thread_time() - started < 2
    clean(found)
    clean_finding(finding)


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500, 503])
def test_a_canary_in_every_field(status: int) -> None:
    for plant in (CANARY, MARKUP, [CANARY], {"error": CANARY}):
        names = ["error", "suberror", "error_codes", "error_description", "error_uri", "trace_id"]
        names += ["correlation_id", "timestamp", "claims", "refresh_token", MARKUP]
        body = json.dumps(dict.fromkeys(names, plant)).encode()
        headers = {"Retry-After": CANARY, "x-ms-request-id": CANARY, "client-request-id": MARKUP}
        clean(diagnose(Endpoint.REFRESH, status, headers, body, 0.0))
        errors = [{"Code": plant, "ErrorCode": plant, "Message": plant, "Detail": plant}]
        fault = {"TrackingId": plant, "Errors": errors, "OperationErrors": errors}
        clean_finding(
            diagnose_advertising(status, {"TrackingId": CANARY}, json.dumps(fault).encode())
        )


def clean(found: Diagnosis) -> None:
    assert found.code in KINDS
    assert found.retry_after is None or 1 <= found.retry_after <= 3600
    assert len(found.provider.error_codes) <= 10
    shown(asdict(found), found.problem().as_dict(), *(text(found, each) for each in LANGUAGES))


def clean_finding(found: Finding) -> None:
    assert found.problem in KINDS
    shown(asdict(found), *(found.text(each) for each in LANGUAGES))


def shown(*parts: Any) -> None:
    everything = json.dumps(parts, ensure_ascii=False)
    assert "canary" not in everything
    assert "<" not in everything
