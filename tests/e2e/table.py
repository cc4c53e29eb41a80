"""A table as its administrator sees it: items as plain values, written behind the broker's back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from broker.adapters.dynamodb.codec import plain, wrap


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the stack."""

    client: Any
    name: str

    def item(self, **key: str) -> dict[str, Any] | None:
        """The item of a key."""
        answer = self.client.get_item(TableName=self.name, Key=wrap(key)["M"], ConsistentRead=True)
        return plain(answer["Item"]) if "Item" in answer else None

    def edit(self, changes: Mapping[str, Any], **key: str) -> None:
        """Write attributes of the item of a key."""
        self.client.update_item(
            TableName=self.name,
            Key=wrap(key)["M"],
            UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in changes),
            ExpressionAttributeNames={f"#{name}": name for name in changes},
            ExpressionAttributeValues={f":{name}": wrap(value) for name, value in changes.items()},
        )

    def items(self) -> Iterator[dict[str, Any]]:
        """Every item."""
        for page in self.client.get_paginator("scan").paginate(TableName=self.name):
            yield from map(plain, page["Items"])
