"""What botocore raises, as the one error of this package."""

from __future__ import annotations

from token_broker.errors import TokenBrokerError

DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})


def refused() -> tuple[type[Exception], ...]:
    """What calls of a client raise."""
    from botocore.exceptions import BotoCoreError, ClientError

    return BotoCoreError, ClientError


def told_or_refused() -> tuple[type[Exception], ...]:
    """The same, or what has been made of it."""
    return *refused(), TokenBrokerError


def told(error: Exception, needed: str) -> TokenBrokerError:
    """The error for people. `needed`: the rights the call takes. AWS's message stays out of it."""
    answer = getattr(error, "response", None)
    if answer is None:
        name = type(error).__name__
        if "Credential" in name or "SSO" in name or "Token" in name:
            return TokenBrokerError("no_credentials", f"botocore raised {name}.")
        return TokenBrokerError("unreachable", f"AWS: botocore raised {name}.")
    code = answer.get("Error", {}).get("Code", "")
    if code in DENIED:
        return TokenBrokerError(
            "not_authorized", f"AWS: {code}.", remedy=f"Run as a role that may {needed}."
        )
    return TokenBrokerError(
        "aws_refused",
        f"AWS: {code}.",
        actor="caller",
        title="AWS refused",
        remedy="Check the names, the region (--region) and the account of the credentials.",
    )
