"""Everything that `doctor` looks at, in the order of what to do first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from token_broker.errors import TokenBrokerError
from token_broker.operator.cli.health.connections import connections
from token_broker.operator.cli.health.deployment import deployment
from token_broker.operator.cli.health.finding import Finding, failed
from token_broker.operator.cli.health.reach import identity, reach
from token_broker.operator.cli.session import Session

ORDER = (
    *("credentials", "clock", "api", "operator", "stack"),
    *("client secret", "client certificate", "client federated", "redirect URI"),
    *("client credential", "schedule", "dead letters", "refreshes"),
)
"""What one thing needs of the other: without credentials nothing is to be seen, with a bad secret
every refresh fails. What is not named here concerns single connections."""


def examine(session: Session, stack: str | None) -> list[Finding]:
    """What is not well first, then notices, then what is well; each in `ORDER`."""
    return sorted(_findings(session, stack), key=_rank)


def _rank(finding: Finding) -> tuple[int, int]:
    place = ORDER.index(finding.name) if finding.name in ORDER else len(ORDER)
    return (False, None, True).index(finding.ok), place


def _findings(session: Session, stack: str | None) -> Iterator[Finding]:
    yield identity(session)
    yield from reach(session)
    try:
        found = [*session.operator().list()]
        yield Finding("operator", True, f"You may manage connections; there are {len(found)}.")
        yield from connections(found, datetime.now(UTC))
    except TokenBrokerError as error:
        yield failed("operator", error)
    if stack is None:
        yield Finding("stack", None, "Not looked at.", "Name the stack with --stack.")
        return
    yield from deployment(session, stack)
