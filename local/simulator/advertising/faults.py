"""Microsoft Advertising's error codes and the three shapes of its fault bodies.

Shapes are documented, HTTP statuses of errors are not: those here are the platform's choice, so a
client must go by the body's `Code`.
https://learn.microsoft.com/advertising/guides/operation-error-codes
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

SHAPES = ("AdApiFaultDetail", "ApiFault", "ApiBatchFault")


class Known(NamedTuple):
    """Symbol, message and HTTP status of one error code."""

    symbol: str
    message: str
    status: int = 400


CODES = {
    0: Known("InternalError", "An internal error has occurred.", 500),
    100: Known("NullRequest", "The request message is null."),
    105: Known(
        "InvalidCredentials",
        "Authentication failed. Either supplied credentials are invalid or the account is inactive",
        401,
    ),
    106: Known("UserIsNotAuthorized", "The user does not represent an authorized user.", 403),
    108: Known("UserCompromised", "Suspicious activity: the password must be changed.", 401),
    109: Known("AuthenticationTokenExpired", "Authentication token expired. Renew it.", 401),
    116: Known("RequestMissingHeaders", "The request lacks required headers."),
    117: Known("CallRateExceeded", "The call rate limit was exceeded. Wait 60 seconds.", 429),
    120: Known("UserLoginAccessDenied", "The credentials were merged; use the primary login.", 401),
    122: Known("PersonalIdentityNotAvailable", "The user must use the work account.", 401),
    123: Known("WorkIdentityNotAvailable", "The user must use the personal account.", 401),
    124: Known("PersonalIdentityMigratedToWork", "The personal account was migrated.", 401),
    125: Known("PersonalIdentityNotAllowedByCustomer", "A work account is required.", 401),
    126: Known("IdentityTypeMismatch", "The type of the account does not match.", 401),
    207: Known("ConcurrentRequestOverLimit", "Too many reports are running; wait for one.", 429),
    208: Known("InvalidAccount", "The account is not valid."),
    2003: Known("ReportingServiceAccountNotAuthorized", "An account is not the user's.", 403),
    2100: Known("ReportingServiceInvalidReportId", "The report request is not known."),
    4204: Known("BulkServiceNoMoreCallsPermittedForTheTimePeriod", "Wait up to 15 minutes.", 429),
    4219: Known("BulkServiceInvalidRequestId", "The bulk request is not known."),
}
_DETAILS = {126: "WorkAccountIsRequired"}


class Fail(Exception):  # noqa: N818 (an API fault is an answer)
    """A fault with one error. `shape`: one of SHAPES; `reason`: says why, in `Detail` or, with
    `in_message`, in `Message`, since nobody has told which."""

    def __init__(self, code: int, reason: str | None = None, **changes: Any) -> None:
        self.code, self.reason = code, reason or _DETAILS.get(code)
        self.status: int | None = changes.get("status")
        self.shape: str = changes.get("shape") or SHAPES[0]
        self.in_message: bool | None = changes.get("in_message")
        super().__init__(code)


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault body with its HTTP status."""

    body: Mapping[str, Any]
    status: int


def fault(fail: Fail, *, reason_in_message: bool) -> Fault:
    """The body. `reason_in_message`: where the reason stands unless the failure says it."""
    known = CODES.get(fail.code, Known(f"Error{fail.code}", "An error has occurred."))
    in_message = reason_in_message if fail.in_message is None else fail.in_message
    reason = fail.reason
    message = f"{known.message} {reason}" if in_message and reason else known.message
    detail = None if in_message else reason
    if fail.shape == "ApiFault":  # has no symbol
        error = {"Code": fail.code, "Details": detail, "Message": message}
        body: dict[str, Any] = {"Type": fail.shape, "OperationErrors": [error], "BatchErrors": []}
    elif fail.shape == "ApiBatchFault":
        error = {"Code": fail.code, "Details": detail, "Index": 0, "Message": message}
        body = {"Type": fail.shape, "BatchErrors": [error]}
    else:
        error = {"Code": fail.code, "Detail": detail, "ErrorCode": known.symbol, "Message": message}
        body = {"Type": fail.shape, "Errors": [error]}
    return Fault(body, fail.status or known.status)
