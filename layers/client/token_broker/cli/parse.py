"""Words of the command line and of files as the broker wants them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click

from token_broker.shapes import Grant

PARAMETERS = ("developer_token", "customer_id", "account_id")
"""What is handed out beside a token."""

F = TypeVar("F", bound=Callable[..., Any])


def grant(text: str) -> Grant:
    """`PRINCIPAL` or `PRINCIPAL=SCOPE,SCOPE`."""
    # A role's ARN may hold "=", a scope's URL never does in its first word: split at "=http".
    principal, mark, limit = text.partition("=http")
    if not mark:
        return {"principal": text}
    return {"principal": principal, "scopes": ("http" + limit).split(",")}


def pairs(texts: Iterable[str]) -> dict[str, str]:
    """`NAME=TEXT`, several times. ValueError for one without `=`."""
    found = {}
    for text in texts:
        name, mark, value = text.partition("=")
        if not mark:
            raise ValueError(f"{text}: give NAME=TEXT.")
        found[name] = value
    return found


def parametric(command: F) -> F:
    """The options of commands that take parameters."""
    told = "Of Microsoft Advertising; - asks for it (env TOKEN_BROKER_DEVELOPER_TOKEN)."
    command = click.option("--account-id", metavar="NUMBER")(command)
    command = click.option("--customer-id", metavar="NUMBER")(command)
    return click.option(
        "--developer-token", metavar="TOKEN", envvar="TOKEN_BROKER_DEVELOPER_TOKEN", help=told
    )(command)


def parameters(developer_token: str | None, **numbers: str | None) -> dict[str, str]:
    """The parameters that are given. A developer token of `-` is asked for, or read from a pipe."""
    if developer_token == "-":  # noqa: S105 (means: ask)
        if sys.stdin.isatty():
            developer_token = click.prompt("Developer token", hide_input=True, err=True)
        else:
            developer_token = sys.stdin.readline().strip()
    given = {"developer_token": developer_token, **numbers}
    return {name: text for name, text in given.items() if text}
