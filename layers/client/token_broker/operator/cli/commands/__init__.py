"""All commands, in the order of a connection's life."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

import click

from token_broker.operator.cli.commands import (
    agent,
    change,
    connect,
    credential,
    doctor,
    imports,
    look,
    replay,
    token,
)
from token_broker.operator.cli.group import Group
from token_broker.operator.cli.session import shared

SECTIONS = {
    "Connect an account": ("connect", "reauthorize", "wait"),
    "Look": ("list", "show", "board", "verify", "export"),
    "Use it": ("token", "run", "agent"),
    "Change": (
        "grant",
        "revoke-grant",
        "parameters",
        "describe",
        "suspend",
        "resume",
        "refresh",
        "delete",
    ),
    "Move in": ("import",),
    "Run the broker": ("doctor", "replay", "credential"),
}
"""Commands by what one wants to do; a command of none of them comes last."""


def _version() -> str:
    try:
        return version("token-broker-client")
    except PackageNotFoundError:
        return "not installed"


@click.group(cls=Group, sections=SECTIONS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(_version(), message="%(prog)s %(version)s")
@shared
def cli() -> None:
    """Consented Microsoft accounts and their access tokens.

    Signs with your AWS credentials. Options may stand before or after the command. Exit codes:
    0 done; 1 failed; 2 wrong usage; 3 not allowed; 4 the account's owner or the tenant's
    administrator must act; 5 the operator must act; 6 try again later; 130 interrupted.
    """


for module in (connect, look, token, agent, change, imports, replay, credential, doctor):
    for command in module.COMMANDS:
        cli.add_command(command)
