"""Words of the command line and of files as the broker wants them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from token_broker.errors import TokenBrokerError
from token_broker.operator.shapes import Grant

PARAMETERS = ("developer_token", "customer_id", "account_id")
"""What an operator stores to be handed out beside a token."""
HANDED_OUT = (*PARAMETERS, "identity_provider")
"""What comes beside a token. The last is the broker's own word: whose sign-in it was."""

_ROLE = r"arn:[\w-]+:iam::\d{12}:role/.+"
_SESSION = r"(arn:[\w-]+):sts::(\d{12}):assumed-role/([^/]+)/.*"
_OTHER = r"arn:[\w-]+:(?:iam|sts)::(\d{12}):(?:user/.*|federated-user/.*|root)"


def grant(text: str) -> Grant:
    """`PRINCIPAL` or `PRINCIPAL=SCOPE,SCOPE`."""
    # A role's ARN may hold "=", a scope's URL never does in its first word: split at "=http".
    named, mark, limit = text.partition("=http")
    if not mark:
        return {"principal": principal(text)}
    return {"principal": principal(named), "scopes": ("http" + limit).split(",")}


def principal(text: str) -> str:
    """An account's 12 digits or a role's ARN. InvalidArgument for what can never be granted, with
    what can."""
    if session := re.fullmatch(_SESSION, text):
        partition, account, role = session.groups()
        raise _not_granted(
            "That is a session of a role.",
            f"Grant the role: {partition}:iam::{account}:role/{role}",
        )
    if other := re.fullmatch(_OTHER, text):
        raise _not_granted(
            "Users, federated users and root have no grants of their own.",
            f"Grant their account, {other[1]}, or have them assume a role and grant that.",
        )
    if not re.fullmatch(rf"\d{{12}}|{_ROLE}", text):
        raise _not_granted(
            "That is neither an account nor a role.",
            "Give the 12 digits of an account, or arn:aws:iam::<account>:role/<name>.",
        )
    return text


def _not_granted(detail: str, remedy: str) -> TokenBrokerError:
    title = "Nobody can be granted this way"
    return TokenBrokerError("invalid_request", detail, title=title, remedy=remedy)


def foreign_scopes(one: Grant, scopes: Sequence[str]) -> list[str]:
    """The scopes of a grant that are none of the connection's: no token of it will ever hold them
    alone. Compared as the broker does, without case, and by the last word where one has no host."""
    held = {scope.casefold() for scope in scopes}
    held |= {scope.rpartition("/")[2] for scope in held}
    return [scope for scope in one.get("scopes") or () if not _held(scope.casefold(), held)]


def _held(scope: str, held: set[str]) -> bool:
    return scope in held if "//" in scope else scope.rpartition("/")[2] in held


def pairs(texts: Iterable[str]) -> dict[str, str]:
    """`NAME=TEXT`, several times. InvalidArgument for one without `=`."""
    found = {}
    for text in texts:
        name, mark, value = text.partition("=")
        if not mark:
            raise TokenBrokerError("invalid_request", "A label is NAME=TEXT.")
        found[name] = value
    return found
