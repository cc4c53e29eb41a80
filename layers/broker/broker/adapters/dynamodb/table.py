"""One table: reads, conditional writes, and what DynamoDB's refusals mean.

Items come and go as plain values; `codec` knows DynamoDB's types. In expressions every attribute
is written `#name` (many are reserved words) and every value `:name`.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from broker.adapters.aws_errors import Refused, call
from broker.adapters.dynamodb.codec import Plain, plain, wrap
from broker.ports.errors import Unavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SERVICE = "dynamodb"

_CONDITION, _CONFLICT = "ConditionalCheckFailed", "TransactionConflict"
_PAUSES = (0.05, 0.1, 0.2)
"""Seconds between attempts while a transaction is under way on the same item."""


def names(*expressions: str | None, aliases: Mapping[str, str] | None = None) -> dict[str, str]:
    """What the placeholders `#name` in the expressions stand for: themselves, or their alias."""
    found = {name for text in expressions for name in re.findall(r"#(\w+)", text or "")}
    return {f"#{name}": (aliases or {}).get(name, name) for name in sorted(found)}


def values(**plain_values: Any) -> dict[str, Any]:
    """What the placeholders `:name` stand for."""
    return {f":{name}": wrap(value) for name, value in plain_values.items()}


def all_of(*clauses: str) -> str:
    """The condition that all clauses hold."""
    return " AND ".join(f"({clause})" for clause in clauses if clause)


def patiently(attempt: Callable[[], Any]) -> Any:
    """The attempt's answer, repeated while a transaction is in the way; None if its condition does
    not hold."""
    for pause in (*_PAUSES, None):
        try:
            return attempt()
        except Refused as refused:
            if _CONDITION in refused.codes:
                return None
        if pause:
            time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 (jitter)
    raise Unavailable(SERVICE, _CONFLICT)


class Table:
    """A table whose key is one string attribute."""

    def __init__(self, client: DynamoDBClient, name: str, key: str) -> None:
        self.client, self.name, self._key = client, name, key

    def read(
        self, key: str, attributes: Iterable[str] = (), *, consistent: bool = True
    ) -> Plain | None:
        """The item, or only some attributes of it; None if there is none."""
        arguments: dict[str, Any] = {"ConsistentRead": consistent}
        if projection := ", ".join(f"#{name}" for name in attributes):
            arguments |= {
                "ProjectionExpression": projection,
                "ExpressionAttributeNames": names(projection),
            }
        answer = call(
            SERVICE, self.client.get_item, TableName=self.name, Key=self.key(key), **arguments
        )
        return plain(answer["Item"]) if "Item" in answer else None

    def put(
        self, item: Plain, condition: str | None = None, bound: Mapping[str, Any] | None = None
    ) -> bool:
        """Store the item; False if the condition does not hold."""
        arguments: dict[str, Any] = {"TableName": self.name, "Item": wrap(item)["M"]}
        arguments |= _conditional(condition, bound or {})
        return self._write(self.client.put_item, arguments) is not None

    def update(
        self,
        key: str,
        change: str,
        condition: str | None,
        bound: Mapping[str, Any],
        *,
        returns: str = "NONE",
        aliases: Mapping[str, str] | None = None,
    ) -> Plain | None:
        """Change the item; None if the condition does not hold, else what `returns` asks for."""
        arguments = self.updating(key, change, condition, bound)
        arguments["ExpressionAttributeNames"] = names(change, condition, aliases=aliases)
        return self._write(self.client.update_item, arguments | {"ReturnValues": returns})

    def delete(
        self, key: str, condition: str | None = None, bound: Mapping[str, Any] | None = None
    ) -> Plain | None:
        """Delete the item and return it as it was (empty: there was none); None if the condition
        does not hold."""
        arguments = self.deleting(key, condition, bound or {})
        return self._write(self.client.delete_item, arguments | {"ReturnValues": "ALL_OLD"})

    def key(self, key: str) -> dict[str, Any]:
        """The key as DynamoDB writes it."""
        return {self._key: {"S": key}}

    def updating(
        self, key: str, change: str, condition: str | None, bound: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The arguments of an update: of its own, or within a transaction."""
        arguments = self.deleting(key, condition, bound) | {"UpdateExpression": change}
        return arguments | {"ExpressionAttributeNames": names(change, condition)}

    def deleting(self, key: str, condition: str | None, bound: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of a delete: of its own, or within a transaction."""
        arguments = {"TableName": self.name, "Key": self.key(key)}
        return arguments | _conditional(condition, bound)

    def _write(self, operation: Callable[..., Any], arguments: Mapping[str, Any]) -> Plain | None:
        answer = patiently(lambda: call(SERVICE, operation, (_CONDITION, _CONFLICT), **arguments))
        return None if answer is None else plain(answer.get("Attributes", {}))


def _conditional(condition: str | None, bound: Mapping[str, Any]) -> dict[str, Any]:
    arguments: dict[str, Any] = {}
    if condition:
        arguments["ConditionExpression"] = condition
        arguments["ExpressionAttributeNames"] = names(condition)
    if bound:
        arguments["ExpressionAttributeValues"] = dict(bound)
    return arguments


def transact(client: DynamoDBClient, *parts: Mapping[str, Any]) -> bool:
    """Write all parts or none; False if a condition does not hold. botocore sends a token with it,
    so that its own retries do not write twice."""
    answer = patiently(
        lambda: call(
            SERVICE,
            client.transact_write_items,
            (_CONDITION, _CONFLICT),
            TransactItems=list(parts),
        )
    )
    return answer is not None
