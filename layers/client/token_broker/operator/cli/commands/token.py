"""token: the one command that prints a secret."""

from __future__ import annotations

import shlex

import click

from token_broker import _wire
from token_broker.operator.cli import screen
from token_broker.operator.cli.completion import NAME
from token_broker.operator.cli.group import command
from token_broker.operator.cli.session import current, shared
from token_broker.operator.words import HANDED_OUT
from token_broker.token import Token


@command(
    examples=(
        "token marketing-jp --header",
        "token marketing-jp --env",
    )
)
@click.argument("connection", type=NAME)
@click.option("--scope", help="Another resource of the same consent.")
@click.option("--min-ttl", type=click.IntRange(0, 2700), default=0, help="Seconds it must live.")
@click.option("--header", "form", flag_value="header", help="As an HTTP header.")
@click.option("--env", "form", flag_value="env", help="As lines for a shell's eval.")
@shared
def token(connection: str, scope: str | None, min_ttl: int, form: str | None) -> None:
    """Print an access token of CONNECTION. It is a secret."""
    session = current()
    if form and session.as_json:
        raise click.UsageError("Choose one of --json, --header and --env.")
    found = session.broker().token(connection, scope, min_ttl)
    if session.as_json:
        screen.data(_wire.fields(found))
    elif form == "header":
        screen.raw(f"Authorization: Bearer {found.access_token}")
    elif form == "env":
        screen.raw(_exports(found))
    else:
        screen.raw(found.access_token)


def _exports(found: Token) -> str:
    """ACCESS_TOKEN, ACCESS_TOKEN_EXPIRES_AT and the known parameters, in upper case. Names of
    others would be lines that a shell runs, whatever they hold."""
    values = {
        "ACCESS_TOKEN": found.access_token,
        "ACCESS_TOKEN_EXPIRES_AT": f"{found.expires_at:%Y-%m-%dT%H:%M:%SZ}",
        **{name.upper(): found.parameters[name] for name in HANDED_OUT if name in found.parameters},
    }
    return "\n".join(f"export {name}={shlex.quote(text)}" for name, text in values.items())


COMMANDS = (token,)
