"""grant, revoke-grant, parameters, suspend, resume, refresh, delete."""

from __future__ import annotations

from collections.abc import Callable

import click

from token_broker.errors import TokenBrokerError
from token_broker.operator.cli import parse, screen
from token_broker.operator.cli.parse import parametric
from token_broker.operator.cli.session import current, shared
from token_broker.operator.client import Operator
from token_broker.operator.shapes import Change, Connection, Grant

TRIES = 3
"""Times a change is made anew when somebody else was quicker."""


@click.command()
@click.argument("connection")
@click.argument("principal")
@click.option("--scope", "scopes", multiple=True, help="Only tokens of these. Repeatable.")
@shared
def grant(connection: str, principal: str, scopes: tuple[str, ...]) -> None:
    """Let PRINCIPAL (account id or role ARN) fetch tokens of CONNECTION."""
    new: Grant = (
        {"principal": principal, "scopes": [*scopes]} if scopes else {"principal": principal}
    )

    def added(before: list[Grant]) -> list[Grant]:
        return [*(one for one in before if one["principal"] != principal), new]

    _tell(_regrant(current().operator(), connection, added), f"{principal} may fetch its tokens")


@click.command("revoke-grant")
@click.argument("connection")
@click.argument("principal")
@shared
def revoke_grant(connection: str, principal: str) -> None:
    """Take PRINCIPAL's grant of CONNECTION away. Tokens it has fetched live on, up to an hour."""

    def removed(before: list[Grant]) -> list[Grant]:
        left = [one for one in before if one["principal"] != principal]
        if len(left) == len(before):
            raise TokenBrokerError(
                "not_found",
                connection=connection,
                actor="caller",
                title="It has no such grant",
                remedy="Name the principal as token-broker show does.",
            )
        return left

    _tell(_regrant(current().operator(), connection, removed), f"{principal} has no grant any more")


@click.command()
@click.argument("connection")
@parametric
@shared
def parameters(connection: str, **given: str | None) -> None:
    """Store what is handed out beside CONNECTION's tokens."""
    wanted = parse.parameters(**given)
    if not wanted:
        raise click.UsageError("Name at least one parameter to store.")
    change: Change = {"parameters": {**wanted}}
    _tell(current().operator().change(connection, change), "stored")


@click.command()
@click.argument("connection")
@shared
def suspend(connection: str) -> None:
    """Hand out no tokens of CONNECTION until it is resumed."""
    _tell(current().operator().change(connection, {"suspended": True}), "suspended")


@click.command()
@click.argument("connection")
@shared
def resume(connection: str) -> None:
    """Hand out tokens of CONNECTION again."""
    _tell(current().operator().change(connection, {"suspended": False}), "resumed")


@click.command()
@click.argument("connection")
@shared
def refresh(connection: str) -> None:
    """Redeem CONNECTION's refresh token now."""
    found = current().operator().refresh(connection)
    _tell(found, f"refreshed; next {screen.ago(found['next_refresh_at'])}")


@click.command()
@click.argument("connection")
@click.option("--yes", is_flag=True, help="Do not ask.")
@shared
def delete(connection: str, yes: bool) -> None:
    """Delete CONNECTION and its tokens."""
    session = current()
    if not yes:
        click.confirm(f"Delete {connection} and its tokens?", abort=True, err=True)
    session.operator().delete(connection)
    if session.as_json:
        screen.data({"connection": connection, "deleted": True})
        return
    screen.out().print(f"[green]✓[/] {connection}: deleted")
    screen.note(
        "Microsoft cannot be told. The owner withdraws the consent at https://myapps.microsoft.com"
        " (work or school) or https://account.live.com/consent/Manage (personal)."
    )


def _regrant(
    operator: Operator, name: str, change: Callable[[list[Grant]], list[Grant]]
) -> Connection:
    """Change the grants as they are now: the version keeps two operators apart."""
    for left in reversed(range(TRIES)):
        before = operator.show(name)
        wish: Change = {"grants": change(before["grants"]), "version": before["version"]}
        try:
            return operator.change(name, wish)
        except TokenBrokerError as error:
            if error.code != "conflict" or not left:
                raise
    raise AssertionError("unreachable")


def _tell(found: Connection, text: str) -> None:
    session = current()
    if session.as_json:
        screen.data(found)
    else:
        screen.out().print(f"[green]✓[/] {found['connection']}: {text}")


COMMANDS = (grant, revoke_grant, parameters, suspend, resume, refresh, delete)
