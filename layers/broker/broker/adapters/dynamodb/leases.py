"""The table `connections` as `token` may use it: read, take and give back the lease, note the use.

The role of `token` may change only the attributes named in these expressions, and may not see what
a write returns; `template.yaml` holds it to that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from broker.adapters.dynamodb import items
from broker.adapters.dynamodb.table import Table, all_of, values
from broker.domain.connection import Connection
from broker.domain.names import Incarnation, Instant, Name

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

DESCRIBED = (
    *("name", "incarnation", "epoch", "link", "open_link", "created_by", "service", "resource"),
    *("tenant", "scopes", "status", "grants", "expected", "account", "created_at", "client_id"),
    *("authority", "display_name", "purpose"),
)
"""What `authorize` may read; `template.yaml` holds its role to that."""

SAME_INCARNATION = "#incarnation = :incarnation"
"""The name has not been deleted, nor created anew. Fails on a missing item too."""

_LEASE = "SET #lease_owner = :owner, #lease_until = :until"


class Descriptions:
    """`ports.Descriptions`. `table`: the name of the table `connections`."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._table = Table(client, table, "name")

    def describe(self, name: Name) -> Connection | None:
        item = self._table.read(name, DESCRIBED)
        return items.connection(item) if item else None


class Leases:
    """The part of `ports.Connections` that `token` uses. `table`: the name of the table."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._table = Table(client, table, "name")

    def get(self, name: Name, *, consistent: bool = True) -> Connection | None:
        item = self._table.read(name, consistent=consistent)
        return items.connection(item) if item else None

    def claim(
        self,
        name: Name,
        incarnation: Incarnation,
        owner: str,
        now: Instant,
        until: Instant,
        generation: int,
        used_by: Mapping[str, Instant] | None = None,
    ) -> bool:
        condition, bound = _free(incarnation, owner, now, until, generation)
        change = f"{_LEASE}, #last_used_at = :now"
        if used_by is not None:
            change += ", #used_by = :used_by"
            bound |= values(used_by=used_by)
        return self._table.update(name, change, condition, bound) is not None

    def lease(
        self,
        name: Name,
        incarnation: Incarnation,
        owner: str,
        now: Instant,
        until: Instant,
        generation: int | None = None,
    ) -> Connection | None:
        condition, bound = _free(incarnation, owner, now, until, generation)
        item = self._table.update(name, _LEASE, condition, bound, returns="ALL_NEW")
        return None if item is None else items.connection(item)

    def release(self, name: Name, incarnation: Incarnation, owner: str) -> None:
        still_ours = "#lease_owner = :owner"
        self._table.update(
            name,
            "REMOVE #lease_owner, #lease_until",
            all_of(SAME_INCARNATION, still_ours),
            values(incarnation=incarnation, owner=owner),
        )

    def used(
        self,
        name: Name,
        incarnation: Incarnation,
        now: Instant,
        used_by: Mapping[str, Instant] | None = None,
    ) -> None:
        change, bound = "SET #last_used_at = :now", values(incarnation=incarnation, now=now)
        if used_by is not None:
            change += ", #used_by = :used_by"
            bound |= values(used_by=used_by)
        self._table.update(name, change, SAME_INCARNATION, bound)


def _free(
    incarnation: Incarnation, owner: str, now: Instant, until: Instant, generation: int | None
) -> tuple[str, dict[str, Any]]:
    """The condition on which the lease may be taken, and all values."""
    nobody_redeems = "attribute_not_exists(#lease_until) OR #lease_until <= :now"
    # The sender of an order took it for us; and a write may be repeated.
    we_redeem = "#lease_owner = :owner"
    # The one we waited for has done what we came for.
    nobody_redeemed_since = "" if generation is None else "#generation <= :generation"
    bound = values(incarnation=incarnation, owner=owner, now=now, until=until)
    if generation is not None:
        bound |= values(generation=generation)
    return (
        all_of(SAME_INCARNATION, f"{nobody_redeems} OR {we_redeem}", nobody_redeemed_since),
        bound,
    )
