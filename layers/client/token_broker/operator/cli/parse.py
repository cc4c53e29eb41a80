"""Options that several commands share."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


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
