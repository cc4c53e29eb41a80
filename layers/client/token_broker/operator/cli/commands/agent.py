"""run, agent: tokens for programs that know nothing of the broker."""

from __future__ import annotations

import http.client
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from token_broker.operator.cli import exits, group, screen
from token_broker.operator.cli.session import current, shared

if TYPE_CHECKING:
    from token_broker.agent.tokens import HostBroker

PORT = 8173
"""Of the service, unless told otherwise."""
NEEDS = "It needs the extra agent: in a checkout, pip install './layers/client[agent]'"

connections = click.option(
    "--connection",
    "names",
    multiple=True,
    metavar="CONNECTION",
    help="A connection to serve, and no others; alone it is the one that is meant. Repeatable.",
)
maps = click.option(
    "--map",
    "mapped",
    multiple=True,
    metavar="RESOURCE=CONNECTION",
    help="Whose tokens a resource's are, as https://graph.microsoft.com=graph-jp. Repeatable.",
)


@group.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    examples=("run --connection graph-jp -- node report.js",),
)
@connections
@maps
@click.option(
    "--env",
    "variables",
    multiple=True,
    metavar="NAME[=[CONNECTION:]WHAT]",
    help="Set NAME to the access token, or to WHAT: expires_at, scope, developer_token, "
    "customer_id, account_id, identity_provider. It is not renewed. Repeatable.",
)
@click.option("--kill-after", type=click.FloatRange(0), metavar="SECONDS", help="From a signal on.")
@click.option("--verbose", is_flag=True, help="What is asked and answered, without secrets.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@shared
def run(
    names: tuple[str, ...],
    mapped: tuple[str, ...],
    variables: tuple[str, ...],
    kill_after: float | None,
    verbose: bool,
    command: tuple[str, ...],
) -> None:
    """Run COMMAND with tokens for its Azure SDKs, any language.

    Put -- before it. Signals are passed on; the exit code is the command's: 126 or 127 if it
    cannot be started, 128 and the signal's number if a signal ended it.
    """
    if not hasattr(signal, "sigwaitinfo"):
        raise click.UsageError("It is for Linux. Elsewhere start `token-broker agent`.")
    broker = _broker()
    from token_broker.agent import secret, service, settings
    from token_broker.agent.child import CannotStartError
    from token_broker.agent.journal import Journal

    served = settings.choice(names, mapped)
    wanted = [settings.variable(text, served) for text in variables]
    more = settings.variables(wanted, broker.token)
    journal = Journal(sys.stderr if verbose else None, every=True, plainly=True)
    plan = service.Plan(secret.generate(), served)
    try:
        code = service.run(broker, plan, journal, command, more, kill_after)
    except CannotStartError as error:
        screen.note(str(error))
        code = error.code
    service.leave(code)


def _from_file(context: click.Context, _: click.Parameter, path: Path | None) -> None:
    """Settings of a file stand in for options that are not given."""
    if path is None:
        return
    _require()
    from token_broker.agent import settings

    known = {
        (option.name or ""): option
        for option in context.command.params
        if isinstance(option, click.Option) and option.name not in ("config", "check", "as_json")
    }
    long = {option.opts[0].lstrip("-").replace("-", "_"): name for name, option in known.items()}
    found = settings.file(path, {word: known[name].multiple for word, name in long.items()})
    context.default_map = {long[word]: value for word, value in found.items()}


@group.command(examples=("agent --map https://graph.microsoft.com=graph-jp",))
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    is_eager=True,
    expose_value=False,
    callback=_from_file,
    metavar="FILE",
    help="TOML: the options by their names (port = 8173), and a table [map].",
)
@connections
@maps
@click.option("--host", default="127.0.0.1", metavar="ADDRESS", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True)
@click.option("--allow-remote", is_flag=True, help="Listen beyond this host. Tokens go in clear.")
@click.option("--name", "hosts", multiple=True, help="Another value that Host may have.")
@click.option(
    "--secret-file",
    type=click.Path(path_type=Path),
    help="Holds the value of IDENTITY_HEADER; made with mode 0600 if it is not there. Without it: "
    "the variable TOKEN_BROKER_AGENT_SECRET.",
)
@click.option("--imds", is_flag=True, help="Also speak like the metadata service: without secret.")
@click.option("--max-connections", type=click.IntRange(1, 10_000), default=800, show_default=True)
@click.option("--wait", type=click.FloatRange(0.1, 60), default=10.0, show_default=True)
@click.option("--verbose", is_flag=True, help="Log answers that went well, too.")
@click.option("--check", is_flag=True, help="Only ask a running agent whether it is ready.")
@shared
def agent(check: bool, **given: Any) -> None:
    """Serve tokens to Azure SDKs on this host, in any language.

    Until a signal ends it.

    Programs need IDENTITY_ENDPOINT=http://127.0.0.1:8173/msi/token, IDENTITY_HEADER and
    AZURE_TOKEN_CREDENTIALS=ManagedIdentityCredential. Logs JSON lines to stderr.
    """
    if check:
        _check(given["host"], given["port"])
    else:
        _serve(_broker(), **given)


def _serve(
    broker: HostBroker,
    *,
    names: tuple[str, ...],
    mapped: tuple[str, ...],
    host: str,
    port: int,
    allow_remote: bool,
    hosts: tuple[str, ...],
    secret_file: Path | None,
    imds: bool,
    max_connections: int,
    wait: float,
    verbose: bool,
) -> None:
    from token_broker.agent import secret, service, settings
    from token_broker.agent.journal import Journal

    if not settings.loopback(host) and not allow_remote:
        raise click.UsageError(f"{host} is not of this host alone; --allow-remote insists on it.")
    journal = Journal(sys.stderr, every=verbose)
    plan = service.Plan(
        secret=secret.given(secret_file, journal),
        choice=settings.choice(names, mapped),
        host=host,
        port=port,
        names=hosts,
        metadata=imds,
        connections=max_connections,
        wait=wait,
    )
    try:
        code = service.serve(broker, plan, journal, str(secret_file) if secret_file else None)
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise click.UsageError(f"Cannot listen on {host}, port {port}: {why}.") from None
    service.leave(code)


def _check(host: str, port: int) -> None:
    """Whether an agent answers there. For health checks of containers."""
    connection = http.client.HTTPConnection(host, port, timeout=3)
    try:
        connection.request("GET", "/healthz")
        ready = connection.getresponse().status == 200
    except OSError:
        ready = False
    finally:
        connection.close()
    click.get_current_context().exit(exits.OK if ready else exits.FAILED)


def _require() -> None:
    try:
        import uvicorn  # noqa: F401
    except ModuleNotFoundError:
        raise click.UsageError(NEEDS) from None


def _broker() -> HostBroker:
    """The broker under the rules of a host."""
    _require()
    from token_broker.agent.tokens import HostBroker

    session = current()
    return HostBroker(session.url, session=session.aws, region=session.where)


COMMANDS = (run, agent)
