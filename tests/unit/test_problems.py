"""Errors: the contract's table, and RFC 9457's shape."""

from __future__ import annotations

import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.problems import KINDS, Actor, Problem, Provider

STATUSES = {
    400: {"invalid_request"},
    403: {"not_authorized", "access_denied"},
    404: {"not_found"},
    409: {
        *("already_exists", "conflict", "authorization_pending", "reauthorization_required"),
        *("mfa_required", "admin_consent_required", "consent_declined", "blocked_by_policy"),
        *("account_mismatch", "suspended"),
    },
    422: {
        *("scope_not_granted", "min_ttl_unreachable", "tenant_not_allowed"),
        "refresh_token_refused",
    },
    429: {"rate_limited"},
    500: {"internal_error"},
    502: {
        *("client_misconfigured", "client_secret_expired", "client_certificate_expired"),
        "provider_error",
    },
    503: {
        *("provider_unavailable", "throttled", "refresh_in_progress", "grant_at_risk"),
        "broker_unavailable",
    },
}


def test_the_contracts_table() -> None:
    found: dict[int, set[str]] = {}
    for code, kind in KINDS.items():
        found.setdefault(kind.status, set()).add(code)
    assert found == STATUSES


@pytest.mark.parametrize("code", sorted(KINDS))
def test_every_code_says_who_must_act_and_how(code: str) -> None:
    body = Problem(code).as_dict()
    assert {"type", "title", "status", "detail", "code", "actor", "remedy"} <= body.keys()
    assert body["type"].endswith(f":{code}")
    assert body["actor"] in get_args(Actor)
    assert body["title"]
    assert body["remedy"]
    assert ("retry_after" in body) is (body["status"] == 503)
    assert (body["status"] == 502) <= (body["actor"] == "operator")


CODES = st.sampled_from(sorted(KINDS))
PROVIDERS = st.builds(
    Provider,
    st.none() | st.just("invalid_grant"),
    st.none() | st.just("bad_token"),
    st.lists(st.integers(1, 10**9), max_size=3).map(tuple),
    st.none() | st.just("trace"),
)


@given(
    CODES,
    st.text(),
    st.sampled_from(get_args(Actor)),
    st.none() | st.integers(1, 3600),
    st.none() | PROVIDERS.filter(lambda provider: provider != Provider()),
)
def test_a_problem_survives_the_wire(
    code: str, detail: str, actor: Actor, retry_after: int | None, provider: Provider | None
) -> None:
    """Between the functions refresh and token."""
    sent = Problem(code, detail, actor=actor, retry_after=retry_after, provider=provider)
    body = json.loads(json.dumps(sent.as_dict()))
    received = Problem.of(body)
    assert received.as_dict() == sent.as_dict()
    assert received.provider == provider


def test_unknown_provider_fields_are_left_out() -> None:
    assert Provider().as_dict() == {}
    assert Provider(error_codes=(1, 2)).as_dict() == {"error_codes": [1, 2]}
    assert "provider" not in Problem("not_found").as_dict()


def test_the_message_is_the_code_alone() -> None:
    assert str(Problem("not_found", "detail")) == "not_found"


@pytest.mark.parametrize("body", [{}, {"code": "nothing"}, {"code": "not_found"}])
def test_what_is_no_problem(body: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError)):
        Problem.of(body)
