"""Every outcome a page can tell, and what is passed in to tell it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from broker.domain.names import Instant
from broker.domain.problems import Actor, Provider
from broker.domain.secret import Secret


class Shape(NamedTuple):
    """How an outcome's page is built."""

    code: str | None = None
    """Problem code when the outcome's name is not one; its status is the page's."""
    tone: str = "stop"
    """good, warn, info (nobody has to act), wait or stop: mark and colour."""
    again: bool = False
    """Whether the same link can be opened again now."""
    approval: bool = False
    """Whether the page helps to reach the administrator."""
    actor: Actor | None = None
    """Who must act, where a page knows better than the code."""


_LINK = Shape("invalid_request")

OUTCOMES: dict[str, Shape] = {
    "connected": Shape(tone="good"),
    "connected_findings": Shape(tone="warn"),
    "connected_waiting": Shape(tone="wait"),
    "admin_consent_received": Shape(tone="good"),
    "consent_declined": Shape(tone="wait", again=True, approval=True),
    "admin_consent_required": Shape(tone="wait", again=True, approval=True),
    "admin_consent_declined": Shape("consent_declined", again=True, actor="tenant_admin"),
    "admin_consent_incomplete": Shape("admin_consent_required", again=True, actor="tenant_admin"),
    "mfa_required": Shape(again=True),
    "blocked_by_policy": Shape(again=True),
    "reauthorization_required": Shape(again=True),
    "account_mismatch": Shape(again=True),
    "tenant_not_allowed": Shape(again=True),
    "scope_not_granted": Shape(again=True, actor="owner"),
    "suspended": Shape(tone="wait"),
    "conflict": Shape(),
    "client_misconfigured": Shape(),
    "no_refresh_token": Shape("client_misconfigured"),
    "client_secret_expired": Shape(),
    "client_certificate_expired": Shape(),
    "provider_error": Shape(),
    "internal_error": Shape(),
    "provider_unavailable": Shape(tone="wait", again=True),
    "throttled": Shape(tone="wait", again=True),
    "broker_unavailable": Shape(tone="wait", again=True),
    "rate_limited": Shape(tone="wait", again=True),
    "invalid_request": Shape(),
    "link_unknown": _LINK,
    "link_expired": _LINK,
    "link_used_up": _LINK,
    "link_replaced": _LINK,
    "link_finished": Shape("invalid_request", tone="info"),
    "link_wrong_kind": _LINK,
    "attempt_unknown": Shape("invalid_request", again=True),
    "attempt_expired": Shape("invalid_request", again=True),
    "attempt_finished": Shape("invalid_request", tone="info"),
    "other_browser": Shape("invalid_request", again=True),
}
"""Every outcome with a text of its own. Any other code of KINDS gets the general text."""


SUCCESSES = frozenset(
    {"connected", "connected_findings", "connected_waiting", "admin_consent_received"}
)
"""Outcomes of status 200; all others have the status of their problem code."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a link asks for, as its page tells the owner or the administrator.

    `action`: path the form posts ``ticket`` to. `purpose`: in the operator's words. `created_by`:
    ARN of who made the link. `again`: the button was pressed, but not on this page, or in a browser
    without cookies.
    """

    action: str
    ticket: Secret
    connection: str
    service: str
    purpose: str = ""
    created_by: str = ""
    resource: str = ""
    tenant: str = ""
    scopes: Sequence[str] = ()
    expires_at: Instant | None = None
    again: bool = False


@dataclass(frozen=True, slots=True)
class PageText:
    """Texts of the diagnosis catalogue, in the page's language, in place of the general ones.

    `what` and `remedy`: one sentence or several, each a paragraph or step. `link`: https address.
    """

    title: str
    what: str | Sequence[str]
    remedy: str | Sequence[str]
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One finding of the check after consent. Texts are in the page's language."""

    name: str
    ok: bool
    detail: str = ""
    remedy: str = ""
    actor: Actor | None = None


@dataclass(frozen=True, slots=True)
class Support:
    """What support needs to find the event."""

    at: Instant
    request_id: str = ""
    provider: Provider | None = None
