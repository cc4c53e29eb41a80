"""What the list of connections tells about the broker. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from token_broker.operator.attention import Need, due, needs
from token_broker.operator.cli.health.finding import Finding
from token_broker.operator.shapes import Connection, LastError, excess
from token_broker.operator.speech import spoken

OVERDUE = 30 * 60
"""Seconds after which a refresh that is due should have been tried, as for the stack's alarm: the
schedule runs every 1 to 15 minutes, and failures are postponed."""
CREDENTIAL = ("client_secret_expired", "client_certificate_expired", "client_misconfigured")
"""Codes of a client credential that is refused."""
SHOWN = 5
"""Connections that are named one by one."""


def connections(found: Sequence[Connection], now: datetime) -> Iterator[Finding]:
    """All of it. Connections that nobody has consented to yet say nothing about the broker."""
    consented = [one for one in found if one["status"] != "pending"]
    yield redemptions(consented)
    yield refreshes(consented, now)
    yield from people(needs(found, now))
    spilled = [one["connection"] for one in consented if excess(one)]
    if spilled:
        yield _excess(spilled, len(consented))


def refreshes(found: Sequence[Connection], now: datetime) -> Finding:
    """Whether the schedule does its work, told from what is overdue."""
    late = [one["connection"] for one in found if due(one, now, -OVERDUE)]
    if late:
        detail = f"{len(late)} of {len(found)} connections are overdue, {late[0]} among them."
        remedy = "Look at the schedule, the dead letters, and the logs of rotate and refresh."
        command = "token-broker list --due 0"
        return Finding("refreshes", False, detail, remedy, "overdue", "operator", command)
    return Finding("refreshes", True, "No refresh is overdue.")


def redemptions(found: Sequence[Connection]) -> Finding:
    """Whether the client credential is accepted, told from what happened last: it is one for all,
    so a success anywhere clears the failures before it."""
    name = "client credential"
    success = max((one["refreshed_at"] or "" for one in found), default="")
    errors = [(one, one["last_error"]) for one in found if one["last_error"]]
    failures: list[tuple[str, LastError]] = [
        (one["connection"], error)
        for one, error in errors
        if error and error["code"] in CREDENTIAL and error["at"] > success
    ]
    if failures:
        connection, last = max(failures, key=lambda pair: pair[1]["at"])
        detail = f"{len(failures)} of {len(found)} connections: {last['detail']}"
        remedy = spoken(last["remedy"], connection)
        return Finding(name, False, detail, remedy, last["code"], last["actor"])
    if success:
        return Finding(name, True, f"It was accepted at {success}.")
    remedy = "It shows with the first consent or import."
    return Finding(name, None, "It has not been used yet.", remedy)


def people(waiting: Sequence[tuple[str, Need]]) -> Iterator[Finding]:
    """Connections that wait for somebody: a notice each, for the broker itself is well."""
    for connection, wanted in waiting[:SHOWN]:
        actor = wanted.actor.replace("_", " ")
        detail = f"{wanted.code}: {wanted.detail}".rstrip(": ")
        command = f"token-broker {wanted.command}" if wanted.command else ""
        yield Finding(
            connection, None, detail, f"The {actor} must act.", wanted.code, wanted.actor, command
        )
    if len(waiting) > SHOWN:
        detail = f"{len(waiting) - SHOWN} more connections wait for somebody."
        yield Finding("board", None, detail, "See them all.", command="token-broker board")


def _excess(names: Sequence[str], count: int) -> Finding:
    """Microsoft puts every scope that the account ever consented to, for this app and resource,
    into a token: callers may get more than their connection asked for."""
    detail = f"The tokens of {len(names)} of {count} connections hold more than their own scopes."
    remedy = "Connections that must not share rights of one resource need app registrations apart."
    command = f"token-broker show {names[0]}"
    return Finding("excess scopes", None, detail, remedy, "", "operator", command)
