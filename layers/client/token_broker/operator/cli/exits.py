"""Exit codes: what a script can tell from a command."""

from __future__ import annotations

from token_broker.errors import TokenBrokerError

OK = 0
FAILED = 1
"""Anything else: no such connection, a conflict, some rows of an import failed."""
USAGE = 2
"""The command line, the file or the request is wrong."""
NOT_ALLOWED = 3
"""No usable AWS credentials, or AWS or the connection's grants refuse them."""
PERSON_MUST_ACT = 4
"""The owner of the account or the tenant's administrator."""
OPERATOR_MUST_ACT = 5
LATER = 6
"""It heals by itself: Microsoft, AWS or the network."""
INTERRUPTED = 130

_CODES = {
    "invalid_request": USAGE,
    "not_authorized": NOT_ALLOWED,
    "access_denied": NOT_ALLOWED,
    "no_credentials": NOT_ALLOWED,
    "clock_skew": NOT_ALLOWED,
}
_ACTORS = {
    "owner": PERSON_MUST_ACT,
    "tenant_admin": PERSON_MUST_ACT,
    "operator": OPERATOR_MUST_ACT,
    "nobody": LATER,
}


def status(code: str, actor: str | None, retryable: bool = False) -> int:
    """The exit code for a problem."""
    if code in _CODES:
        return _CODES[code]
    return LATER if retryable else _ACTORS.get(actor or "", FAILED)


def of(error: TokenBrokerError) -> int:
    """The exit code for an error."""
    return status(error.code, error.actor, error.retryable)
