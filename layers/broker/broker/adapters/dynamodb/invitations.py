"""The part of a connection that `notify` reads, and the link it makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.adapters.dynamodb import items
from broker.adapters.dynamodb.connections import Connections
from broker.adapters.dynamodb.leases import DESCRIBED
from broker.adapters.dynamodb.table import Table
from broker.domain.attempts import OpenLink
from broker.domain.connection import Connection
from broker.domain.names import Name

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

WAITED = (*DESCRIBED, "contacts", "tickets", "last_error", "suspended")
"""What `notify` may read; `template.yaml` holds its role to that."""


class Invitations:
    """`ports.Invitations`. `table`: the name of the table `connections`."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._table = Table(client, table, "name")
        self._connections = Connections(client, table)

    def read(self, name: Name) -> Connection | None:
        item = self._table.read(name, WAITED)
        return items.connection(item) if item else None

    def link(self, before: Connection, tickets: tuple[str, str], opened: OpenLink) -> bool:
        return self._connections.link(before, tickets, opened)
