"""import: refresh tokens that teams hold elsewhere."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from token_broker.operator.cli import exits, screen
from token_broker.operator.cli.aws import client
from token_broker.operator.cli.session import Session, current, shared
from token_broker.operator.client import THREADS
from token_broker.operator.importing import files, stores
from token_broker.operator.importing.engine import Run
from token_broker.operator.importing.files import Item
from token_broker.operator.importing.report import Outcome, writer
from token_broker.operator.importing.rows import Defaults
from token_broker.operator.words import grant, pairs

FORMATS = {"csv": files.table, "jsonl": files.lines, "msal": files.cache}
SECONDS = 180.0
"""For one call, its repetitions included: Microsoft throttles crowds."""


@click.command("import")
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
@click.option("--replace", is_flag=True, help="Import into connections that are active already.")
@click.option("--report", metavar="FILE", help="A line for each row: .csv or .jsonl. No secrets.")
@click.option(
    "--concurrency", type=click.IntRange(1, THREADS), default=8, show_default=True, help="Rows."
)
@shared
def imports(file: str | None, **given: Any) -> None:
    """Import refresh tokens that were issued to the broker's client id.

    From a file (CSV with a header, JSON lines, a serialized MSAL cache), from secrets, or from
    parameters. Each counts only once the broker has redeemed it. Columns: connection,
    refresh_token; service, resource, tenant, scopes, username, object_id, tenant_id, grants,
    labels, developer_token, customer_id, account_id, client_id. A repeated run changes nothing.
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
    counts = _run(session, items, given)
    ended = [result for result in ("failed", "untried") if counts[result]]
    click.get_current_context().exit(exits.FAILED if ended else exits.OK)


def _items(
    session: Session, file: str | None, given: dict[str, Any], defaults: Defaults
) -> Iterator[Item]:
    """The rows of every source that is given."""
    if file:
        yield from _file(file, given["kind"], defaults)
    if given["secrets"] or given["secret_prefix"] is not None:
        found = client(session, "secretsmanager")
        yield from stores.secrets(found, given["secrets"], given["secret_prefix"], defaults)
    if given["parameters"] or given["parameter_prefix"] is not None:
        found = client(session, "ssm")
        yield from stores.parameters(
            found, given["parameters"], given["parameter_prefix"], defaults
        )


def _file(name: str, kind: str | None, defaults: Defaults) -> Iterator[Item]:
    found = kind or ("jsonl" if name.endswith((".jsonl", ".ndjson")) else name.rpartition(".")[2])
    if found not in FORMATS:
        raise click.UsageError(f"Give --format: {', '.join(FORMATS)}.")
    if found == "msal" and defaults.client_id is None:
        raise click.UsageError("An MSAL cache may hold tokens of many clients: give --client-id.")
    try:
        raw = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        yield from FORMATS[found](raw.decode(), defaults)
    except OSError as error:
        raise click.UsageError(f"{name}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise click.UsageError(f"{name}: it is not UTF-8.") from None


def _run(session: Session, items: list[Item], given: dict[str, Any]) -> Counter[str]:
    """Import, with a progress bar, a report, and the failures at the end."""
    counts: Counter[str] = Counter()
    failures: list[Outcome] = []
    operator = session.operator(timeout=SECONDS)
    name = given["report"]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    report = Path(name).open("w", encoding="utf-8", newline="") if name else None  # noqa: SIM115
    try:
        write = writer(report, name or "")
        with Progress(*columns, TimeRemainingColumn(), console=screen.err()) as progress:
            task = progress.add_task("Importing", total=len(items))

            def tell(outcome: Outcome) -> None:
                counts[outcome.result] += 1
                write(outcome)
                if outcome.result in ("failed", "skipped"):
                    failures.append(outcome)
                progress.advance(task)

            Run(operator, tell, given["replace"]).run(items, given["concurrency"])
    finally:
        if report:
            report.close()
        _tell(session, counts, failures)
    return counts


def _tell(session: Session, counts: Counter[str], failures: list[Outcome]) -> None:
    if session.as_json:
        screen.data({"counts": dict(counts), "failures": [one.as_dict() for one in failures]})
        return
    console = screen.out()
    for one in failures:
        sign = "[red]✗[/]" if one.result == "failed" else "[yellow]·[/]"
        words = one.as_dict()
        code = f" {words['code']}:" if one.code else ""
        console.print(f"{sign} {escape(one.source)} {escape(one.connection)}:{code}", end=" ")
        console.print(escape(f"{words.get('detail', '')} {words.get('remedy', '')}".strip()))
    told = [f"{counts[name]} {name}" for name in ("imported", "unchanged", "skipped", "failed")]
    told += [f"{counts['untried']} untried"] if counts["untried"] else []
    console.print(f"{'[red]✗[/]' if counts['failed'] else '[green]✓[/]'} {', '.join(told)}")


COMMANDS = (imports,)
