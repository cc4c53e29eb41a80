"""The HTTP edge: API Gateway's events in, its answers out. No business here.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

from __future__ import annotations

import base64
import binascii
import json
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from broker.domain.problems import Problem
from broker.ports.ambient import Fact, Telemetry
from broker.ports.errors import Unavailable

if TYPE_CHECKING:
    from broker.web.audit import Done

MAX_BODY = 65_536
"""Bytes: the largest sound body (100 grants with scopes) is far below."""

FAULTS = ("internal_error", "broker_unavailable")
"""The broker's own failures, whatever caused them."""

Event = Mapping[str, Any]
Answer = dict[str, Any]

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache", "X-Content-Type-Options": "nosniff"}
"""RFC 6749 §5.1."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request of API Gateway's proxy event. Holds secrets: never logged."""

    event: Event

    def __repr__(self) -> str:
        return "Request(***)"

    @property
    def id(self) -> str:
        """API Gateway's request id."""
        return str(self.event.get("requestContext", {}).get("requestId", ""))

    @property
    def arn(self) -> str:
        """The caller's ARN, as API Gateway verified it; '' if there is none."""
        identity = self.event.get("requestContext", {}).get("identity") or {}
        return str(identity.get("userArn") or "")

    @property
    def query(self) -> dict[str, list[str]]:
        """All values of each query parameter."""
        return dict(self.event.get("multiValueQueryStringParameters") or {})

    def one(self, name: str) -> str | None:
        """A query parameter that is there once."""
        values = self.query.get(name, [])
        return values[0] if len(values) == 1 else None

    def path(self, name: str) -> str:
        """A path parameter."""
        return str((self.event.get("pathParameters") or {}).get(name) or "")

    def header(self, name: str) -> str | None:
        """A header's value; repeated ones joined as RFC 9110 §5.3 says."""
        found = [
            value
            for key, values in (self.event.get("multiValueHeaders") or {}).items()
            if key.lower() == name
            for value in values
        ]
        return ", ".join(found) if found else None

    def base_url(self, public: str) -> str:
        """Where browsers reach the broker: as configured, else API Gateway's own host; never the
        Host header, which the browser may choose."""
        context = self.event["requestContext"]
        return public or f"https://{context['domainName']}/{context['stage']}"

    def body(self, *content_types: str) -> bytes:
        """The body, if it is of one of these types and not too large."""
        given = (self.header("content-type") or "").partition(";")[0].strip().lower()
        text = self.event.get("body") or ""
        if len(text) > MAX_BODY * 4 // 3 + 4:
            raise Problem("invalid_request", f"The body may have {MAX_BODY} bytes.", status=413)
        if given not in content_types:
            wanted = " or ".join(content_types)
            raise Problem("invalid_request", f"Send Content-Type: {wanted}.", status=415)
        try:
            raw = base64.b64decode(text) if self.event.get("isBase64Encoded") else text.encode()
        except (binascii.Error, ValueError):
            raise Problem("invalid_request", "The body cannot be decoded.") from None
        if len(raw) > MAX_BODY:
            raise Problem("invalid_request", f"The body may have {MAX_BODY} bytes.", status=413)
        return raw

    def json(self, *content_types: str) -> object:
        """The body as JSON."""
        try:
            return json.loads(self.body(*(content_types or ("application/json",))))
        except (ValueError, RecursionError):
            raise Problem("invalid_request", "The body is not JSON.") from None


def answer(status: int, body: object = None, headers: Mapping[str, str] | None = None) -> Answer:
    """A JSON answer, never stored."""
    plain = {"Content-Type": "application/json", **NO_STORE, **(headers or {})}
    text = "" if body is None else json.dumps(body)
    return {"statusCode": status, "headers": plain, "body": text, "isBase64Encoded": False}


def refusal(problem: Problem) -> Answer:
    """RFC 9457."""
    headers = {"Content-Type": "application/problem+json"}
    if problem.retry_after is not None:
        headers["Retry-After"] = str(problem.retry_after)
    return answer(problem.status, problem.as_dict(), headers)


def guard(
    work: Callable[[], Answer],
    telemetry: Telemetry,
    request_id: str,
    audit: dict[str, str] | None = None,
) -> Answer:
    """The answer of some work; whatever it raises becomes a problem and a reason in the log.

    `audit`: as in `known`.
    """
    try:
        return work()
    except Exception as error:  # noqa: BLE001 (the edge: nothing may escape with its message)
        return refusal(known(error, telemetry, request_id, audit))


def known(
    error: Exception, telemetry: Telemetry, request_id: str, audit: dict[str, str] | None = None
) -> Problem:
    """The problem an exception stands for, counted, and logged with its reason.

    Messages of foreign exceptions stay out of the log: they may hold what must not be shown.
    `audit`: a record that takes code and reason instead of a line of their own.
    """
    if isinstance(error, Problem):
        problem = error
    elif isinstance(error, Unavailable):
        problem = Problem("broker_unavailable")
        telemetry.note("unavailable", service=error.service, code=error.code, request_id=request_id)
    else:
        problem = Problem("internal_error", f"The broker failed; request {request_id}.")
        telemetry.note(
            "failed", error=type(error).__name__, place=place(error), request_id=request_id
        )
    reason = {"code": problem.code, "reason": problem.detail}
    if audit is None:
        telemetry.note("refused", **reason, request_id=request_id)
    else:
        audit |= reason
    telemetry.count("Refusals", code=problem.code)
    if problem.code in FAULTS:
        telemetry.count("Faults")
    return problem


def audited(
    work: Callable[[], Done], telemetry: Telemetry, request: Request, action: str, connection: str
) -> dict[str, Any]:
    """The answer of an operator's action. The audit log is told of it, however it ends."""
    line: dict[str, Fact] = {"action": action, "connection": connection}
    line |= {"principal": request.arn, "request_id": request.id}
    try:
        done = work()
    except Exception as error:
        telemetry.note("management", **line, code=_code(error))
        raise
    telemetry.note("management", **line, code="done", **done.changes)
    return done.answer


def _code(error: Exception) -> str:
    if isinstance(error, Problem):
        return error.code
    return "broker_unavailable" if isinstance(error, Unavailable) else "internal_error"


def place(error: BaseException) -> str:
    """Where an exception was raised: the last frames' file, line and function."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    return " < ".join(
        f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}"
        for frame in reversed(frames)
    )
