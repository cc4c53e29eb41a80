"""Options that several commands share."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar, cast

import click

from token_broker.operator.shapes import Contacts

LANGUAGES = ("en", "ja")

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


def people(function: F) -> F:
    """The options that say who is asked, by what name, and what for."""
    language = click.Choice(LANGUAGES)
    options = (
        click.option("--display-name", metavar="TEXT", help="On the owner's page, for the name."),
        click.option("--purpose", metavar="TEXT", help="On the owner's page: what it is for."),
        click.option("--owner-mail", metavar="MAIL", help="Who is told when the owner must act."),
        click.option("--owner-language", type=language, help="Of those mails."),
        click.option("--admin-mail", metavar="MAIL", help="Likewise, the tenant's administrator."),
        click.option("--admin-language", type=language, help="Of those mails."),
    )
    for option in reversed(options):
        function = option(function)
    return function


def contacts(given: dict[str, Any]) -> Contacts:
    """The people whose addresses are given."""
    found: dict[str, Any] = {}
    for person, word in (("owner", "owner"), ("tenant_admin", "admin")):
        mail, language = given[f"{word}_mail"], given[f"{word}_language"]
        if mail:
            found[person] = {"email": mail, **({"language": language} if language else {})}
        elif language:
            raise click.UsageError(f"--{word}-language needs --{word}-mail.")
    return cast(Contacts, found)
