"""connect, reauthorize: make the owner's link, and wait for the consent."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import click

from token_broker.errors import TokenBrokerError
from token_broker.operator.cli import screen
from token_broker.operator.cli.parse import parameters, parametric
from token_broker.operator.cli.session import current, shared
from token_broker.operator.client import Operator
from token_broker.operator.shapes import Connection, Links, Wish, username
from token_broker.operator.words import PARAMETERS, grant, pairs

POLL_SECONDS = 2.0


def _waits(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of commands that make a link."""
    options = (
        click.option("--open", "opens", is_flag=True, help="Open the owner's link in the browser."),
        click.option("--wait/--no-wait", default=True, help="Wait for the consent (default)."),
        click.option(
            "--timeout", type=click.FloatRange(1), default=900.0, help="Seconds.", show_default=True
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@click.argument("connection")
@click.option("--service", default="microsoft-advertising", show_default=True)
@click.option("--resource", metavar="URL", help="The customer's own host (SharePoint, Dynamics).")
@click.option("--tenant", metavar="ID", help="Tenant id or domain; default: the service's.")
@click.option("--scope", "scopes", multiple=True, help="Instead of the service's own. Repeatable.")
@click.option("--username", metavar="MAIL", help="Only this account may consent.")
@click.option("--object-id", metavar="GUID", help="Only this account may consent.")
@click.option("--tenant-id", metavar="GUID", help="Only accounts of this tenant may consent.")
@click.option(
    "--grant",
    "grants",
    multiple=True,
    metavar="PRINCIPAL[=SCOPE,...]",
    help="Account id or role ARN that may fetch tokens. Repeatable.",
)
@click.option("--label", "labels", multiple=True, metavar="NAME=TEXT", help="Repeatable.")
@parametric
@_waits
@shared
def connect(**given: Any) -> None:
    """Create CONNECTION, show the link for its owner, and wait until he has consented."""
    session = current()
    operator, wish = session.operator(), _wish(given)
    links = operator.create(wish)
    _follow(operator, wish["connection"], links, None, given)


@click.command()
@click.argument("connection")
@click.option("--scope", "scopes", multiple=True, help="Other scopes than before. Repeatable.")
@click.option("--allow-account-change", is_flag=True, help="Another account may consent.")
@_waits
@shared
def reauthorize(**given: Any) -> None:
    """Make new links for CONNECTION; earlier ones end."""
    operator, name = current().operator(), given["connection"]
    before = operator.show(name)
    links = operator.reauthorize(name, given["scopes"], given["allow_account_change"])
    _follow(operator, name, links, before["authorized_at"], given)


def _wish(given: dict[str, Any]) -> Wish:
    account = {name: given[name] for name in ("username", "object_id", "tenant_id")}
    fields: dict[str, Any] = {
        "connection": given["connection"],
        "service": given["service"],
        "resource": given["resource"],
        "tenant": given["tenant"],
        "scopes": [*given["scopes"]],
        "account": {name: text for name, text in account.items() if text},
        "grants": [grant(text) for text in given["grants"]],
        "labels": pairs(given["labels"]),
        "parameters": parameters(**{name: given[name] for name in PARAMETERS}),
    }
    found: Wish = {name: field for name, field in fields.items() if field}  # type: ignore[assignment]
    return found


def _follow(
    operator: Operator, name: str, links: Links, before: str | None, given: dict[str, Any]
) -> None:
    """Show the links; wait if wanted."""
    as_json = current().as_json
    if not as_json:
        screen.links(links)
    if given["opens"]:
        click.launch(links["authorize_url"])
    if not given["wait"]:
        if as_json:
            screen.data({"connection": name, **links})
        return
    if as_json:
        screen.note(links["authorize_url"])
    found = _await(operator, name, before, given["timeout"])
    if as_json:
        screen.data(found)
    else:
        screen.out().print(f"[green]✓[/] {name} is {found['status']}: {username(found)}")


def _await(operator: Operator, name: str, before: str | None, seconds: float) -> Connection:
    """The connection once somebody has consented. Raises TokenBrokerError when it failed."""
    deadline = time.monotonic() + seconds
    with screen.err().status("Waiting for the consent: nobody has opened the link") as live:
        while True:
            one = operator.show(name)
            if one["authorized_at"] and one["authorized_at"] != before:
                return one
            live.update(f"Waiting for the consent: {stage(one)}")
            link = one["authorization"]
            if link and link.get("returned_at"):
                raise _failed(one, link.get("started_at") or "")
            if time.monotonic() + POLL_SECONDS > deadline:
                raise TokenBrokerError(
                    "authorization_pending",
                    f"Not within {seconds:.0f} s; {stage(one)}.",
                    connection=name,
                    actor="owner",
                    title="Nobody has consented yet",
                    remedy="The owner opens the link and consents; then: token-broker show",
                )
            time.sleep(POLL_SECONDS)


def stage(one: Connection) -> str:
    """How far the owner has come."""
    link = one["authorization"]
    if link is None:
        return "there is no open link"
    if link.get("started_at"):
        return "the owner is at Microsoft's sign-in"
    return (
        "the owner has opened the link" if link.get("opened_at") else "nobody has opened the link"
    )


def _failed(one: Connection, started: str) -> TokenBrokerError:
    """The owner came back without a consent. What the page said is in the last error, if it is of
    this attempt."""
    last = one["last_error"]
    if last and last["at"] >= started:
        return TokenBrokerError(
            last["code"],
            last["detail"],
            connection=one["connection"],
            actor=last["actor"],
            title="The consent failed",
            remedy=last["remedy"],
        )
    return TokenBrokerError(
        "authorization_pending",
        "The owner came back from Microsoft, and there is no consent.",
        connection=one["connection"],
        actor="owner",
        title="The consent failed",
        remedy="The page in the owner's browser says why. The link can be opened again.",
    )


COMMANDS = (connect, reauthorize)
