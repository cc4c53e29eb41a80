"""An event of the bus, as `notify` reads it. Frozen values; nothing here is a secret."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from broker.domain import names
from broker.domain.names import Name
from broker.domain.problems import Problem

SOURCE = "token-broker"
"""The source that all events of the broker have."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What happened, to which connection, and who must act. Absent fields are empty."""

    kind: str
    """The event's detail-type, such as `Connection Broken`."""
    connection: Name | Literal[""] = ""
    service: str = ""
    status: str = ""
    code: str = ""
    actor: str = ""
    remedy: str = ""


def parse(body: str) -> Notice | None:
    """A message with EventBridge's envelope, or None if it is something else.

    https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html
    """
    try:
        event: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    detail = event.get("detail") if isinstance(event, dict) else None
    kind = event.get("detail-type") if isinstance(event, dict) else None
    if not isinstance(detail, dict) or not isinstance(kind, str) or event.get("source") != SOURCE:
        return None
    words = ("service", "status", "code", "actor", "remedy")
    said = {name: detail[name] for name in words if isinstance(detail.get(name), str)}
    if "connection" not in detail:
        return Notice(kind, **said)
    try:
        return Notice(kind, names.slug(detail["connection"]), **said)
    except Problem:
        return None
