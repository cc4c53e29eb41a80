"""What people see: tables, colours, errors. Results go to stdout, all else to stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from token_broker._text import clean, masked, plain
from token_broker.errors import TokenBrokerError
from token_broker.operator.shapes import Connection, Links, Verification, username

COLOURS = {
    "active": "green",
    "pending": "yellow",
    "awaiting_admin": "magenta",
    "reauthorization_required": "red",
    "blocked": "red",
    "suspended": "cyan",
}
PIPE_WIDTH = 160
SIGNS = {True: Text("✓", "green"), False: Text("✗", "red")}


class Screen(Console):
    """Where text becomes output for people: whoever wrote it, it moves no cursor."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterator[Segment]:
        """As rich; control segments are its own."""
        for segment in super().render(renderable, options):
            text, style, control = segment
            yield segment if control else Segment(plain(text), style)


def out() -> Screen:
    """Results. Made anew, so that it follows a stdout that was replaced; wide in a pipe or file."""
    width = None if sys.stdout.isatty() else PIPE_WIDTH
    return Screen(highlight=False, soft_wrap=True, width=width)


def err() -> Screen:
    """Progress, hints, errors."""
    return Screen(stderr=True, highlight=False, soft_wrap=True)


def note(text: str) -> None:
    """A hint beside the result."""
    err().print(escape(text))


def data(value: Any) -> None:
    """A result for machines."""
    sys.stdout.write(json.dumps(clean(value), indent=2, ensure_ascii=False) + "\n")


def raw(text: str) -> None:
    """A result for a pipe: a token, lines for a shell."""
    sys.stdout.write(plain(text) + "\n")


def lines(values: Iterable[Any]) -> str:
    """JSON lines."""
    return "".join(json.dumps(clean(value), ensure_ascii=False) + "\n" for value in values)


def problem(error: TokenBrokerError) -> dict[str, Any]:
    """An error for machines."""
    fields = ("code", "title", "detail", "actor", "remedy", "connection", "status", "retry_after")
    found = {name: getattr(error, name) for name in (*fields, "request_id")}
    found["detail"] = masked(error.detail)
    return {name: value for name, value in found.items() if value not in (None, "")}


def error(one: TokenBrokerError, as_json: bool) -> None:
    """What went wrong, who must act, and how."""
    if as_json:
        sys.stderr.write(lines([problem(one)]))
        return
    head, *rest = masked(str(one)).splitlines()
    err().print(f"[red]✗[/] {escape(head)}")
    for line in rest:
        err().print(escape(line))


def status(one: Connection) -> Text:
    """The status in its colour."""
    text = Text(one["status"], COLOURS.get(one["status"], ""))
    return text.append(" suspended", COLOURS["suspended"]) if one["suspended"] else text


def ago(moment: str | None, now: datetime | None = None) -> str:
    """`in 3 h`, `2 min ago`; empty for none."""
    if moment is None:
        return ""
    left = (datetime.fromisoformat(moment) - (now or datetime.now(UTC))).total_seconds()
    size = abs(left)
    for unit, seconds in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        if size >= seconds * 1.5 or unit == "s":
            count = f"{size / seconds:.0f} {unit}"
            return f"in {count}" if left > 0 else f"{count} ago"
    return ""


def connections(found: Iterable[Connection]) -> None:
    """A table of connections."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("connection", "service", "status", "account", "next refresh", "last error"):
        table.add_column(column, no_wrap=column in ("connection", "status"))
    for one in found:
        last = one["last_error"]
        table.add_row(
            one["connection"],
            one["service"],
            status(one),
            username(one),
            ago(one["next_refresh_at"]),
            Text(last["code"], "red") if last else "",
        )
    out().print(table)


def connection(one: Connection) -> None:
    """All about one connection."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in one.items():
        if value in (None, [], {}, False):
            continue
        shown = status(one) if name == "status" else Text(_plain(name, value))
        table.add_row(name.replace("_", " "), shown)
    out().print(table)


def _plain(name: str, value: Any) -> str:
    if name.endswith("_at"):
        return f"{value} ({ago(value)})"
    if name == "grants":
        return "\n".join(_grant(grant) for grant in value)
    if name == "last_error":
        told = f"{value['code']}: {value['detail']}\n{value['actor']}: {value['remedy']}"
        return f"{told}\n{value['at']}"
    if isinstance(value, Mapping):
        nested = {key: _plain("", part) for key, part in value.items() if part}
        return "\n".join(f"{key}: {text}" for key, text in nested.items() if text)
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _grant(grant: Mapping[str, Any]) -> str:
    limit = grant.get("scopes")
    return f"{grant['principal']} (only {' '.join(limit)})" if limit else str(grant["principal"])


def links(found: Links) -> None:
    """The two links, each on a line of its own: they are long."""
    console = out()
    console.print("[bold]For the owner of the account:[/]")
    console.print(escape(found["authorize_url"]))
    console.print(
        "[bold]For a tenant administrator, if the owner is told that one must approve:[/]"
    )
    console.print(escape(found["admin_consent_url"] or ""))
    note(f"Good until {found['expires_at']}. Whoever has a link may consent: send it safely.")


def verification(found: Verification) -> None:
    """The checks, in order, with who must act where one failed."""
    console = out()
    for check in found["checks"]:
        console.print(
            SIGNS[check["ok"]], Text(check["name"], "bold"), escape(check["detail"] or "")
        )
        if not check["ok"]:
            actor = (check["actor"] or "").replace("_", " ")
            console.print(escape(f"  {check['code']}; {actor}: {check['remedy'] or ''}"))
