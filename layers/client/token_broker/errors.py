"""What this package raises.

TokenBrokerError ─ code, status, actor, title, detail, remedy, retry_after, provider, request_id
├── Retryable                     heals by itself: come back after `retry_after`
├── OwnerActionRequired           the owner of the account must consent, or do something there
├── AdministratorActionRequired   the administrator of the owner's tenant must
├── OperatorActionRequired        whoever runs the broker must
└── CallerActionRequired          this job, its role or its configuration is wrong
    └── InvalidArgument           an argument is, so nothing was sent; also a ValueError

Catch a subclass by who must act, branch on `code` for why, never on text. `TokenBrokerError(...)`
makes the subclass that fits, as OSError does by its number.

Codes come from the broker (its answers follow RFC 9457). Only from here come `unreachable`,
`no_credentials`, `clock_skew` and `unexpected_answer`. Answers without a code, of API Gateway or of
somebody between, become `not_authorized`, `rate_limited` or `broker_unavailable`; where neither the
URL nor the session tells a region it is an `invalid_request`. The command line adds `aws_refused`.
The README lists them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Self, TypeVar, cast

from token_broker._text import plain

Error = TypeVar("Error", bound="TokenBrokerError")

HEALS = frozenset(
    {
        "throttled",
        "provider_unavailable",
        "refresh_in_progress",
        "grant_at_risk",
        "broker_unavailable",
        "rate_limited",
    }
)
"""Codes of what heals by itself: worth another try. `unreachable` may, and says so itself."""


class Kind(NamedTuple):
    """What all errors of one code share, where no answer of the broker says it."""

    actor: str
    title: str
    remedy: str


OTHER = Kind("operator", "The broker refused", "Ask the operator.")
"""Of codes that are not known here."""
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

    def __new__(
        cls,
        code: str,
        *_: object,
        status: int | None = None,
        actor: str | None = None,
        retryable: bool | None = None,
        **__: object,
    ) -> Self:
        """An instance of the subclass that says who must act."""
        kind = _kind(code, status, actor, retryable) if cls is TokenBrokerError else cls
        return cast(Self, super().__new__(kind, code))

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
        kind = KINDS.get(code) or OTHER
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
        return plain("\n".join(lines))

    def _traces(self) -> str:
        """What support asks for."""
        provider = self.provider or Provider()
        found = [f"AADSTS{number}" for number in provider.error_codes]
        found += [f"trace {provider.trace_id}"] if provider.trace_id else []
        found += [f"request {self.request_id}"] if self.request_id else []
        found += [f"retry after {self.retry_after} s"] if self.retry_after is not None else []
        return ", ".join(found)

    def copy(self) -> Self:
        """The same error anew: one instance raised in many threads would gather all their
        tracebacks."""
        return _again(type(self), self.__dict__)

    def __reduce__(self) -> tuple[Any, tuple[type[Self], dict[str, Any]]]:
        return _again, (type(self), dict(self.__dict__))


class Retryable(TokenBrokerError):
    """It heals by itself; `retry_after` seconds later another try makes sense."""


class OwnerActionRequired(TokenBrokerError):
    """The owner of the account must consent, or do something there."""


class AdministratorActionRequired(TokenBrokerError):
    """The administrator of the owner's tenant must approve or change something."""


class OperatorActionRequired(TokenBrokerError):
    """Whoever runs the broker must act."""


class CallerActionRequired(TokenBrokerError):
    """This job, its role or its configuration is wrong."""


class InvalidArgument(CallerActionRequired, ValueError):
    """An argument is wrong, so nothing was sent."""


ACTORS: dict[str, type[TokenBrokerError]] = {
    "nobody": Retryable,
    "owner": OwnerActionRequired,
    "tenant_admin": AdministratorActionRequired,
    "operator": OperatorActionRequired,
    "caller": CallerActionRequired,
}


def _kind(
    code: str, status: int | None, actor: str | None, retryable: bool | None
) -> type[TokenBrokerError]:
    """The subclass for an error."""
    if code in HEALS if retryable is None else retryable:
        return Retryable
    if code == "invalid_request" and status is None:
        return InvalidArgument
    return ACTORS.get(actor or (KINDS.get(code) or OTHER).actor, OperatorActionRequired)


def _again(kind: type[Error], fields: Mapping[str, Any]) -> Error:
    known = {name: value for name, value in fields.items() if not name.startswith("__")}
    return kind(**known)
