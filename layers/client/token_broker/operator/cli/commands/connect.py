"""connect, reauthorize, wait: make the owner's link, and wait for the consent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import click

from token_broker.errors import TokenBrokerError
from token_broker.operator.cli import consent, screen
from token_broker.operator.cli.completion import NAME
from token_broker.operator.cli.group import command
from token_broker.operator.cli.parse import contacts, parameters, parametric, people
from token_broker.operator.cli.session import current, shared
from token_broker.operator.client import Operator
from token_broker.operator.shapes import IdentityProvider, Links, Wish, username
from token_broker.operator.words import PARAMETERS, foreign_scopes, grant, pairs

PROVIDER = click.option(
    "--identity-provider",
    type=click.Choice(get_args(IdentityProvider)),
    help="Default: the owner chooses, where both are possible.",
)
SEND_LINK = click.option("--send-link", is_flag=True, help="Have the broker mail the owner's link.")
TIMEOUT = click.option(
    "--timeout", type=click.FloatRange(1), default=900.0, help="Seconds.", show_default=True
)


def _waits(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of commands that make a link."""
    options = (
        PROVIDER,
        SEND_LINK,
        click.option("--open", "opens", is_flag=True, help="Open the owner's link in the browser."),
        click.option("--wait/--no-wait", default=True, help="Wait for the consent (default)."),
        TIMEOUT,
    )
    for option in reversed(options):
        function = option(function)
    return function


@command(
    examples=(
        "connect marketing-jp --grant arn:aws:iam::111122223333:role/report-job",
        "connect graph-jp --service microsoft-graph --scope User.Read --no-wait",
    )
)
@click.argument("connection")
@click.option("--service", default="microsoft-advertising", show_default=True)
@click.option("--resource", metavar="URL", help="The customer's own host (SharePoint, Dynamics).")
@click.option("--tenant", metavar="ID", help="Tenant id or domain; default: the service's.")
@click.option("--scope", "scopes", multiple=True, help="Instead of the service's own. Repeatable.")
@click.option("--username", metavar="MAIL", help="Only this account may consent.")
@click.option("--object-id", metavar="GUID", help="Only this account may consent.")
@click.option("--tenant-id", metavar="GUID", help="Only accounts of this tenant may consent.")
@click.option("--subject", metavar="ID", help="Only this account of Google may consent.")
@click.option(
    "--grant",
    "grants",
    multiple=True,
    metavar="PRINCIPAL[=SCOPE,...]",
    help="Account id or role ARN that may fetch tokens. Repeatable.",
)
@click.option("--label", "labels", multiple=True, metavar="NAME=TEXT", help="Repeatable.")
@parametric
@people
@_waits
@shared
def connect(**given: Any) -> None:
    """Create CONNECTION, show the owner's link, and wait."""
    operator, wish = current().operator(), _wish(given)
    links = operator.create(wish)
    _warn(wish)
    _follow(operator, wish["connection"], links, None, given)


@command(examples=("reauthorize marketing-jp", "reauthorize marketing-jp --send-link --no-wait"))
@click.argument("connection", type=NAME)
@click.option("--scope", "scopes", multiple=True, help="Other scopes than before. Repeatable.")
@click.option("--allow-account-change", is_flag=True, help="Another account may consent.")
@_waits
@shared
def reauthorize(**given: Any) -> None:
    """Make new links for CONNECTION; earlier ones end."""
    operator, name = current().operator(), given["connection"]
    before = operator.show(name)
    links = operator.reauthorize(
        name,
        given["scopes"],
        given["allow_account_change"],
        identity_provider=given["identity_provider"],
        send_link=given["send_link"],
    )
    _follow(operator, name, links, before["authorized_at"], given)


@command(examples=("wait marketing-jp",))
@click.argument("connection", type=NAME)
@TIMEOUT
@shared
def wait(connection: str, timeout: float) -> None:
    """Wait until CONNECTION's owner has consented."""
    operator = current().operator()
    before = operator.show(connection)
    if before["authorization"] is None and before["status"] != "active":
        raise TokenBrokerError(
            "authorization_pending",
            "It has no open link.",
            connection=connection,
            actor="operator",
            title="There is nothing to wait for",
            remedy=f"Make a link: token-broker reauthorize {connection}",
        )
    ended = before["authorization"] is None
    _await(operator, connection, None if ended else before["authorized_at"], timeout)


def _wish(given: dict[str, Any]) -> Wish:
    account = {name: given[name] for name in ("username", "object_id", "tenant_id", "subject")}
    as_given = ("connection", "service", "resource", "identity_provider", "tenant")
    fields: dict[str, Any] = {
        **{name: given[name] for name in (*as_given, "display_name", "purpose", "send_link")},
        "scopes": [*given["scopes"]],
        "account": {name: text for name, text in account.items() if text},
        "grants": [grant(text) for text in given["grants"]],
        "labels": pairs(given["labels"]),
        "parameters": parameters(**{name: given[name] for name in PARAMETERS}),
        "contacts": contacts(given),
    }
    wish: Wish = {name: field for name, field in fields.items() if field}  # type: ignore[assignment]
    return wish


def _warn(wish: Wish) -> None:
    """Of grants that will never be met."""
    for one in wish.get("grants", []) if wish.get("scopes") else []:
        for scope in foreign_scopes(one, wish["scopes"]):
            screen.note(f"Warning: {wish['connection']} does not ask for {scope}.")


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
    _await(operator, name, before, given["timeout"])


def _await(operator: Operator, name: str, before: str | None, seconds: float) -> None:
    """Wait, and show what came of it. Ctrl-C ends the waiting, not the link."""
    try:
        found = consent.awaited(operator, name, before, seconds)
    except KeyboardInterrupt:
        screen.note(f"The link stays good. To go on waiting: token-broker wait {name}")
        raise
    if current().as_json:
        screen.data(found)
    else:
        screen.done(f"{name} is {found['status']}: {username(found)}")


COMMANDS = (connect, reauthorize, wait)
