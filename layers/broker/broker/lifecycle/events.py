"""Events about a connection: what happened, and who must act. No secret ever."""

from __future__ import annotations

from broker.domain.connection import Connection, Status
from broker.domain.problems import Problem
from broker.ports.outside import Events


def tell(
    events: Events,
    kind: str,
    connection: Connection,
    status: Status,
    problem: Problem | None = None,
) -> None:
    """Publish `kind`, with the connection's status from now on and the problem, if there is one."""
    detail = {
        "connection": connection.name,
        "service": connection.service,
        "status": status.value,
    }
    if problem:
        detail |= {"code": problem.code, "actor": problem.actor, "remedy": problem.remedy}
    events.publish(kind, detail)
