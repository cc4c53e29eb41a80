"""The table `authorizations`: what is under way.

One key attribute, `id`, whose prefix tells what an item is; each function may write its own kinds
only (`template.yaml`). DynamoDB deletes an item some time after `purge_at`; nothing here relies on
it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from broker.adapters.dynamodb import items
from broker.adapters.dynamodb.codec import Plain
from broker.adapters.dynamodb.table import Table, all_of, values
from broker.domain.attempts import Progress, State, Ticket
from broker.domain.connection import Sealed
from broker.domain.names import Incarnation, Instant
from broker.ports.stores import Fault

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PURGE_SECONDS = 86_400
"""How long an item stays after its end, so that a late visitor learns what became of it."""

_NOT_EXPIRED = "#expires_at > :now"
"""Fails on a missing item too."""
_PROGRESS = tuple(part.name for part in fields(Progress))


def _item(identifier: str, value: Any, expires_at: Instant) -> Plain:
    content = {part.name: getattr(value, part.name) for part in fields(value)}
    return content | _ends(expires_at) | {"id": identifier}


def _ends(expires_at: Instant) -> Plain:
    return {"expires_at": expires_at, "purge_at": expires_at + PURGE_SECONDS}


class Authorizations:
    """`ports.Authorizations`. `table`: the name of the table `authorizations`."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._table = Table(client, table, "id")

    def put_ticket(self, digest: str, ticket: Ticket) -> None:
        self._table.put(_item(f"ticket#{digest}", ticket, ticket.expires_at))

    def ticket(self, digest: str) -> Ticket | None:
        found = self._table.read(f"ticket#{digest}")
        return items.ticket(found) if found else None

    def opened(self, digest: str, now: Instant) -> None:
        first_time = "attribute_not_exists(#opened_at)"
        self._table.update(
            f"ticket#{digest}",
            "SET #opened_at = :now",
            all_of(_NOT_EXPIRED, first_time),
            values(now=now),
        )

    def start(self, digest: str, now: Instant, most: int) -> bool:
        some_left = "#starts < :most"
        done = self._table.update(
            f"ticket#{digest}",
            "SET #starts = #starts + :one, #started_at = :now",
            all_of(_NOT_EXPIRED, some_left),
            values(now=now, most=most, one=1),
        )
        return done is not None

    def returned(self, digest: str, now: Instant) -> None:
        # Not bound to its expiry: an attempt that began in time may end after the ticket does.
        still_there = "attribute_exists(#id)"
        self._table.update(
            f"ticket#{digest}", "SET #returned_at = :now", still_there, values(now=now)
        )

    def put_state(self, digest: str, state: State) -> None:
        content = _item(f"state#{digest}", state, state.expires_at)
        # PKCE's verifier stays on the server (RFC 7636); it is worth nothing without the code.
        self._table.put(content | {"verifier": state.verifier.open()})

    def claim(self, digest: str, cookie: str, now: Instant) -> State | None:
        same_browser, nobody_did = "#cookie = :cookie", "attribute_not_exists(#claimed_at)"
        # If botocore repeats it because the answer was lost, the state is claimed: the owner begins
        # anew, which is better than a code that is redeemed twice.
        before = self._table.update(
            f"state#{digest}",
            "SET #claimed_at = :now REMOVE #verifier, #nonce",
            all_of(_NOT_EXPIRED, same_browser, nobody_did),
            values(now=now, cookie=cookie),
            returns="ALL_OLD",
        )
        return items.state(before) if before else None

    def progress(self, digest: str) -> Progress | None:
        found = self._table.read(f"state#{digest}", _PROGRESS)
        if found and "page" in found:
            found["page"] = json.loads(found["page"])
        return items.progress(found) if found else None

    def conclude(self, digest: str, page: Mapping[str, Any], expires_at: Instant) -> None:
        claimed = "attribute_exists(#claimed_at)"
        self._table.update(
            f"state#{digest}",
            "SET #page = :page, #expires_at = :expires_at, #purge_at = :purge_at",
            claimed,
            values(page=json.dumps(dict(page)), **_ends(expires_at)),
        )


class Candidates:
    """`ports.Candidates`, in the table `authorizations`."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._table = Table(client, table, "id")

    def put(self, incarnation: Incarnation, sealed: Sealed, expires_at: Instant) -> None:
        self._table.put({"id": f"import#{incarnation}", "sealed": sealed} | _ends(expires_at))

    def take(self, incarnation: Incarnation, now: Instant) -> Sealed | None:
        found = self._table.delete(f"import#{incarnation}", _NOT_EXPIRED, values(now=now))
        return items.sealed(found) if found else None


class Breakers:
    """`ports.Breakers`, in the table `authorizations`."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._table = Table(client, table, "id")

    def get(self, client_id: str, version: str) -> Fault | None:
        found = self._table.read(_breaker(client_id, version))
        return items.fault(found) if found else None

    def open(self, client_id: str, version: str, fault: Fault, until: Instant) -> Fault | None:
        # One write for both: of those who open it at once, one finds nothing there.
        before = self._table.update(
            _breaker(client_id, version),
            "SET #code = if_not_exists(#code, :code), #detail = if_not_exists(#detail, :detail), "
            "#since = if_not_exists(#since, :since), #retry_at = :retry_at, "
            "#expires_at = :expires_at, #purge_at = :purge_at",
            None,
            values(
                code=fault.code,
                detail=fault.detail,
                since=fault.since,
                retry_at=fault.retry_at,
                **_ends(until),
            ),
            returns="ALL_OLD",
        )
        return items.fault(before) if before else None

    def announce(self, client_id: str, version: str) -> bool:
        is_news = "attribute_exists(#since) AND attribute_not_exists(#told)"
        key = _breaker(client_id, version)
        return self._table.update(key, "SET #told = :told", is_news, values(told=True)) is not None

    def probe(self, client_id: str, version: str, now: Instant, retry_at: Instant) -> bool:
        is_due = "#retry_at <= :now"
        done = self._table.update(
            _breaker(client_id, version),
            "SET #retry_at = :retry_at",
            is_due,
            values(now=now, retry_at=retry_at),
        )
        return done is not None

    def close(self, client_id: str, version: str) -> bool:
        return bool(self._table.delete(_breaker(client_id, version)))

    def remind(self, client_id: str, version: str, now: Instant, until: Instant) -> bool:
        is_due = "attribute_not_exists(#expires_at) OR #expires_at <= :now"
        done = self._table.update(
            f"reminder#{client_id}#{version}",
            "SET #expires_at = :expires_at, #purge_at = :purge_at",
            is_due,
            values(now=now, **_ends(until)),
        )
        return done is not None


def _breaker(client_id: str, version: str) -> str:
    return f"breaker#{client_id}#{version}"
