"""What is under way, in memory: tickets, states, outcomes, candidates and breakers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from broker.domain.attempts import Progress, State, Ticket
from broker.domain.connection import Sealed
from broker.domain.names import Incarnation, Instant
from broker.ports.stores import Fault
from local.memory.tables import Tables


class Authorizations:
    """`ports.Authorizations`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def put_ticket(self, digest: str, ticket: Ticket) -> None:
        with self._tables.lock:
            self._tables.tickets[digest] = ticket

    def ticket(self, digest: str) -> Ticket | None:
        with self._tables.lock:
            return self._tables.tickets.get(digest)

    def opened(self, digest: str, now: Instant) -> None:
        with self._tables.lock:
            found = self._living(digest, now)
            if found and found.opened_at is None:
                self._tables.tickets[digest] = replace(found, opened_at=now)

    def start(self, digest: str, now: Instant, most: int) -> bool:
        with self._tables.lock:
            found = self._living(digest, now)
            if not found or found.starts >= most:
                return False
            self._tables.tickets[digest] = replace(found, starts=found.starts + 1, started_at=now)
            return True

    def returned(self, digest: str, now: Instant) -> None:
        with self._tables.lock:
            found = self._tables.tickets.get(digest)
            if found:
                self._tables.tickets[digest] = replace(found, returned_at=now)

    def _living(self, digest: str, now: Instant) -> Ticket | None:
        found = self._tables.tickets.get(digest)
        return found if found and found.expires_at > now else None

    def put_state(self, digest: str, state: State) -> None:
        with self._tables.lock:
            self._tables.states[digest] = state

    def claim(self, digest: str, cookie: str, now: Instant) -> State | None:
        with self._tables.lock:
            found = self._tables.states.get(digest)
            if not found or found.cookie != cookie or found.expires_at <= now:
                return None
            self._tables.progress[digest] = Progress(cookie, found.expires_at, now)
            return self._tables.states.pop(digest)

    def progress(self, digest: str) -> Progress | None:
        with self._tables.lock:
            state = self._tables.states.get(digest)
            if state:
                return Progress(state.cookie, state.expires_at)
            return self._tables.progress.get(digest)

    def conclude(self, digest: str, page: Mapping[str, Any], expires_at: Instant) -> None:
        # Through JSON, as any store must: a tuple or an object would come back changed.
        with self._tables.lock:
            claimed = self._tables.progress[digest]
            self._tables.progress[digest] = replace(
                claimed, page=json.loads(json.dumps(dict(page))), expires_at=expires_at
            )


class Candidates:
    """`ports.Candidates`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def put(self, incarnation: Incarnation, sealed: Sealed, expires_at: Instant) -> None:
        with self._tables.lock:
            self._tables.candidates[incarnation] = (sealed, expires_at)

    def take(self, incarnation: Incarnation, now: Instant) -> Sealed | None:
        with self._tables.lock:
            sealed, expires_at = self._tables.candidates.get(incarnation, (None, 0))
            if sealed is None or expires_at <= now:
                return None
            del self._tables.candidates[incarnation]
            return sealed


class Breakers:
    """`ports.Breakers`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def get(self, client_id: str, version: str) -> Fault | None:
        with self._tables.lock:
            return self._tables.breakers.get((client_id, version))

    def open(self, client_id: str, version: str, fault: Fault, until: Instant) -> Fault | None:
        with self._tables.lock:
            before = self._tables.breakers.get((client_id, version))
            self._tables.breakers[client_id, version] = (
                replace(before, retry_at=fault.retry_at) if before else fault
            )
            return before

    def announce(self, client_id: str, version: str) -> bool:
        with self._tables.lock:
            fault = self._tables.breakers.get((client_id, version))
            if fault is None or fault.told:
                return False
            self._tables.breakers[client_id, version] = replace(fault, told=True)
            return True

    def probe(self, client_id: str, version: str, now: Instant, retry_at: Instant) -> bool:
        with self._tables.lock:
            found = self._tables.breakers.get((client_id, version))
            if not found or found.retry_at > now:
                return False
            self._tables.breakers[client_id, version] = replace(found, retry_at=retry_at)
            return True

    def remind(self, client_id: str, version: str, now: Instant, until: Instant) -> bool:
        with self._tables.lock:
            if self._tables.reminders.get((client_id, version), 0) > now:
                return False
            self._tables.reminders[client_id, version] = until
            return True

    def close(self, client_id: str, version: str) -> bool:
        with self._tables.lock:
            return self._tables.breakers.pop((client_id, version), None) is not None
