"""Words of the command line and of files as the broker wants them. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from token_broker.errors import TokenBrokerError
from token_broker.operator.shapes import Grant

PARAMETERS = ("developer_token", "customer_id", "account_id")
"""What an operator stores to be handed out beside a token."""
HANDED_OUT = (*PARAMETERS, "identity_provider")
"""What comes beside a token. The last is the broker's own word: whose sign-in it was."""


def grant(text: str) -> Grant:
    """`PRINCIPAL` or `PRINCIPAL=SCOPE,SCOPE`."""
    # A role's ARN may hold "=", a scope's URL never does in its first word: split at "=http".
    principal, mark, limit = text.partition("=http")
    if not mark:
        return {"principal": text}
    return {"principal": principal, "scopes": ("http" + limit).split(",")}


def pairs(texts: Iterable[str]) -> dict[str, str]:
    """`NAME=TEXT`, several times. InvalidArgument for one without `=`."""
    found = {}
    for text in texts:
        name, mark, value = text.partition("=")
        if not mark:
            raise TokenBrokerError("invalid_request", "A label is NAME=TEXT.")
        found[name] = value
    return found
