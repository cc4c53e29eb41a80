"""The words of a diagnosis: on which leg, of which class, with what effect."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, NamedTuple

Language = Literal["en", "ja"]


class Endpoint(StrEnum):
    """Where the provider said it. The same number can mean different things on two legs."""

    AUTHORIZE = "authorize"
    CODE = "code"
    REFRESH = "refresh"
    ADMIN_CONSENT = "admin_consent"


class Effect(StrEnum):
    """What a *confirmed* answer does to the connection, for the service's own resource.

    On the legs in a browser nothing is known about the connection's own grant: anyone may hold
    the link and sign in with any account. So there only ADMIN is ever answered, and it is meant
    for a connection that has never been active.
    """

    NONE = "none"
    """Throttling, outage, a bug, the operator's trouble: touches no connection."""
    OWNER = "owner"
    """-> reauthorization_required."""
    ADMIN = "admin"
    """-> awaiting_admin."""
    POLICY = "policy"
    """-> blocked."""
    CREDENTIAL = "credential"
    """Opens the circuit breaker of the client credential; no connection changes."""


class Class(StrEnum):
    """What happened. When several known numbers came, the class that stands first here decides.

    First what heals by itself (waiting harms nobody), then what only the operator can mend
    (asking the owner would be in vain), then the administrator, then the owner.
    """

    THROTTLE = "throttle"
    RETRY = "retry"
    SECRET_EXPIRED = "secret_expired"  # noqa: S105 (the name of a class)
    CREDENTIAL = "credential"
    CLIENT_DELETED = "client_deleted"
    CLIENT_DISABLED = "client_disabled"
    CLIENT_MISCONFIGURED = "client_misconfigured"
    FOREIGN_CLIENT = "foreign_client"
    SCOPE = "scope"
    SERVICE_ABSENT = "service_absent"
    ADMIN_CONSENT_PENDING = "admin_consent_pending"
    ADMIN_CONSENT = "admin_consent"
    ADMIN_ACCESS = "admin_access"
    CONDITIONAL_ACCESS = "conditional_access"
    REAUTHENTICATION_POLICY = "reauthentication_policy"
    ORGANIZATION_ONLY = "organization_only"
    RESTRICTED = "restricted"
    USER_DENIED = "user_denied"
    ADMIN_DECLINED = "admin_declined"
    ADMIN_RETRY = "admin_retry"
    MFA = "mfa"
    PASSWORD = "password"  # noqa: S105 (the name of a class)
    OTHER_ACCOUNT = "other_account"
    ACCOUNT_GONE = "account_gone"
    CONSENT = "consent"
    REAUTHORIZE = "reauthorize"
    RESTART = "restart"
    BAD_REQUEST = "bad_request"
    UNINTELLIGIBLE = "unintelligible"


class Text(NamedTuple):
    """What a person is told, in one language. Plain text: escape it for HTML."""

    key: str
    """The class, or the AADSTS number, that the text belongs to."""
    title: str
    what: str
    remedy: str
    link: str
    """A page of the provider, https."""
    meaning: str
    """A few words on the deciding number; empty where none decided."""
