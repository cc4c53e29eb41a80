"""Faults of Microsoft Advertising: the cause inside, never the wrapper."""

from __future__ import annotations

import json
from typing import Any

import pytest

from broker.services.advertising import Finding, diagnose_advertising

TRACKING = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
WRAPPER = "Invalid client data. Check the SOAP fault details for more information."


def fault(code: int | str | None, symbol: str | None = None, status: int = 400) -> Finding:
    error = {"Code": code, "Detail": "x", "ErrorCode": symbol, "Message": WRAPPER}
    body = {"TrackingId": TRACKING, "Type": "AdApiFaultDetail", "Errors": [error]}
    return diagnose_advertising(status, {}, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("code", "symbol", "actor"),
    [
        (0, "InternalError", "nobody"),
        (105, "InvalidCredentials", "operator"),
        (106, "UserIsNotAuthorized", "owner"),
        (108, "UserCompromised", "owner"),
        (109, "AuthenticationTokenExpired", "nobody"),
        (117, "CallRateExceeded", "nobody"),
        (120, "UserLoginAccessDenied", "owner"),
        (122, "PersonalIdentityNotAvailable", "owner"),
        (123, "WorkIdentityNotAvailable", "owner"),
        (124, "PersonalIdentityMigratedToWork", "owner"),
        (125, "PersonalIdentityNotAllowedByCustomer", "owner"),
        (126, "IdentityTypeMismatch", "owner"),
        (1001, "NotAuthorized", "owner"),
        (2003, "ReportingServiceAccountNotAuthorized", "caller"),
        (4204, "BulkServiceNoMoreCallsPermittedForTheTimePeriod", "nobody"),
    ],
)
@pytest.mark.parametrize("status", [400, 401, 500])
def test_by_number_and_by_symbol(code: int, symbol: str, actor: str, status: int) -> None:
    for found in (fault(code, symbol, status), fault(code, None, status), fault(str(code))):
        assert (found.code, found.symbol, found.actor) == (code, symbol, actor)
        assert found.tracking_id == TRACKING
        assert found.retryable is (actor == "nobody")


def test_the_symbol_goes_before_the_number() -> None:
    assert fault(207, "ConcurrentRequestOverLimit").code == 207
    assert fault(207, "ConcurrentRequestOverLimit").problem == "throttled"
    assert fault(207).symbol == "InvalidClientData"  # as well an invalid postal address
    assert fault(105, "SomethingNew").symbol == "InvalidClientData"


def test_operation_errors_have_no_symbol() -> None:
    error = {"Code": 106, "Details": "x", "Message": "y"}
    body = {"Type": "ApiFault", "TrackingId": TRACKING, "OperationErrors": [error]}
    found = diagnose_advertising(400, {}, json.dumps(body).encode())
    assert (found.symbol, found.tracking_id) == ("UserIsNotAuthorized", TRACKING)


def test_the_first_known_error_counts() -> None:
    errors: list[Any] = [None, {"Code": 77777}, {"ErrorCode": ["x"]}, {"Code": 117}]
    found = diagnose_advertising(400, {}, json.dumps({"Errors": errors}).encode())
    assert found.symbol == "CallRateExceeded"


def test_soap() -> None:
    body = f"""<s:Envelope><s:Body><s:Fault><faultstring>{WRAPPER}</faultstring><detail>
      <AdApiFaultDetail><TrackingId>{TRACKING}</TrackingId><Errors><AdApiError><Code>105</Code>
      <Detail i:nil="true"/><ErrorCode>InvalidCredentials</ErrorCode></AdApiError></Errors>
      </AdApiFaultDetail></detail></s:Fault></s:Body></s:Envelope>"""
    found = diagnose_advertising(500, {}, body.encode())
    assert (found.code, found.symbol, found.tracking_id) == (105, "InvalidCredentials", TRACKING)
    prefixed = b"<e:OperationError><e:Code>106</e:Code></e:OperationError>"
    assert diagnose_advertising(500, {}, prefixed).symbol == "UserIsNotAuthorized"
    several = b"<Code>77777</Code><Code>117</Code>"
    assert diagnose_advertising(500, {}, several).symbol == "CallRateExceeded"


@pytest.mark.parametrize(
    ("status", "body", "symbol"),
    [
        (500, f"{WRAPPER} TrackingId: {TRACKING}", "InvalidClientData"),
        (500, '{"Errors":[{"Code":77777}]}', "InvalidClientData"),
        (500, "<html>", "InternalError"),
        (503, "", "InternalError"),
        (0, "", "InternalError"),
        (401, "", "InvalidCredentials"),
        (403, "{}", "UserIsNotAuthorized"),
        (429, "Too Many Requests", "CallRateExceeded"),
        (400, "null", "InvalidClientData"),
    ],
)
def test_without_a_known_cause(status: int, body: str, symbol: str) -> None:
    found = diagnose_advertising(status, {}, body.encode())
    assert (found.symbol, found.code) == (symbol, None)


def test_the_tracking_id_is_found_anywhere_but_only_as_a_guid() -> None:
    assert diagnose_advertising(500, {"trackingid": TRACKING}, b"").tracking_id == TRACKING
    said = f"{WRAPPER} TrackingId: {TRACKING}.".encode()
    assert diagnose_advertising(500, {}, said).tracking_id == TRACKING
    assert diagnose_advertising(500, {"TrackingId": "<b>"}, b"").tracking_id is None


def test_an_environment_mix_up_is_named() -> None:
    assert "sandbox" in fault(105).text().what
    assert "サンドボックス" in fault(105).text("ja").what
