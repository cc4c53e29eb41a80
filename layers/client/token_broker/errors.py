"""The one error this package raises.

TokenBrokerError ─ code, status, actor, title, detail, remedy, retry_after, provider, request_id
    the code says why; branch on it, never on text.

Codes come from the broker (its answers follow RFC 9457). Only from here come `unreachable`,
`no_credentials`, `clock_skew` and `unexpected_answer`. Answers without a code, of API Gateway or of
somebody between, become `not_authorized`, `rate_limited` or `broker_unavailable`; where neither the
URL nor the session tells a region it is an `invalid_request`. The command line adds `aws_refused`.
The README lists them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

HEALS = frozenset(
    {
        "throttled",
        "provider_unavailable",
        "refresh_in_progress",
        "grant_at_risk",
        "broker_unavailable",
        "rate_limited",
        "unreachable",
    }
)
"""Codes of what heals by itself: worth another try."""


class Kind(NamedTuple):
    """What all errors of one code share, where no answer of the broker says it."""

    actor: str
    title: str
    remedy: str


KINDS: dict[str, Kind] = {
    "unreachable": Kind(
        "caller",
        "The broker cannot be reached",
        "Check the API URL, and this job's network: route, VPC endpoint, proxy, TLS certificates.",
    ),
    "no_credentials": Kind(
        "caller",
        "There are no usable AWS credentials",
        "Give the job an IAM role, or sign in (aws sso login), or set AWS_PROFILE.",
    ),
    "clock_skew": Kind(
        "caller",
        "This machine's clock is wrong, so AWS refuses its signatures",
        "Set the clock (NTP); AWS tolerates 5 minutes.",
    ),
    "unexpected_answer": Kind(
        "caller",
        "The answer is not the broker's",
        "Check the API URL (with its stage), and what stands between: proxy, gateway, firewall.",
    ),
    "invalid_request": Kind(
        "caller", "The request is not valid", "Correct the field the detail names."
    ),
    "not_authorized": Kind(
        "caller",
        "AWS refused the request",
        "Run as a role whose policy allows execute-api:Invoke on GET/connections/*/token, "
        "and sign for the API's own region.",
    ),
    "rate_limited": Kind("caller", "Too many requests", "Wait, and send fewer requests."),
    "broker_unavailable": Kind("nobody", "The broker does not answer", "Try again a little later."),
}


class Provider(NamedTuple):
    """What Microsoft said. `error_codes`: the numbers that follow AADSTS."""

    error: str | None = None
    suberror: str | None = None
    error_codes: tuple[int, ...] = ()
    trace_id: str | None = None
    correlation_id: str | None = None
    timestamp: str | None = None


class TokenBrokerError(Exception):
    """No token: why, who must act, and how. `str` says it in a few lines and shows no secret.

    status       of the HTTP answer; None if there was none
    actor        owner, tenant_admin, operator, caller or nobody
    retry_after  seconds after which another try makes sense, if known
    provider     what Microsoft said, if it was asked
    request_id   for the operator, who finds the request in the log by it
    retryable    whether it heals by itself
    """

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        connection: str | None = None,
        status: int | None = None,
        actor: str | None = None,
        title: str | None = None,
        remedy: str | None = None,
        retry_after: int | None = None,
        provider: Provider | None = None,
        request_id: str | None = None,
        retryable: bool | None = None,
    ) -> None:
        kind = KINDS.get(code) or Kind("operator", "The broker refused", "Ask the operator.")
        self.code = code
        self.detail = detail
        self.connection = connection
        self.status = status
        self.actor = actor or kind.actor
        self.title = title or kind.title
        self.remedy = remedy or kind.remedy
        self.retry_after = retry_after
        self.provider = provider
        self.request_id = request_id
        self.retryable = code in HEALS if retryable is None else retryable
        super().__init__(code, detail)

    def __str__(self) -> str:
        head = f"{self.connection}: {self.title}" if self.connection else self.title
        status = f", {self.status}" if self.status else ""
        lines = [f"{head} [{self.code}{status}]"]
        if self.detail and self.detail.rstrip(".") != self.title:
            lines.append(f"  {self.detail}")
        lines.append(f"  {self.actor.replace('_', ' ')}: {self.remedy}")
        traces = self._traces()
        if traces:
            lines.append(f"  ({traces})")
        return "\n".join(lines)

    def _traces(self) -> str:
        """What support asks for."""
        provider = self.provider or Provider()
        found = [f"AADSTS{number}" for number in provider.error_codes]
        found += [f"trace {provider.trace_id}"] if provider.trace_id else []
        found += [f"request {self.request_id}"] if self.request_id else []
        found += [f"retry after {self.retry_after} s"] if self.retry_after is not None else []
        return ", ".join(found)

    def copy(self) -> TokenBrokerError:
        """The same error anew: one instance raised in many threads would gather all their
        tracebacks."""
        return _again(dict(self.__dict__))

    def __reduce__(self) -> tuple[Any, tuple[dict[str, Any]]]:
        return _again, (dict(self.__dict__),)


def _again(fields: Mapping[str, Any]) -> TokenBrokerError:
    known = {name: value for name, value in fields.items() if not name.startswith("__")}
    return TokenBrokerError(**known)
