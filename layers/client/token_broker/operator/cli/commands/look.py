"""list, board, show, verify, export."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from time import sleep
from typing import Any, TypeVar, get_args

import click
from rich.console import RenderableType
from rich.live import Live

from token_broker.operator.attention import ACTORS, due, need, needs
from token_broker.operator.cli import exits, screen, tables
from token_broker.operator.cli.completion import NAME
from token_broker.operator.cli.group import command
from token_broker.operator.cli.session import current, shared
from token_broker.operator.shapes import Connection, IdentityProvider, Status

F = TypeVar("F", bound=Callable[..., Any])
WATCH_SECONDS = 5.0
"""Between two looks; each page of a list is one request."""

STATUS = click.option("--status", type=click.Choice(get_args(Status)), help="Only such ones.")
WATCH = click.option("--watch", is_flag=True, help="Look again every 5 s, until Ctrl-C.")


def _filters(function: F) -> F:
    """The options that choose among connections."""
    options = (
        STATUS,
        click.option("--service", metavar="NAME", help="Only of this service."),
        click.option(
            "--provider",
            type=click.Choice(get_args(IdentityProvider)),
            help="Only of this identity provider.",
        ),
        click.option("--label", metavar="NAME[=TEXT]", help="Only with this label."),
        click.option("--actor", type=click.Choice(ACTORS), help="Only where this person must act."),
        click.option(
            "--due", type=float, metavar="HOURS", help="Only with a refresh due in so many hours."
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


@command("list", examples=("list --status active --label team=reports", "list --due 0 --watch"))
@_filters
@WATCH
@shared
def listing(watch: bool, **given: Any) -> None:
    """List the connections."""
    session = current()
    if watch:
        _watch(lambda: tables.connections(_chosen(given)))
    found = [*_chosen(given)]
    if session.as_json:
        screen.data(found)
    elif found:
        screen.out().print(tables.connections(found))
    else:
        screen.note("There is none.")


@command(examples=("board", "board --actor owner --watch"))
@_filters
@WATCH
@shared
def board(watch: bool, **given: Any) -> None:
    """Show who must act now, and what to run for it."""
    session, now = current(), datetime.now(UTC)
    if watch:
        _watch(lambda: tables.board(needs(_chosen(given), datetime.now(UTC))))
    wanted = needs(_chosen(given), now)
    if session.as_json:
        screen.data([{"connection": name, **one._asdict()} for name, one in wanted])
    elif wanted:
        screen.out().print(tables.board(wanted))
    else:
        screen.note("Nobody has to act.")


def _chosen(given: dict[str, Any]) -> Iterator[Connection]:
    """The connections that every filter lets through."""
    now, (label, mark, text) = datetime.now(UTC), (given["label"] or "").partition("=")
    for one in current().operator().list(given["status"]):
        wanted = need(one, now) if given["actor"] else None
        if (
            given["service"] in (None, one["service"])
            and given["provider"] in (None, one["identity_provider"] or "microsoft")
            and (not label or label in one["labels"])
            and (not mark or one["labels"].get(label) == text)
            and (given["due"] is None or due(one, now, given["due"] * 3600))
            and (given["actor"] is None or (wanted and wanted.actor == given["actor"]))
        ):
            yield one


@command(examples=("show marketing-jp", "show marketing-jp --watch"))
@click.argument("connection", type=NAME)
@WATCH
@shared
def show(connection: str, watch: bool) -> None:
    """Show all about CONNECTION but its secrets."""
    session = current()
    if watch:
        operator = session.operator()
        _watch(lambda: tables.connection(operator.show(connection)))
    found = session.operator().show(connection)
    if session.as_json:
        screen.data(found)
    else:
        screen.out().print(tables.connection(found))


def _watch(look: Callable[[], RenderableType]) -> None:
    """Show again and again what `look` makes, until Ctrl-C; then the command is done."""
    if current().as_json:
        raise click.UsageError("Choose one of --json and --watch.")
    try:
        with Live(look(), console=screen.out(), auto_refresh=False) as live:
            while True:
                sleep(WATCH_SECONDS)
                live.update(look(), refresh=True)
    except KeyboardInterrupt:
        click.get_current_context().exit(exits.OK)


@command(examples=("verify marketing-jp",))
@click.argument("connection", type=NAME)
@shared
def verify(connection: str) -> None:
    """Tell whether CONNECTION really reaches its service."""
    session = current()
    found = session.operator().verify(connection)
    if session.as_json:
        screen.data(found)
    else:
        screen.verification(found, connection)
    for check in found["checks"]:
        if not check["ok"]:
            click.get_current_context().exit(exits.status(check["code"] or "", check["actor"]))


@command(examples=("export --status active > connections.jsonl",))
@STATUS
@click.option("--output", type=click.File("w", "utf-8", lazy=False), default="-", metavar="FILE")
@shared
def export(status: Status | None, output: Any) -> None:
    """Write all connections, without secrets, as JSON lines."""
    for one in current().operator().list(status):
        output.write(screen.lines([one]))


COMMANDS = (listing, show, board, verify, export)
