"""grant, revoke-grant, parameters, suspend, resume, refresh, delete."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from token_broker.errors import TokenBrokerError
from token_broker.operator import words
from token_broker.operator.cli import parse, screen, tables
from token_broker.operator.cli.completion import NAME
from token_broker.operator.cli.group import command
from token_broker.operator.cli.parse import parametric
from token_broker.operator.cli.session import current, shared
from token_broker.operator.client import Operator
from token_broker.operator.shapes import Change, Connection, Grant

TRIES = 3
"""Times a change is made anew when somebody else was quicker."""


@command(examples=("grant marketing-jp arn:aws:iam::111122223333:role/report-job",))
@click.argument("connection", type=NAME)
@click.argument("principal")
@click.option("--scope", "scopes", multiple=True, help="Only tokens of these. Repeatable.")
@shared
def grant(connection: str, principal: str, scopes: tuple[str, ...]) -> None:
    """Let PRINCIPAL fetch tokens of CONNECTION.

    PRINCIPAL is an account (12 digits) or the ARN of a role.
    """
    new: Grant = {"principal": words.principal(principal)}
    if scopes:
        new["scopes"] = [*scopes]

    def added(before: list[Grant]) -> list[Grant]:
        return [*(one for one in before if one["principal"] != principal), new]

    changed = _regrant(current().operator(), connection, added)
    for scope in words.foreign_scopes(new, changed["scopes"]):
        screen.note(
            f"Warning: {scope} is none of {connection}'s scopes: this grant opens nothing for it. "
            f"token-broker show {connection} lists them."
        )
    _tell(changed, f"{principal} may fetch its tokens")


@command("revoke-grant", examples=("revoke-grant marketing-jp 111122223333",))
@click.argument("connection", type=NAME)
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


@command(examples=("parameters marketing-jp --developer-token - --customer-id 123",))
@click.argument("connection", type=NAME)
@parametric
@shared
def parameters(connection: str, **given: str | None) -> None:
    """Store what is handed out beside CONNECTION's tokens."""
    wanted = parse.parameters(**given)
    if not wanted:
        raise click.UsageError("Name at least one parameter to store, as --customer-id.")
    change: Change = {"parameters": {**wanted}}
    _tell(current().operator().change(connection, change), "stored")


@command(examples=('describe marketing-jp --purpose "Daily reports" --owner-mail ads@example.jp',))
@click.argument("connection", type=NAME)
@parse.people
@shared
def describe(connection: str, **given: Any) -> None:
    """Say what CONNECTION is for, and who is told about it."""
    change: Change = {}
    if given["display_name"]:
        change["display_name"] = given["display_name"]
    if given["purpose"]:
        change["purpose"] = given["purpose"]
    if people := parse.contacts(given):
        change["contacts"] = people
    if not change:
        raise click.UsageError("Say something, as --purpose.")
    _tell(current().operator().change(connection, change), "described")


@command(examples=("suspend marketing-jp",))
@click.argument("connection", type=NAME)
@shared
def suspend(connection: str) -> None:
    """Hand out no tokens of CONNECTION until it is resumed."""
    _tell(current().operator().change(connection, {"suspended": True}), "suspended")


@command(examples=("resume marketing-jp",))
@click.argument("connection", type=NAME)
@shared
def resume(connection: str) -> None:
    """Hand out tokens of CONNECTION again."""
    _tell(current().operator().change(connection, {"suspended": False}), "resumed")


@command(examples=("refresh marketing-jp",))
@click.argument("connection", type=NAME)
@shared
def refresh(connection: str) -> None:
    """Redeem CONNECTION's refresh token now."""
    found = current().operator().refresh(connection)
    _tell(found, f"refreshed; next {tables.ago(found['next_refresh_at'])}")


@command(examples=("delete marketing-jp --yes",))
@click.argument("connection", type=NAME)
@click.option("--revoke", is_flag=True, help="Withdraw the consent as well (Google only).")
@click.option("--yes", is_flag=True, help="Do not ask.")
@shared
def delete(connection: str, revoke: bool, yes: bool) -> None:
    """Delete CONNECTION and its tokens."""
    session = current()
    if not yes:
        click.confirm(f"Delete {connection} and its tokens?", abort=True, err=True)
    session.operator().delete(connection, revoke)
    if session.as_json:
        screen.data({"connection": connection, "deleted": True})
        return
    screen.done(f"{connection}: deleted")
    if revoke:
        return
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
        screen.done(f"{found['connection']}: {text}")


COMMANDS = (grant, revoke_grant, parameters, describe, suspend, resume, refresh, delete)
