"""Every way a request can fail, as one error and one table.

Problem ─ the root: code, status, actor, detail, remedy, retry_after, provider
│   the code says which; callers branch on the code, never on text.
├── web.links.LinkProblem                    a link or attempt, and the page that says why
├── lifecycle.admission.Mismatch             another account than the connection's signed in
├── providers.token_response.Unusable        a 200 that is no use; may carry a refresh token
└── providers.credential_breaker.Blocked     no client credential is worth a call

What else is raised never reaches a caller as it is (docs/architecture.md draws the whole tree):
ports.errors.Unavailable, ports.errors.Unreachable, ports.credentials.Unusable,
providers.token_endpoint.Refused, sealing.envelope.SealBroken, services.probes.Stale, and inside
their own rooms adapters.aws_errors.Refused, services.probes._Failed.

Answers follow RFC 9457 (application/problem+json).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

Actor = Literal["owner", "tenant_admin", "operator", "caller", "nobody"]


class Kind(NamedTuple):
    """What all problems of one code share."""

    status: int
    actor: Actor
    title: str
    remedy: str


KINDS: dict[str, Kind] = {
    "invalid_request": Kind(
        400, "caller", "The request is not valid", "Correct the field the detail names."
    ),
    "not_authorized": Kind(
        403,
        "caller",
        "AWS refused the request",
        "Sign the request with SigV4 (service execute-api) as a role whose policy allows it.",
    ),
    "access_denied": Kind(
        403,
        "caller",
        "No grant for this connection",
        "Ask the operator to grant the connection to your role, and check its name.",
    ),
    "not_found": Kind(404, "caller", "No such connection", "Check the name with GET /connections."),
    "already_exists": Kind(
        409, "caller", "The connection exists already", "Choose another name, or PATCH this one."
    ),
    "conflict": Kind(
        409,
        "caller",
        "Someone changed the connection meanwhile",
        "Read the connection again and repeat the change with its new version.",
    ),
    "authorization_pending": Kind(
        409,
        "owner",
        "Nobody has consented yet",
        "The owner opens the authorize link and consents.",
    ),
    "reauthorization_required": Kind(
        409,
        "owner",
        "The owner must consent again",
        "The operator makes a new link (token-broker reauthorize NAME); "
        "the owner opens it and consents.",
    ),
    "mfa_required": Kind(
        409,
        "owner",
        "Microsoft asks for multi-factor authentication",
        "The owner opens a new link and completes multi-factor authentication.",
    ),
    "admin_consent_required": Kind(
        409,
        "tenant_admin",
        "A tenant administrator must approve the application",
        "A tenant administrator opens the admin-consent link, or approves the request in Entra.",
    ),
    "consent_declined": Kind(
        409,
        "owner",
        "The consent was declined",
        "The owner opens the link again and accepts. If Microsoft's page said that an "
        "administrator must approve, hand the admin-consent link to the administrator.",
    ),
    "blocked_by_policy": Kind(
        409,
        "tenant_admin",
        "A Conditional Access policy blocks the account",
        "A tenant administrator reviews the sign-in log and the Conditional Access policies.",
    ),
    "account_mismatch": Kind(
        409,
        "owner",
        "Another account consented",
        "The owner signs in with the account this connection is for; or the operator makes a "
        "link with allow_account_change.",
    ),
    "suspended": Kind(
        409, "operator", "The connection is suspended", "The operator resumes the connection."
    ),
    "scope_not_granted": Kind(
        422,
        "operator",
        "The token would hold scopes that are not granted",
        "Ask for scopes the connection has, or have the operator widen the grant or the consent.",
    ),
    "min_ttl_unreachable": Kind(
        422,
        "caller",
        "No token lives that long",
        "Ask for a smaller min_ttl: Microsoft issues tokens with a shorter life.",
    ),
    "tenant_not_allowed": Kind(
        422,
        "owner",
        "The account's tenant is not allowed",
        "Sign in with an account of an allowed tenant, or have the operator allow this one.",
    ),
    "refresh_token_refused": Kind(
        422,
        "operator",
        "Microsoft refused the refresh token",
        "Import a refresh token that was issued to this client id, or make a link instead.",
    ),
    "rate_limited": Kind(429, "caller", "Too many requests", "Wait, and send fewer requests."),
    "internal_error": Kind(
        500,
        "operator",
        "The broker failed",
        "Report the request id to the operator, who finds the reason in the log.",
    ),
    "client_misconfigured": Kind(
        502,
        "operator",
        "The application registration and the broker do not match",
        "The operator checks client id, client secret, redirect URI and audience in Entra.",
    ),
    "client_secret_expired": Kind(
        502,
        "operator",
        "The client secret has expired",
        "The operator makes a new client secret in Entra and stores it in Secrets Manager.",
    ),
    "client_certificate_expired": Kind(
        502,
        "operator",
        "The client certificate has expired",
        "The operator makes a new certificate (token-broker credential certificate), uploads it in "
        "Entra and puts it into use.",
    ),
    "provider_error": Kind(
        502,
        "operator",
        "Microsoft's answer makes no sense",
        "The operator checks the log with the trace id, and Microsoft's service status.",
    ),
    "provider_unavailable": Kind(
        503, "nobody", "Microsoft does not answer", "Try again after Retry-After seconds."
    ),
    "throttled": Kind(
        503, "nobody", "Microsoft throttles the broker", "Try again after Retry-After seconds."
    ),
    "refresh_in_progress": Kind(
        503, "nobody", "A new token is on its way", "Try again after Retry-After seconds."
    ),
    "grant_at_risk": Kind(
        503,
        "nobody",
        "Microsoft refused the grant once; the broker is making sure",
        "Try again after Retry-After seconds.",
    ),
    "broker_unavailable": Kind(
        503, "nobody", "The broker cannot reach AWS", "Try again after Retry-After seconds."
    ),
}
"""Code → status, actor and default texts. The one place where an error becomes HTTP."""

RETRY_AFTER_SECONDS = 5
"""Default `Retry-After` of every 503 that knows no better: one round of waiting callers."""
RETRY_AFTER_LIMIT = 3600
"""Seconds: MSAL's cap too. A longer wait would hide a recovery."""


@dataclass(frozen=True, slots=True)
class Provider:
    """What Microsoft said, vetted: known shapes and lengths, no free text.

    https://learn.microsoft.com/entra/identity-platform/reference-error-codes
    """

    error: str | None = None
    suberror: str | None = None
    error_codes: tuple[int, ...] = ()
    trace_id: str | None = None
    correlation_id: str | None = None
    timestamp: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The fields that are known."""
        return {name: _plain(value) for name, value in asdict(self).items() if value}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


class Problem(Exception):  # noqa: N818 (RFC 9457's word)
    """A refusal with its reason: what happened, who must act, and how.

    `detail` must name no secret and hold no text that came from outside unvetted.
    """

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        actor: Actor | None = None,
        remedy: str | None = None,
        status: int | None = None,
        retry_after: int | None = None,
        wait: int | None = None,
        provider: Provider | None = None,
    ) -> None:
        """`wait`: as `retry_after`, but for those that heal by themselves (503) only."""
        kind = KINDS[code]
        self.code = code
        self.status = status or kind.status
        self.title = kind.title
        self.detail = detail or kind.title + "."
        self.actor: Actor = actor or kind.actor
        self.remedy = remedy or kind.remedy
        self.provider = provider
        if retry_after is None and self.status == 503:
            retry_after = wait or RETRY_AFTER_SECONDS
        self.retry_after = retry_after and min(retry_after, RETRY_AFTER_LIMIT)
        super().__init__(code)

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Problem:
        """The problem of a body that `as_dict` made; KeyError or TypeError for anything else."""
        provider = dict(body.get("provider") or {})
        provider["error_codes"] = tuple(provider.get("error_codes", ()))
        return cls(
            body["code"],
            body["detail"],
            actor=body["actor"],
            remedy=body["remedy"],
            status=body["status"],
            retry_after=body.get("retry_after"),
            provider=Provider(**provider) if body.get("provider") else None,
        )

    def as_dict(self) -> dict[str, Any]:
        """The body of the answer, RFC 9457 §3."""
        body: dict[str, Any] = {
            "type": f"urn:token-broker:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "actor": self.actor,
            "remedy": self.remedy,
        }
        if self.provider:
            body["provider"] = self.provider.as_dict()
        if self.retry_after is not None:
            body["retry_after"] = self.retry_after
        return body
