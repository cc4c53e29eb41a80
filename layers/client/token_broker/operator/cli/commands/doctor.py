"""doctor: is the deployment sound?"""

from __future__ import annotations

from dataclasses import asdict

import click
from rich.markup import escape

from token_broker.operator.cli import exits, screen
from token_broker.operator.cli.examine import Finding, examine
from token_broker.operator.cli.session import current, shared

SIGNS = {True: "[green]✓[/]", False: "[red]✗[/]", None: "[yellow]·[/]"}


@click.command()
@click.option("--stack", metavar="NAME", help="Of CloudFormation: look at what it deployed, too.")
@shared
def doctor(stack: str | None) -> None:
    """Look whether the broker is sound, and say what to do where it is not. Changes nothing."""
    session = current()
    found = []
    for finding in examine(session, stack):
        found.append(finding)
        if not session.as_json:
            _show(finding)
    if session.as_json:
        ok = all(one.ok is not False for one in found)
        screen.data({"ok": ok, "findings": [asdict(one) for one in found]})
    for one in found:
        if one.ok is False:
            click.get_current_context().exit(exits.status(one.code, one.actor))


def _show(one: Finding) -> None:
    console = screen.out()
    console.print(f"{SIGNS[one.ok]} [bold]{one.name}[/] {escape(one.detail)}")
    if one.remedy and (one.ok is not True or one.name == "redirect URI"):
        console.print(f"  {escape(one.remedy)}")


COMMANDS = (doctor,)
