"""Who was told what lately, in the table `authorizations`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.adapters.dynamodb.table import Table, values
from broker.domain.names import Instant

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PURGE_AFTER = 86_400
"""Seconds after its end from when on DynamoDB may delete an entry."""


class Notices:
    """`ports.Notices`."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._table = Table(client, table, "id")

    def claim(self, key: str, now: Instant, until: Instant) -> bool:
        not_told_lately = "attribute_not_exists(#expires_at) OR #expires_at <= :now"
        done = self._table.update(
            f"notice#{key}",
            "SET #expires_at = :expires_at, #purge_at = :purge_at",
            not_told_lately,
            values(now=now, expires_at=until, purge_at=until + PURGE_AFTER),
        )
        return done is not None

    def release(self, key: str) -> None:
        self._table.delete(f"notice#{key}")
