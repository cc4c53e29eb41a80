"""The type of arguments that name a connection: completed by the shell from the broker's list."""

from __future__ import annotations

import re
from typing import Any

import click
from click.shell_completion import CompletionItem

from token_broker.operator.cli.session import Session

SECONDS = 3.0
"""Nobody waits longer for a completion."""
MANY = 200
"""Names: a shell shows no more, and the list may be long."""
SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class ConnectionName(click.ParamType):  # type: ignore[type-arg]  # generic in newer click alone
    """The name of a connection."""

    name = "connection"

    def shell_complete(
        self,
        ctx: click.Context,
        param: click.Parameter,  # noqa: ARG002
        incomplete: str,
    ) -> list[CompletionItem]:
        """Names that begin so, each with its status. None where the broker cannot be asked: a
        completion never shows an error."""
        try:
            return _names(ctx.find_root().ensure_object(Session), incomplete)
        except Exception:  # noqa: BLE001 (see above)
            return []


def _names(session: Session, incomplete: str) -> list[CompletionItem]:
    items: list[CompletionItem] = []
    for one in session.operator(timeout=SECONDS).list():
        name: Any = one["connection"]
        # Into a shell's line go names alone, whatever a server says.
        if name.startswith(incomplete) and SLUG.fullmatch(name):
            items.append(CompletionItem(name, help=one["status"]))
        if len(items) >= MANY:
            break
    return items


NAME = ConnectionName()
