"""The table `connections`."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from typing import Any

from broker.adapters.aws_errors import call
from broker.adapters.dynamodb import items
from broker.adapters.dynamodb.codec import Plain, plain
from broker.adapters.dynamodb.leases import SAME_INCARNATION, Leases
from broker.adapters.dynamodb.table import SERVICE, all_of, names, values
from broker.domain.attempts import OpenLink
from broker.domain.connection import Connection, Failure, Findings, Status
from broker.domain.names import Incarnation, Name
from broker.ports.errors import Unavailable
from broker.ports.stores import CHANGED, PAGE_BYTES, Settlement, weightless

INDEX = "status"

_LISTED = tuple(part.name for part in fields(Connection) if part.name != "tokens")
_BATCH = 25
"""Keys asked for at once: BatchGetItem takes 100, but answers no more than 16 MB, and a page ends
long before."""
_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds between rounds for the keys that a batch left unprocessed."""


class Connections(Leases):
    """`ports.Connections`."""

    def create(self, connection: Connection) -> bool:
        name_is_free = "attribute_not_exists(#name)"
        # botocore repeats a write whose answer was lost. Incarnations are random.
        we_took_it = SAME_INCARNATION
        return self._table.put(
            {part.name: getattr(connection, part.name) for part in fields(connection)},
            f"{name_is_free} OR {we_took_it}",
            values(incarnation=connection.incarnation),
        )

    def change(self, before: Connection, after: Connection) -> bool:
        unchanged_since = "#version = :version"
        done = self._table.update(
            before.name,
            "SET " + ", ".join(f"#{name} = :{name}" for name in CHANGED) + ", #version = :next",
            all_of(SAME_INCARNATION, unchanged_since),
            values(
                incarnation=before.incarnation,
                version=before.version,
                next=before.version + 1,
                **{name: getattr(after, name) for name in CHANGED},
            ),
        )
        return done is not None

    def link(self, before: Connection, tickets: tuple[str, str], opened: OpenLink) -> bool:
        no_newer_link = "#link = :link"
        done = self._table.update(
            before.name,
            "SET #link = :next, #tickets = :tickets, #open_link = :opened",
            all_of(SAME_INCARNATION, no_newer_link),
            values(
                incarnation=before.incarnation,
                link=before.link,
                next=before.link + 1,
                tickets=tickets,
                opened=opened,
            ),
        )
        return done is not None

    def refused(self, before: Connection, failure: Failure, status: Status | None = None) -> bool:
        no_newer_link, no_other_consent = "#link = :link", "#epoch = :epoch"
        never_consented = "#status = :pending" if status else ""
        bound = values(
            incarnation=before.incarnation, link=before.link, epoch=before.epoch, failure=failure
        )
        change = "SET #consent_error = :failure"
        if status:
            bound |= values(pending=Status.PENDING, status=status)
            change += ", #status = :status"
        condition = all_of(SAME_INCARNATION, no_newer_link, no_other_consent, never_consented)
        return self._table.update(before.name, change, condition, bound) is not None

    def checked(self, name: Name, incarnation: Incarnation, epoch: int, findings: Findings) -> bool:
        same_consent = "#epoch = :epoch"
        done = self._table.update(
            name,
            "SET #findings = :findings",
            all_of(SAME_INCARNATION, same_consent),
            values(incarnation=incarnation, epoch=epoch, findings=findings),
        )
        return done is not None

    def settle(self, settlement: Settlement) -> bool:
        same_consent = "#epoch = :epoch"
        still_ours = "#lease_owner = :owner"
        change, bound, aliases = _change(settlement)
        done = self._table.update(
            settlement.name,
            change,
            all_of(SAME_INCARNATION, same_consent, still_ours),
            bound
            | values(
                incarnation=settlement.incarnation,
                epoch=settlement.epoch,
                owner=settlement.owner,
            ),
            aliases=aliases,
        )
        return done is not None

    def page(
        self,
        status: Status | None,
        limit: int,
        after: tuple[str, str] | None,
        size: Callable[[Connection], int] = weightless,
    ) -> tuple[list[Connection], tuple[str, str] | None]:
        positions, last = self._positions(status, limit, after)
        shown: list[Connection] = []
        place, total = after, 0
        for position, connection in self._read(positions):
            total += size(connection)
            if shown and total > PAGE_BYTES:
                return shown, place
            shown.append(connection)
            place = position
        return shown, last

    def _positions(
        self, status: Status | None, limit: int, after: tuple[str, str] | None
    ) -> tuple[list[tuple[str, str]], tuple[str, str] | None]:
        """Up to `limit` places in the index, and the last one if it goes on behind it."""
        positions: list[tuple[str, str]] = []
        order = list(Status)
        first = order.index(Status(after[0])) if after else 0
        for number, each in enumerate(order):
            if number < first or status not in (None, each):
                continue
            behind = after[1] if after and number == first else ""
            for name in self._names(each, behind, limit + 1):
                positions.append((each.value, name))
                if len(positions) > limit:  # one more than wanted: it goes on
                    return positions[:limit], positions[limit - 1]
        return positions, None

    def _names(self, status: Status, behind: str, limit: int) -> Iterator[str]:
        has_status, lies_behind = "#status = :status", "#name > :behind"
        # A key is not empty, and may not be compared with what is.
        condition = f"{has_status} AND {lies_behind}" if behind else has_status
        bound = values(status=status) | (values(behind=behind) if behind else {})
        start: dict[str, Any] = {}
        while True:
            answer = call(
                SERVICE,
                self._table.client.query,
                TableName=self._table.name,
                IndexName=INDEX,
                KeyConditionExpression=condition,
                ExpressionAttributeNames=names(condition),
                ExpressionAttributeValues=bound,
                Limit=limit,
                **start,
            )
            yield from (plain(item)["name"] for item in answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def _read(
        self, positions: Sequence[tuple[str, str]]
    ) -> Iterator[tuple[tuple[str, str], Connection]]:
        """The connections in their order, without those deleted by now."""
        for start in range(0, len(positions), _BATCH):
            batch = positions[start : start + _BATCH]
            known = {item["name"]: item for item in self._batch([name for _, name in batch])}
            for position in batch:
                if position[1] in known:
                    yield position, items.connection(known[position[1]])

    def _batch(self, wanted: Sequence[str]) -> Iterator[Plain]:
        projection = ", ".join(f"#{name}" for name in _LISTED)
        request: Any = {
            self._table.name: {
                "Keys": [self._table.key(name) for name in wanted],
                "ProjectionExpression": projection,
                "ExpressionAttributeNames": names(projection),
            }
        }
        for pause in (*_PAUSES, None):
            answer = call(SERVICE, self._table.client.batch_get_item, RequestItems=request)
            yield from (plain(item) for item in answer["Responses"].get(self._table.name, ()))
            request = answer.get("UnprocessedKeys")
            if not request:
                return
            if pause:
                time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 (jitter)
        raise Unavailable(SERVICE, "UnprocessedKeys")


def _change(end: Settlement) -> tuple[str, dict[str, Any], dict[str, str]]:
    """The update expression of a settlement, its values, and what its placeholders for resources
    (#r0, #r1) stand for."""
    answerer = [end.token.resource] if end.token else []
    places = {name: f"r{n}" for n, name in enumerate(dict.fromkeys([*answerer, *end.failures]))}

    def failure_of(resource: str) -> str:
        return "#last_error" if resource == end.resource else f"#failures.#{places[resource]}"

    cleared = {"#lease_owner", "#lease_until"}
    written: dict[str, Any] = {
        "#generation": end.generation,
        "#refreshed_at": end.refreshed_at,
        "#next_refresh_at": end.next_refresh_at,
        "#status": end.status,
        "#suspicion": end.suspicion,
    }
    if end.token:
        place = places[end.token.resource]
        written |= {f"#tokens.#{place}": end.token, f"#granted.#{place}": end.granted}
        cleared |= {failure_of(end.token.resource)}
        cleared |= {"#suspicion"} if end.token.resource == end.resource else set()
    written |= {failure_of(resource): failure for resource, failure in end.failures.items()}
    written = {path: value for path, value in written.items() if value is not None}
    # DynamoDB refuses to write and to clear one path at once; what is written wins.
    change = "REMOVE " + ", ".join(sorted(cleared - written.keys()))
    if written:
        change += " SET " + ", ".join(f"{path} = :v{n}" for n, path in enumerate(written))
    bound = values(**{f"v{n}": value for n, value in enumerate(written.values())})
    return change, bound, {place: resource for resource, place in places.items()}
