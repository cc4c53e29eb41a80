"""list, show, verify, export."""

from __future__ import annotations

from typing import Any, get_args

import click

from token_broker.operator.cli import exits, screen
from token_broker.operator.cli.session import current, shared
from token_broker.operator.shapes import Status

STATUS = click.option("--status", type=click.Choice(get_args(Status)), help="Only such ones.")


@click.command("list")
@STATUS
@shared
def listing(status: Status | None) -> None:
    """List the connections."""
    session = current()
    found = [*session.operator().list(status)]
    if session.as_json:
        screen.data(found)
    elif found:
        screen.connections(found)
    else:
        screen.note("There is none.")


@click.command()
@click.argument("connection")
@shared
def show(connection: str) -> None:
    """Show all about CONNECTION but its secrets."""
    session = current()
    found = session.operator().show(connection)
    if session.as_json:
        screen.data(found)
    else:
        screen.connection(found)


@click.command()
@click.argument("connection")
@shared
def verify(connection: str) -> None:
    """Tell whether CONNECTION really reaches its service, and if not, who must do what."""
    session = current()
    found = session.operator().verify(connection)
    if session.as_json:
        screen.data(found)
    else:
        screen.verification(found)
    for check in found["checks"]:
        if not check["ok"]:
            click.get_current_context().exit(exits.status(check["code"] or "", check["actor"]))


@click.command()
@STATUS
@click.option("--output", type=click.File("w", "utf-8", lazy=False), default="-", metavar="FILE")
@shared
def export(status: Status | None, output: Any) -> None:
    """Write all but secrets of all connections as JSON lines."""
    for one in current().operator().list(status):
        output.write(screen.lines([one]))


COMMANDS = (listing, show, verify, export)
