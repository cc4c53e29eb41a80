"""Errors are read by people in one glance, and by programs by their fields."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from token_broker import Provider, TokenBrokerError
from token_broker.errors import (
    AdministratorActionRequired,
    CallerActionRequired,
    InvalidArgument,
    OperatorActionRequired,
    OwnerActionRequired,
    Retryable,
)

ERROR = TokenBrokerError(
    "reauthorization_required",
    "The owner changed the password.",
    connection="marketing-jp",
    status=409,
    actor="owner",
    title="The owner must consent again",
    remedy="The operator makes a new link; the owner opens it and consents.",
    retry_after=5,
    provider=Provider("invalid_grant", None, (50173,), "trace-1"),
    request_id="request-1",
)


def test_for_people() -> None:
    assert str(ERROR) == (
        "marketing-jp: The owner must consent again [reauthorization_required, 409]\n"
        "  The owner changed the password.\n"
        "  owner: The operator makes a new link; the owner opens it and consents.\n"
        "  (AADSTS50173, trace trace-1, request request-1, retry after 5 s)"
    )


def test_for_people_without_an_answer() -> None:
    assert str(TokenBrokerError("no_credentials")) == (
        "There are no usable AWS credentials [no_credentials]\n"
        "  caller: Give the job an IAM role, or sign in (aws sso login), or set AWS_PROFILE."
    )


def test_a_code_of_tomorrow_has_texts() -> None:
    error = TokenBrokerError("brand_new", status=418)
    assert not error.retryable
    assert "brand_new, 418" in str(error)


def test_between_processes_and_threads() -> None:
    for twin in (pickle.loads(pickle.dumps(ERROR)), ERROR.copy()):
        assert twin is not ERROR
        assert vars(twin) == vars(ERROR)
        assert str(twin) == str(ERROR)


@pytest.mark.parametrize(
    ("kind", "code", "fields"),
    [
        (OwnerActionRequired, "reauthorization_required", {"actor": "owner"}),
        (AdministratorActionRequired, "admin_consent_required", {"actor": "tenant_admin"}),
        (OperatorActionRequired, "client_secret_expired", {"actor": "operator"}),
        (OperatorActionRequired, "brand_new", {}),
        (CallerActionRequired, "access_denied", {"actor": "caller"}),
        (CallerActionRequired, "no_credentials", {}),
        (CallerActionRequired, "invalid_request", {"status": 400}),
        (InvalidArgument, "invalid_request", {}),
        (Retryable, "throttled", {"actor": "nobody"}),
        (Retryable, "internal_error", {"actor": "operator", "retryable": True}),
        (Retryable, "unreachable", {"retryable": True}),
    ],
)
def test_the_subclass_says_who_must_act(
    kind: type[TokenBrokerError], code: str, fields: dict[str, Any]
) -> None:
    error = TokenBrokerError(code, **fields)
    assert type(error) is kind
    assert type(error.copy()) is type(pickle.loads(pickle.dumps(error))) is kind
    assert isinstance(error, ValueError) is (kind is InvalidArgument)
