"""Connections as tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from token_broker.operator.attention import FUTURE, Need, instant
from token_broker.operator.shapes import Connection, username
from token_broker.operator.speech import spoken

COLOURS = {
    "active": "green",
    "pending": "yellow",
    "awaiting_admin": "magenta",
    "reauthorization_required": "red",
    "blocked": "red",
    "suspended": "cyan",
}
FAILURES = ("last_error", "consent_error")


def connections(found: Iterable[Connection]) -> Table:
    """One line each."""
    table = _titled("connection", "service", "status", "account", "next refresh", "last error")
    for one in found:
        last = one["last_error"]
        table.add_row(
            Text(one["connection"]),
            Text(one["service"]),
            status(one),
            Text(username(one)),
            ago(one["next_refresh_at"]),
            Text(last["code"], "red") if last else "",
        )
    return table


def board(needs: Iterable[tuple[str, Need]]) -> Table:
    """Who must act, on which connection, why, and what an operator runs for it."""
    table = _titled("who", "connection", "why", "run")
    for name, wanted in needs:
        why = Text(wanted.code, "red").append(f" {wanted.detail}".rstrip(), "default")
        run = Text(f"token-broker {wanted.command}" if wanted.command else "")
        table.add_row(Text(wanted.actor.replace("_", " "), "bold"), Text(name), why, run)
    return table


def _titled(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, no_wrap=column in ("connection", "status"), overflow="fold")
    return table


def connection(one: Connection) -> Table:
    """All about one connection."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in one.items():
        if value in (None, [], {}, False):
            continue
        shown = status(one) if name == "status" else Text(_told(name, value, one["connection"]))
        table.add_row(Text(name.replace("_", " ")), shown)
    return table


def _told(name: str, value: Any, connection: str) -> str:
    if name.endswith("_at") and isinstance(value, str):
        return f"{value} ({ago(value)})"
    if name == "grants":
        return "\n".join(_grant(grant) for grant in value)
    if name in FAILURES:
        remedy = spoken(value["remedy"], connection)
        told = f"{value['code']}: {value['detail']}\n{value['actor']}: {remedy}"
        return f"{told}\n{value['at']}"
    if isinstance(value, Mapping):
        nested = {key: _told("", part, connection) for key, part in value.items() if part}
        return "\n".join(f"{key}: {text}" for key, text in nested.items() if text)
    if isinstance(value, list):
        between = "\n" if any(isinstance(part, (Mapping, list)) for part in value) else " "
        return between.join(_told("", part, connection) for part in value)
    return str(value)


def _grant(grant: Mapping[str, Any]) -> str:
    limit = grant.get("scopes")
    return f"{grant['principal']} (only {' '.join(limit)})" if limit else str(grant["principal"])


def status(one: Connection) -> Text:
    """The status in its colour."""
    text = Text(one["status"], COLOURS.get(one["status"], ""))
    return text.append(" suspended", COLOURS["suspended"]) if one["suspended"] else text


def ago(moment: str | None, now: datetime | None = None) -> str:
    """`in 3 h`, `2 min ago`; empty for none."""
    if moment is None or instant(moment) == FUTURE:
        return ""
    left = (instant(moment) - (now or datetime.now(UTC))).total_seconds()
    size = abs(left)
    for unit, seconds in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        if size >= seconds * 1.5 or unit == "s":
            count = f"{size / seconds:.0f} {unit}"
            return f"in {count}" if left > 0 else f"{count} ago"
    return ""
