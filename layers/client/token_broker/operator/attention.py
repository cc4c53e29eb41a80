"""Who must act on a connection now. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from token_broker.operator.shapes import Connection, LastError

ACTORS = ("operator", "owner", "tenant_admin", "caller", "nobody")
"""In the order in which an operator looks at them."""
FUTURE = datetime(9999, 12, 31, tzinfo=UTC)


class Need(NamedTuple):
    """What a connection waits for. `command`: what an operator runs for it, after
    `token-broker`."""

    actor: str
    code: str
    detail: str
    command: str = ""


def need(one: Connection, now: datetime) -> Need | None:
    """What the connection waits for; None if it serves, or if the operator suspended it."""
    if one["suspended"]:
        return None
    if one["status"] == "active":
        return _failing(one)
    name, last = one["connection"], one["last_error"]
    if one["status"] == "pending":
        return _pending(one, now)
    code = last["code"] if last else one["status"]
    detail = last["detail"] if last else ""
    if one["status"] == "reauthorization_required":
        actor = last["actor"] if last and last["actor"] in ("owner", "operator") else "owner"
        return Need(actor, code, detail, f"reauthorize {name}")
    return Need("tenant_admin", code, detail, f"reauthorize {name}")


def needs(connections: Iterable[Connection], now: datetime) -> list[tuple[str, Need]]:
    """Names and what they wait for; the operator's own work first."""
    found = [(one["connection"], wanted) for one in connections if (wanted := need(one, now))]
    return sorted(found, key=lambda pair: (_rank(pair[1].actor), pair[0]))


def _rank(actor: str) -> int:
    return ACTORS.index(actor) if actor in ACTORS else len(ACTORS)


def _failing(one: Connection) -> Need | None:
    """An active connection whose last redemption failed; a later success clears that."""
    last = standing(one)
    return Need(last["actor"], last["code"], last["detail"]) if last else None


def standing(one: Connection) -> LastError | None:
    """The failure of the last redemption, unless one has succeeded since."""
    last, refreshed = one["last_error"], one["refreshed_at"]
    return last if last and last["at"] > (refreshed or "") else None


def _pending(one: Connection, now: datetime) -> Need:
    link, seen = one["authorization"], one["consent_error"]
    if link is None or instant(link["expires_at"]) <= now:
        command = f"reauthorize {one['connection']}"
        return Need("operator", "link_expired", "There is no open link.", command)
    if seen:
        return Need(seen["actor"], seen["code"], seen["detail"], f"wait {one['connection']}")
    detail = "The link was opened." if link.get("opened_at") else "Nobody has opened the link."
    return Need("owner", "authorization_pending", detail, f"wait {one['connection']}")


def due(one: Connection, now: datetime, seconds: float) -> bool:
    """Whether its next refresh comes within so many seconds, or is overdue."""
    moment = one["next_refresh_at"]
    return moment is not None and (instant(moment) - now).total_seconds() <= seconds


def instant(moment: str) -> datetime:
    """A time of the broker; the far future for what is none."""
    try:
        found = datetime.fromisoformat(moment)
    except ValueError:
        return FUTURE
    return found if found.tzinfo else found.replace(tzinfo=UTC)
