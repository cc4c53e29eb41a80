"""import: refresh tokens that teams hold elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from token_broker.operator.cli import exits
from token_broker.operator.cli.aws import client
from token_broker.operator.cli.group import command
from token_broker.operator.cli.importer import run
from token_broker.operator.cli.session import Session, current, shared
from token_broker.operator.client import THREADS
from token_broker.operator.importing import files, stores
from token_broker.operator.importing.files import Item
from token_broker.operator.importing.rows import Defaults
from token_broker.operator.words import grant, pairs

FORMATS = {"csv": files.table, "jsonl": files.lines, "msal": files.cache}
EXAMPLES = (
    "import grants.csv --dry-run",
    "import grants.csv --report report.csv",
    "import cache.json --format msal --client-id 11111111-2222-4333-8444-555555555555",
)


@command("import", examples=EXAMPLES)
@click.argument("file", required=False, metavar="[FILE|-]")
@click.option("--format", "kind", type=click.Choice([*FORMATS]), help="Default: by the name.")
@click.option("--secret", "secrets", multiple=True, metavar="NAME", help="Of Secrets Manager.")
@click.option("--secret-prefix", metavar="TEXT", help="All secrets whose name begins so.")
@click.option(
    "--parameter", "parameters", multiple=True, metavar="NAME", help="Of Systems Manager."
)
@click.option("--parameter-prefix", metavar="PATH", help="All parameters below this path.")
@click.option("--client-id", metavar="ID", help="The broker's: tokens of others are not tried.")
@click.option("--prefix", default="", metavar="TEXT", help="Put before every connection's name.")
@click.option("--service", default="microsoft-advertising", show_default=True, help="Default.")
@click.option("--tenant", metavar="ID", help="Default for rows without one.")
@click.option("--grant", "grants", multiple=True, metavar="PRINCIPAL", help="Default. Repeatable.")
@click.option("--label", "labels", multiple=True, metavar="NAME=TEXT", help="For all rows.")
@click.option("--dry-run", is_flag=True, help="Say what would happen; change nothing.")
@click.option("--replace", is_flag=True, help="Import into connections that are active already.")
@click.option("--report", metavar="FILE", help="A line for each row: .csv or .jsonl. No secrets.")
@click.option(
    "--concurrency", type=click.IntRange(1, THREADS), default=8, show_default=True, help="Rows."
)
@shared
def imports(file: str | None, **given: Any) -> None:
    """Import refresh tokens of the broker's own client id.

    From a file (CSV with a header, JSON lines, a serialized MSAL cache), from secrets, or from
    parameters. Each counts only once the broker has redeemed it. Columns: connection,
    refresh_token; service, resource, tenant, scopes, username, object_id, tenant_id, grants,
    labels, developer_token, customer_id, account_id, client_id. A repeated run goes on where the
    last one ended.
    """
    session = current()
    defaults = Defaults(
        given["service"],
        given["tenant"],
        tuple(grant(text) for text in given["grants"]),
        pairs(given["labels"]),
        given["client_id"],
        given["prefix"],
    )
    items = [*_items(session, file, given, defaults)]
    if not items:
        raise click.UsageError("There is nothing to import.")
    counts = run(
        session,
        items,
        report=given["report"],
        threads=given["concurrency"],
        replace=given["replace"],
        dry=given["dry_run"],
    )
    ended = [result for result in ("failed", "untried") if counts[result]]
    click.get_current_context().exit(exits.FAILED if ended else exits.OK)


def _items(
    session: Session, file: str | None, given: dict[str, Any], defaults: Defaults
) -> Iterator[Item]:
    """The rows of every source that is given."""
    if file:
        yield from _file(file, given["kind"], defaults)
    if given["secrets"] or given["secret_prefix"] is not None:
        aws = client(session, "secretsmanager")
        yield from stores.secrets(aws, given["secrets"], given["secret_prefix"], defaults)
    if given["parameters"] or given["parameter_prefix"] is not None:
        aws = client(session, "ssm")
        yield from stores.parameters(aws, given["parameters"], given["parameter_prefix"], defaults)


def _file(name: str, kind: str | None, defaults: Defaults) -> Iterator[Item]:
    form = kind or ("jsonl" if name.endswith((".jsonl", ".ndjson")) else name.rpartition(".")[2])
    if form not in FORMATS:
        raise click.UsageError(f"Give --format: {', '.join(FORMATS)}.")
    if form == "msal" and defaults.client_id is None:
        raise click.UsageError("An MSAL cache may hold tokens of many clients: give --client-id.")
    try:
        raw = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        yield from FORMATS[form](raw.decode(), defaults)
    except OSError as error:
        raise click.UsageError(f"{name}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise click.UsageError(f"{name}: it is not UTF-8.") from None


COMMANDS = (imports,)
