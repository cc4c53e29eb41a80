"""The three tables in memory, under one lock."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import accumulate

from broker.domain.attempts import OpenLink, Progress, State, Ticket
from broker.domain.connection import (
    Connection,
    Due,
    Failure,
    Findings,
    Sealed,
    Status,
    StoredRefreshToken,
)
from broker.domain.names import Incarnation, Instant, Name
from broker.ports.stores import (
    CHANGED,
    PAGE_BYTES,
    SHARDS,
    Consent,
    Fault,
    Settlement,
    weightless,
)

DESCRIBED = frozenset(
    {
        *("name", "incarnation", "epoch", "link", "open_link", "created_by", "service", "resource"),
        *("tenant", "scopes", "status", "grants", "expected", "account", "created_at", "client_id"),
        *("authority", "display_name", "purpose"),
    }
)
"""What a browser page may tell of a connection."""


@dataclass(slots=True)
class Tables:
    """What the stores below share. Tests may read it; each attribute is one kind of item."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    connections: dict[Name, Connection] = field(default_factory=dict)
    vault: dict[Incarnation, StoredRefreshToken] = field(default_factory=dict)
    tickets: dict[str, Ticket] = field(default_factory=dict)
    states: dict[str, State] = field(default_factory=dict)
    progress: dict[str, Progress] = field(default_factory=dict)
    candidates: dict[Incarnation, tuple[Sealed, Instant]] = field(default_factory=dict)
    breakers: dict[tuple[str, str], Fault] = field(default_factory=dict)
    reminders: dict[tuple[str, str], Instant] = field(default_factory=dict)
    notices: dict[str, Instant] = field(default_factory=dict)

    def current(self, name: Name, incarnation: Incarnation) -> Connection | None:
        """The connection, if it is still of this incarnation."""
        found = self.connections.get(name)
        return found if found and found.incarnation == incarnation else None


class Connections:
    """`ports.Connections`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def create(self, connection: Connection) -> bool:
        with self._tables.lock:
            found = self._tables.connections.get(connection.name)
            if found and found.incarnation != connection.incarnation:
                return False
            self._tables.connections[connection.name] = connection
            return True

    def get(self, name: Name, *, consistent: bool = True) -> Connection | None:
        with self._tables.lock:
            return self._tables.connections.get(name)

    def page(
        self,
        status: Status | None,
        limit: int,
        after: tuple[str, str] | None,
        size: Callable[[Connection], int] = weightless,
    ) -> tuple[list[Connection], tuple[str, str] | None]:
        order = list(Status)
        start = (order.index(Status(after[0])), after[1]) if after else (-1, "")
        with self._tables.lock:
            rest = sorted(
                (order.index(found.status), found.name)
                for found in self._tables.connections.values()
                if status in (None, found.status)
            )
            rest = [position for position in rest if position > start]
            page = [replace(self._tables.connections[name], tokens={}) for _, name in rest[:limit]]
        sums = list(accumulate(map(size, page)))
        page = page[: max(1, sum(total <= PAGE_BYTES for total in sums))]
        more = (page[-1].status.value, page[-1].name) if len(rest) > len(page) else None
        return page, more

    def change(self, before: Connection, after: Connection) -> bool:
        with self._tables.lock:
            found = self._tables.current(before.name, before.incarnation)
            if not found or found.version != before.version:
                return False
            self._tables.connections[found.name] = replace(
                found,
                version=found.version + 1,
                **{name: getattr(after, name) for name in CHANGED},
            )
            return True

    def link(self, before: Connection, tickets: tuple[str, str], opened: OpenLink) -> bool:
        with self._tables.lock:
            found = self._tables.current(before.name, before.incarnation)
            if not found or found.link != before.link:
                return False
            self._tables.connections[found.name] = replace(
                found, link=found.link + 1, tickets=tickets, open_link=opened
            )
            return True

    def refused(self, before: Connection, failure: Failure, status: Status | None = None) -> bool:
        with self._tables.lock:
            found = self._tables.current(before.name, before.incarnation)
            if not found or (found.link, found.epoch) != (before.link, before.epoch):
                return False
            if status and found.status is not Status.PENDING:
                return False
            self._tables.connections[found.name] = replace(
                found, status=status or found.status, consent_error=failure
            )
            return True

    def checked(self, name: Name, incarnation: Incarnation, epoch: int, findings: Findings) -> bool:
        with self._tables.lock:
            found = self._tables.current(name, incarnation)
            if not found or found.epoch != epoch:
                return False
            self._tables.connections[name] = replace(found, findings=findings)
            return True

    def lease(
        self,
        name: Name,
        incarnation: Incarnation,
        owner: str,
        now: Instant,
        until: Instant,
        generation: int | None = None,
    ) -> Connection | None:
        with self._tables.lock:
            found = self._tables.current(name, incarnation)
            if not found or (found.lease_owner != owner and found.leased(now)):
                return None
            if generation is not None and found.generation > generation:
                return None
            leased = replace(found, lease_owner=owner, lease_until=until)
            self._tables.connections[name] = leased
            return leased

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
        with self._tables.lock:
            if self.lease(name, incarnation, owner, now, until, generation) is None:
                return False
            self.used(name, incarnation, now, used_by)
            return True

    def release(self, name: Name, incarnation: Incarnation, owner: str) -> None:
        with self._tables.lock:
            found = self._tables.current(name, incarnation)
            if found and found.lease_owner == owner:
                self._tables.connections[name] = replace(found, lease_owner=None, lease_until=None)

    def used(
        self,
        name: Name,
        incarnation: Incarnation,
        now: Instant,
        used_by: Mapping[str, Instant] | None = None,
    ) -> None:
        with self._tables.lock:
            found = self._tables.current(name, incarnation)
            if found:
                by = found.used_by if used_by is None else used_by
                self._tables.connections[name] = replace(found, last_used_at=now, used_by=by)

    def settle(self, settlement: Settlement) -> bool:
        with self._tables.lock:
            found = self._tables.current(settlement.name, settlement.incarnation)
            if not found or (found.epoch, found.lease_owner) != (
                settlement.epoch,
                settlement.owner,
            ):
                return False
            self._tables.connections[found.name] = _settled(found, settlement)
            return True


def _settled(found: Connection, end: Settlement) -> Connection:
    tokens, granted, failures = dict(found.tokens), dict(found.granted), dict(found.failures)
    last_error, suspicion = found.last_error, found.suspicion
    if end.token:
        tokens[end.token.resource] = end.token
        if end.granted is not None:
            granted[end.token.resource] = end.granted
        failures.pop(end.token.resource, None)
        if end.token.resource == end.resource:
            last_error = suspicion = None
    for resource, failure in end.failures.items():
        if resource == end.resource:
            last_error = failure
        else:
            failures[resource] = failure
    return replace(
        found,
        tokens=tokens,
        granted=granted,
        failures=failures,
        last_error=last_error,
        suspicion=end.suspicion or suspicion,
        generation=found.generation if end.generation is None else end.generation,
        refreshed_at=found.refreshed_at if end.refreshed_at is None else end.refreshed_at,
        next_refresh_at=(
            found.next_refresh_at if end.next_refresh_at is None else end.next_refresh_at
        ),
        status=end.status or found.status,
        lease_owner=None,
        lease_until=None,
    )


class Descriptions:
    """`ports.Descriptions`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def describe(self, name: Name) -> Connection | None:
        with self._tables.lock:
            found = self._tables.connections.get(name)
        if found is None:
            return None
        return Connection(**{part: getattr(found, part) for part in DESCRIBED})


class Vault:
    """`ports.Vault`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def get(self, incarnation: Incarnation) -> StoredRefreshToken | None:
        with self._tables.lock:
            return self._tables.vault.get(incarnation)

    def rotate(
        self,
        before: StoredRefreshToken,
        sealed: Sealed | None,
        generation: int,
        due_at: Instant | None,
    ) -> bool:
        with self._tables.lock:
            found = self._tables.vault.get(before.incarnation)
            written_already = found and sealed and found.sealed == sealed
            if not found or not (written_already or self._same(before)):
                return False
            self._tables.vault[found.incarnation] = replace(
                found, sealed=sealed or found.sealed, generation=generation, due_at=due_at
            )
            return True

    def postpone(self, before: StoredRefreshToken, due_at: Instant | None) -> bool:
        with self._tables.lock:
            found = self._same(before)
            if found:
                self._tables.vault[found.incarnation] = replace(found, due_at=due_at)
            return found is not None

    def _same(self, before: StoredRefreshToken) -> StoredRefreshToken | None:
        found = self._tables.vault.get(before.incarnation)
        same = found and (found.epoch, found.generation) == (before.epoch, before.generation)
        return found if same else None

    def due(
        self, shard: int, until: Instant, limit: int, after: Due | None = None
    ) -> tuple[list[Due], Due | None]:
        start = (after.due_at, after.incarnation) if after else (-1, "")
        with self._tables.lock:
            rest = sorted(
                (found.due_at, found.incarnation, found.name, found.generation)
                for found in self._tables.vault.values()
                if found.due_at is not None
                and found.due_at <= until
                and _shard(found.incarnation) == shard
            )
        rest = [entry for entry in rest if entry[:2] > start]
        page = [
            Due(name, incarnation, generation, due_at)
            for due_at, incarnation, name, generation in rest[:limit]
        ]
        return page, page[-1] if len(rest) > limit else None


def _shard(incarnation: Incarnation) -> int:
    return sum(incarnation.encode()) % SHARDS


class Consents:
    """`ports.Consents`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def complete(self, consent: Consent) -> bool:
        with self._tables.lock:
            found = self._tables.current(consent.before.name, consent.before.incarnation)
            if not found or found.epoch != consent.before.epoch:
                return False
            if consent.link is not None:
                if found.link != consent.link:
                    return False
                found = replace(found, link=found.link + 1, tickets=(), open_link=None)
            stored = consent.stored
            self._tables.vault[found.incarnation] = stored
            self._tables.connections[found.name] = replace(
                found,
                epoch=found.epoch + 1,
                version=found.version + 1,
                generation=stored.generation,
                client_id=stored.client_id,
                authority=stored.authority,
                status=Status.ACTIVE,
                account=consent.account,
                scopes=consent.scopes,
                granted=consent.granted,
                tokens=consent.tokens,
                failures={},
                last_error=None,
                consent_error=None,
                findings=None,
                suspicion=None,
                authorized_at=consent.now,
                refreshed_at=consent.now,
                next_refresh_at=consent.next_refresh_at,
                lease_owner=None,
                lease_until=None,
            )
            return True

    def remove(self, connection: Connection) -> bool:
        with self._tables.lock:
            if not self._tables.current(connection.name, connection.incarnation):
                return False
            del self._tables.connections[connection.name]
            self._tables.vault.pop(connection.incarnation, None)
            return True
