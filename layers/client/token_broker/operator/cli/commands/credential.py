"""credential show, certificate, federated, try: what the broker proves itself with to Microsoft."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click
from rich.markup import escape
from rich.text import Text

from token_broker.errors import TokenBrokerError
from token_broker.operator.awserrors import refused, told
from token_broker.operator.cli import exits, screen
from token_broker.operator.cli.aws import client, outputs
from token_broker.operator.cli.completion import NAME
from token_broker.operator.cli.group import Command
from token_broker.operator.cli.health.credentials import AUDIENCE, Known, examine, outbound
from token_broker.operator.cli.health.history import DAYS
from token_broker.operator.cli.session import Session, current, shared

SIGNS: dict[bool | None, Text] = {None: screen.NOTICE}
SIGNS.update(screen.SIGNS.items())
UPLOAD = "App registrations > the application > Certificates & secrets"

of_stack = click.option(
    "--stack", default="token-broker", show_default=True, help="Of CloudFormation."
)


@click.group()
def credential() -> None:
    """Client secret, certificate, or AWS's token for Microsoft."""


@credential.command(cls=Command, examples=("credential show",))
@of_stack
@shared
def show(stack: str) -> None:
    """Show each kind: is it configured, when does it end, when did it last work, and why not."""
    session = current()
    found = [*examine(session, stack, outputs(session, stack))]
    if session.as_json:
        screen.data({"client_authentication": [asdict(known) for known in found]})
    else:
        for place, known in enumerate(found):
            _show(place + 1, known)
    for known in found:
        if known.finding.ok is False:
            code, actor = known.finding.code, known.finding.actor
            click.get_current_context().exit(exits.status(code, actor))


def _show(place: int, known: Known) -> None:
    console, finding = screen.out(), known.finding
    console.print(SIGNS[finding.ok], f"[bold]{place}. {known.kind}[/] {escape(finding.detail)}")
    for word, moment in (("worked", known.last_worked), ("refused", known.last_refused)):
        console.print(f"  last {word}: {moment or f'not counted within {DAYS} days'}")
    if finding.ok is not True and finding.remedy:
        console.print(f"  {escape(finding.remedy)}")
    if finding.ok is not True and finding.command:
        console.print(f"  $ {escape(finding.command)}")


@credential.command(
    cls=Command,
    examples=("credential certificate", "credential certificate --use new.pem"),
)
@of_stack
@click.option("--days", type=click.IntRange(1, 1095), default=365, show_default=True)
@click.option("--out", "path", metavar="FILE", help="Default: <stack>-client-certificate.pem.")
@click.option("--use", "in_use", metavar="FILE", help="Put this certificate into use.")
@shared
def certificate(stack: str, days: int, path: str | None, in_use: str | None) -> None:
    """Make or renew the certificate by the key in KMS; once Entra has it, put it into use.

    Making one changes nothing: it is written to a file for Entra. With --use it replaces the one
    before, which serves on as long as Microsoft does not know the new one.
    """
    session = current()
    found = outputs(session, stack)
    if "ClientKeyArn" not in found:
        raise _not_listed("certificate")
    if in_use:
        _use(session, found, Path(in_use))
    else:
        _make(session, found, stack, days, Path(path or f"{stack}-client-certificate.pem"))


def _make(session: Session, found: dict[str, str], stack: str, days: int, path: Path) -> None:
    from token_broker.operator import certificates

    key = certificates.private_key(client(session, "kms"), found["ClientKeyArn"])
    made = certificates.make(key, stack, days)
    try:
        with path.open("x", encoding="ascii") as file:
            file.write(certificates.pem(made))
    except OSError as error:
        raise click.UsageError(f"{path}: cannot be written ({type(error).__name__}).") from None
    described = certificates.describe(made)
    if session.as_json:
        screen.data({"file": str(path), **asdict(described)})
        return
    screen.out().print(f"[green]✓[/] {escape(str(path))}, valid until {described.ends_at}")
    screen.note(f"SHA-1 thumbprint, as Entra shows it: {described.thumbprint}")
    screen.note(f"1. Upload it in Entra: {UPLOAD} > Certificates. Leave the one before there.")
    screen.note(f"2. token-broker credential certificate --stack {stack} --use {path}")
    screen.note("3. token-broker credential try certificate CONNECTION")


def _use(session: Session, found: dict[str, str], path: Path) -> None:
    from token_broker.operator import certificates

    try:
        text = path.read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        raise click.UsageError(f"{path}: cannot be read ({type(error).__name__}).") from None
    chosen = certificates.read(text)
    certificates.check(
        chosen, certificates.public_key(client(session, "kms"), found["ClientKeyArn"])
    )
    name = found["ClientCertificateParameterName"]
    try:
        client(session, "ssm").put_parameter(
            Name=name, Value=certificates.pem(chosen), Type="String", Overwrite=True
        )
    except refused() as error:
        raise told(error, f"ssm:PutParameter on {name}") from None
    described = certificates.describe(chosen)
    if session.as_json:
        screen.data({"parameter": name, **asdict(described)})
        return
    screen.out().print(f"[green]✓[/] in use: {described.thumbprint}, until {described.ends_at}")
    screen.note("Every environment takes it up within 5 minutes; until then the one before serves.")
    screen.note("Remove the one before from Entra after 10 minutes, if nothing is refused.")


@credential.command(cls=Command, examples=("credential federated",))
@of_stack
@shared
def federated(stack: str) -> None:
    """Say what to enter in Entra, and whether AWS issues tokens for this account."""
    session = current()
    found = outputs(session, stack)
    if "ClientSubjects" not in found:
        raise _not_listed("federated")
    issuer, subjects = outbound(session), found["ClientSubjects"].split(",")
    if session.as_json:
        screen.data(
            {"enabled": issuer is not None, "issuer": issuer, "subjects": subjects}
            | {"audience": AUDIENCE}
        )
    if issuer is None:
        raise TokenBrokerError(
            "client_misconfigured",
            "Outbound identity federation is switched off in this AWS account.",
            actor="operator",
            title="AWS issues no token",
            remedy="aws iam enable-outbound-web-identity-federation, once for the account.",
        )
    if not session.as_json:
        _tell(issuer, subjects)


def _tell(issuer: str, subjects: list[str]) -> None:
    console = screen.out()
    console.print(f"[green]✓[/] AWS issues tokens for this account as {escape(issuer)}")
    screen.note(f"In Entra: {UPLOAD} > Federated credentials > Add > Other issuer, one for each")
    screen.note("subject. Letter case counts.")
    for subject in subjects:
        console.print(f"  issuer    {escape(issuer)}")
        console.print(f"  subject   {escape(subject)}")
        console.print(f"  audience  {AUDIENCE}")


@credential.command("try", cls=Command, examples=("credential try certificate marketing-jp",))
@click.argument("kind", type=click.Choice(["secret", "certificate", "federated"]))
@click.argument("connection", type=NAME)
@shared
def attempt(kind: str, connection: str) -> None:
    """Redeem CONNECTION's refresh token with KIND alone. A failure changes nothing."""
    session = current()
    found = session.operator().refresh(connection, kind)
    if session.as_json:
        screen.data(found)
    else:
        screen.out().print(f"[green]✓[/] {found['connection']}: Microsoft takes the {kind}")


def _not_listed(kind: str) -> TokenBrokerError:
    return TokenBrokerError(
        "invalid_request",
        f"The stack's parameter ClientAuthentication does not list {kind}.",
        actor="operator",
        title="The stack has no such kind",
        remedy=f"Deploy it with {kind} in the list, behind the kind in use for now.",
    )


COMMANDS = (credential,)
