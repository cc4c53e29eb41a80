"""Waiting for a consent: how far its owner has come, and how it ended."""

from __future__ import annotations

from time import monotonic, sleep

from token_broker.errors import TokenBrokerError
from token_broker.operator.cli import screen
from token_broker.operator.client import Operator
from token_broker.operator.shapes import Connection

POLL_SECONDS = 2.0


def awaited(operator: Operator, name: str, before: str | None, seconds: float) -> Connection:
    """The connection once somebody has consented after `before` (its `authorized_at` then). Raises
    TokenBrokerError when the attempt failed, or nobody came in time."""
    deadline = monotonic() + seconds
    with screen.err().status("Waiting for the consent: nobody has opened the link") as live:
        while True:
            one = operator.show(name)
            if one["authorized_at"] and one["authorized_at"] != before:
                return one
            live.update(f"Waiting for the consent: {stage(one)}")
            link = one["authorization"]
            if link and link.get("returned_at"):
                raise failed(one, link.get("started_at") or "")
            if monotonic() + POLL_SECONDS > deadline:
                raise _late(one, seconds)
            sleep(POLL_SECONDS)


def stage(one: Connection) -> str:
    """How far the owner has come."""
    link = one["authorization"]
    if link is None:
        return "there is no open link"
    if link.get("started_at"):
        return "the owner is at the sign-in"
    return (
        "the owner has opened the link" if link.get("opened_at") else "nobody has opened the link"
    )


def _late(one: Connection, seconds: float) -> TokenBrokerError:
    name = one["connection"]
    return TokenBrokerError(
        "authorization_pending",
        f"Not within {seconds:.0f} s; {stage(one)}.",
        connection=name,
        actor="owner",
        title="Nobody has consented yet",
        remedy=f"The owner opens the link and consents. To go on waiting: token-broker wait {name}",
    )


def failed(one: Connection, started: str) -> TokenBrokerError:
    """The owner came back without a consent. What the page said is in the connection, if it is of
    this attempt."""
    for last in (one["consent_error"], one["last_error"]):
        if last and last["at"] >= started:
            return TokenBrokerError(
                last["code"],
                last["detail"],
                connection=one["connection"],
                actor=last["actor"],
                title="The consent failed",
                remedy=last["remedy"],
            )
    return TokenBrokerError(
        "authorization_pending",
        "The owner came back from the sign-in, and there is no consent.",
        connection=one["connection"],
        actor="owner",
        title="The consent failed",
        remedy="The page in the owner's browser says why. The link can be opened again.",
    )
