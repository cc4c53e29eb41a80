"""doctor: is the deployment sound?"""

from __future__ import annotations

import shlex
import sys
from dataclasses import asdict
from typing import cast

import click
from rich.markup import escape
from rich.text import Text

from token_broker.operator.cli import exits, screen
from token_broker.operator.cli.examine import examine
from token_broker.operator.cli.group import command
from token_broker.operator.cli.health.finding import Finding
from token_broker.operator.cli.session import current, shared

SIGNS: dict[bool | None, Text] = {None: screen.NOTICE}
SIGNS.update(screen.SIGNS.items())
PROGRAM = "token-broker "
TOLD = ("redirect URI",)
"""Findings whose remedy is shown although all is well."""


@command(examples=("doctor", "doctor --stack token-broker", "doctor --fix"))
@click.option("--stack", metavar="NAME", help="Of CloudFormation: look at what it deployed, too.")
@click.option("--fix", is_flag=True, help="Offer to run the command for each finding.")
@shared
def doctor(stack: str | None, fix: bool) -> None:
    """Say whether the broker is sound, and what to do if not."""
    session = current()
    if fix and session.as_json:
        raise click.UsageError("Choose one of --json and --fix.")
    with screen.err().status("Looking"):
        found = examine(session, stack)
    if session.as_json:
        ok = all(one.ok is not False for one in found)
        screen.data({"ok": ok, "findings": [asdict(one) for one in found]})
    for one in () if session.as_json else found:
        _show(one)
        if fix:
            _offer(one)
    for one in found:
        if one.ok is False:
            click.get_current_context().exit(exits.status(one.code, one.actor))


def _show(one: Finding) -> None:
    console = screen.out()
    console.print(SIGNS[one.ok], f"[bold]{escape(one.name)}[/] {escape(one.detail)}")
    if one.remedy and (one.ok is not True or one.name in TOLD):
        console.print(f"  {escape(one.remedy)}")
    if one.command:
        console.print(f"  $ {escape(one.command)}")


def _offer(one: Finding) -> None:
    """Run a finding's command of ours, if the operator says so; others are shown alone."""
    if not one.command.startswith(PROGRAM) or not _interactive():
        return
    if not click.confirm("  Run it?", err=True):
        return
    name, *words = shlex.split(one.command.removeprefix(PROGRAM))
    group = click.get_current_context().find_root()
    commands = cast(click.Group, group.command).commands
    with commands[name].make_context(name, words, parent=group) as context:
        try:
            context.command.invoke(context)
        except click.exceptions.Exit as ended:
            if ended.exit_code:
                screen.note(f"It ended with status {ended.exit_code}.")


def _interactive() -> bool:
    return sys.stdin.isatty()


COMMANDS = (doctor,)
