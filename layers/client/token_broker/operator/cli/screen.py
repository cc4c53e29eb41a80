"""What people see: tables, colours, errors. Results go to stdout, all else to stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.segment import Segment
from rich.text import Text

from token_broker._text import clean, masked, plain
from token_broker.errors import TokenBrokerError
from token_broker.operator.shapes import Links, Verification
from token_broker.operator.speech import spoken

FORECASTS = {
    "likely": "An administrator will probably have to approve.",
    "unlikely": "An administrator will probably not be needed.",
    "required": "An administrator has to approve first: send that link as well.",
    "unknown": "Whether an administrator has to approve is not known.",
}
PIPE_WIDTH = 160
NOTICE = Text("·", "yellow")
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


def done(text: str, well: bool = True) -> None:
    """What a command has done."""
    out().print(SIGNS[well], escape(text))


def failure(title: str, detail: str, remedy: str, bad: bool) -> None:
    """A reason, and what to do; `bad`: it is a failure, not a notice."""
    console = out()
    console.print(SIGNS[False] if bad else NOTICE, escape(title))
    for line in filter(None, (detail, remedy)):
        console.print(f"  {escape(line)}")


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
    found |= {"detail": masked(error.detail), "remedy": spoken(error.remedy, error.connection)}
    return {name: value for name, value in found.items() if value not in (None, "")}


def error(one: TokenBrokerError, as_json: bool) -> None:
    """What went wrong, who must act, and how."""
    if as_json:
        sys.stderr.write(lines([problem(one)]))
        return
    head, *rest = spoken(masked(str(one)), one.connection).splitlines()
    err().print(f"[red]✗[/] {escape(head)}")
    for line in rest:
        err().print(escape(line))


def links(found: Links) -> None:
    """The links, each on a line of its own: they are long."""
    console = out()
    console.print("[bold]For the owner of the account:[/]")
    console.print(escape(found["authorize_url"]))
    if found["admin_consent_url"]:
        console.print(
            "[bold]For a tenant administrator, if the owner is told that one must approve:[/]"
        )
        console.print(escape(found["admin_consent_url"]))
    if told := forecast(found):
        note(told)
    note(f"Good until {found['expires_at']}. Whoever has a link may consent: send it safely.")


def forecast(found: Links) -> str:
    """Whether an administrator will have to approve, and why; nothing of a broker that does not
    say so, or says it in a word of its own."""
    told = FORECASTS.get(found.get("admin_forecast", ""))
    return f"{told} {found['admin_forecast_reason']}" if told else ""


def verification(found: Verification, connection: str) -> None:
    """The checks, in order, with who must act where one failed."""
    console = out()
    for check in found["checks"]:
        console.print(
            SIGNS[check["ok"]], Text(check["name"], "bold"), escape(check["detail"] or "")
        )
        if not check["ok"]:
            actor = (check["actor"] or "").replace("_", " ")
            remedy = spoken(check["remedy"] or "", connection)
            console.print(escape(f"  {check['code']}; {actor}: {remedy}"))
