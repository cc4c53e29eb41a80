"""The table `vault`: refresh tokens, and the index of what is due.

The index is spread over shards by incarnation; an item without `due_at` is not in it.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from broker.adapters.aws_errors import call
from broker.adapters.dynamodb import items
from broker.adapters.dynamodb.codec import Plain, plain, wrap
from broker.adapters.dynamodb.table import SERVICE, Table, all_of, names, values
from broker.domain.connection import Due, Sealed, StoredRefreshToken
from broker.domain.names import Incarnation, Instant
from broker.ports.stores import SHARDS

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

INDEX = "due"

_SAME_REDEMPTION = "#epoch = :epoch AND #generation = :generation"
"""Nobody consented and nobody redeemed since. Fails on a missing item too."""


def shard(incarnation: Incarnation) -> str:
    """The partition of the due index an incarnation belongs to."""
    return str(zlib.crc32(incarnation.encode()) % SHARDS)


def item(stored: StoredRefreshToken) -> Plain:
    """The item of a refresh token."""
    there = {} if stored.due_at is None else {"shard": shard(stored.incarnation)}
    return plain(wrap(stored)["M"]) | there


class Vault:
    """`ports.Vault`. `table`: the name of the table `vault`."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._table = Table(client, table, "incarnation")

    def get(self, incarnation: Incarnation) -> StoredRefreshToken | None:
        found = self._table.read(incarnation)
        return items.stored(found) if found else None

    def rotate(
        self,
        before: StoredRefreshToken,
        sealed: Sealed | None,
        generation: int,
        due_at: Instant | None,
    ) -> bool:
        condition, change = _SAME_REDEMPTION, "#generation = :next"
        bound = values(epoch=before.epoch, generation=before.generation, next=generation)
        if sealed:
            # botocore repeats a write whose answer was lost. No two seals have the same bytes.
            written_already = "#sealed = :sealed"
            condition = f"({condition}) OR {written_already}"
            change += ", #sealed = :sealed"
            bound |= values(sealed=sealed)
        return self._write(before, change, condition, bound, due_at)

    def postpone(self, before: StoredRefreshToken, due_at: Instant | None) -> bool:
        bound = values(epoch=before.epoch, generation=before.generation)
        return self._write(before, "", _SAME_REDEMPTION, bound, due_at)

    def _write(
        self,
        before: StoredRefreshToken,
        change: str,
        condition: str,
        bound: dict[str, Any],
        due_at: Instant | None,
    ) -> bool:
        if due_at is None:
            change = (f"SET {change} " if change else "") + "REMOVE #due_at, #shard"
        else:
            change = (
                "SET " + (f"{change}, " if change else "") + "#due_at = :due_at, #shard = :shard"
            )
            bound |= values(due_at=due_at, shard=shard(before.incarnation))
        return self._table.update(before.incarnation, change, condition, bound) is not None

    def due(
        self, shard: int, until: Instant, limit: int, after: Due | None = None
    ) -> tuple[list[Due], Due | None]:
        condition = all_of("#shard = :shard", "#due_at <= :until")
        start: dict[str, Any] = {}
        if after:
            position = {
                "shard": str(shard),
                "due_at": after.due_at,
                "incarnation": after.incarnation,
            }
            start = {"ExclusiveStartKey": wrap(position)["M"]}
        answer = call(
            SERVICE,
            self._table.client.query,
            TableName=self._table.name,
            IndexName=INDEX,
            KeyConditionExpression=condition,
            ExpressionAttributeNames=names(condition),
            ExpressionAttributeValues=values(shard=str(shard), until=until),
            Limit=limit,
            **start,
        )
        found = [items.due(plain(entry)) for entry in answer["Items"]]
        return found, found[-1] if found and "LastEvaluatedKey" in answer else None
