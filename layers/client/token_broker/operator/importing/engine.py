"""Rows into the broker: many at a time, and as often as one likes.

A row's connection is created if it is absent, with the row's digest as its label `import`; then the
broker proves the refresh token. An active connection is never touched, unless `replace` says so:
that makes a run repeatable, whatever interrupted the last one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

from token_broker.errors import TokenBrokerError
from token_broker.operator.client import Operator
from token_broker.operator.importing.files import Item
from token_broker.operator.importing.report import Outcome
from token_broker.operator.importing.rows import LABEL, BadRow, Row
from token_broker.operator.shapes import Change, Connection, username

FATAL = frozenset(
    {
        *("not_authorized", "no_credentials", "clock_skew", "unreachable"),
        *("client_secret_expired", "client_certificate_expired"),
    }
)
"""Codes that every further row would meet as well: the run ends, the rest is untried."""

AHEAD = 4
"""Rows read ahead for each thread."""


@dataclass(slots=True)
class Run:
    """One run. `tell` is called from one thread, once for each row."""

    operator: Operator
    tell: Callable[[Outcome], None]
    replace: bool = False
    stop: threading.Event = field(default_factory=threading.Event)
    seen: set[str] = field(default_factory=set)

    def run(self, items: Iterable[Item], threads: int) -> None:
        """All rows. An interruption lets those under way end, and raises."""
        waiting: set[Future[Outcome]] = set()
        with ThreadPoolExecutor(threads) as pool:
            try:
                for item in items:
                    if len(waiting) >= threads * AHEAD:
                        done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                        self._tell(done)
                    found = self._check(item)
                    if isinstance(found, Outcome):
                        self.tell(found)
                    else:
                        waiting.add(pool.submit(self._import, found))
                self._tell(wait(waiting)[0])
            except BaseException:
                self.stop.set()
                self._tell(wait(waiting)[0])
                raise

    def _tell(self, done: Iterable[Future[Outcome]]) -> None:
        for one in done:
            self.tell(one.result())

    def _check(self, item: Item) -> Row | Outcome:
        """What can be said without the broker."""
        if isinstance(item, BadRow):
            return _failed(item.source, item.connection, item.code, item.detail, item.remedy)
        if item.connection in self.seen:
            detail = "Another row has the same connection; the first one counts."
            remedy = "Give each row a connection of its own."
            return _failed(item.source, item.connection, "invalid_request", detail, remedy)
        self.seen.add(item.connection)
        return item

    def _import(self, row: Row) -> Outcome:
        if self.stop.is_set():
            return Outcome(row.source, row.connection, "untried", detail="The run ended before.")
        try:
            return self._prove(row)
        except TokenBrokerError as error:
            if error.code in FATAL:
                self.stop.set()
            return Outcome(
                row.source,
                row.connection,
                "failed",
                code=error.code,
                detail=error.detail or error.title,
                actor=error.actor,
                remedy=error.remedy,
            )

    def _prove(self, row: Row) -> Outcome:
        """Create or adjust the connection; then have the broker redeem the token."""
        before = self._existing(row)
        if before is not None:
            settled = self._settled(row, before)
            if settled is not None:
                return settled
            if before["labels"].get(LABEL) != row.digest:
                self.operator.change(row.connection, _patch(row))
        after = self.operator.adopt(row.connection, row.refresh_token)
        return Outcome(row.source, row.connection, "imported", account=username(after))

    def _existing(self, row: Row) -> Connection | None:
        """The connection that was there before; None if it has just been created."""
        try:
            return self.operator.show(row.connection)
        except TokenBrokerError as error:
            if error.code != "not_found":
                raise
        labels = {**row.wish.get("labels", {}), LABEL: row.digest}
        try:
            self.operator.create({**row.wish, "labels": labels})
        except TokenBrokerError as error:
            if error.code != "already_exists":
                raise
            return self.operator.show(row.connection)
        return None

    def _settled(self, row: Row, before: Connection) -> Outcome | None:
        """What needs no import, or must not have one."""
        if before["service"] != row.wish["service"]:
            detail = f"There is a connection of this name for {before['service']}."
            remedy = "Give the row another name."
            return _failed(row.source, row.connection, "conflict", detail, remedy)
        if before["status"] != "active":
            return None
        account = username(before)
        if before["labels"].get(LABEL) == row.digest:
            return Outcome(row.source, row.connection, "unchanged", account=account)
        expected: Any = row.wish.get("account", {})
        if differs(expected, before):
            detail = f"The connection is active for another account: {account}."
            remedy = "Give the row another name; or delete the connection first."
            return _failed(row.source, row.connection, "account_mismatch", detail, remedy)
        if self.replace:
            return None
        detail = "It is active already, and not from this row; --replace imports it nevertheless."
        return Outcome(row.source, row.connection, "skipped", account=account, detail=detail)


def differs(expected: dict[str, str], one: Connection) -> bool:
    """Whether another account consented than the one expected."""
    account: dict[str, Any] = dict(one["account"] or {})
    return any(
        str(account.get(name) or "").casefold() != text.casefold()
        for name, text in expected.items()
    )


def _patch(row: Row) -> Change:
    """What the row says of a connection that is there, and not active."""
    change: Change = {"labels": {**row.wish.get("labels", {}), LABEL: row.digest}}
    if "grants" in row.wish:
        change["grants"] = row.wish["grants"]
    if "parameters" in row.wish:
        change["parameters"] = {**row.wish["parameters"]}
    return change


def _failed(source: str, connection: str, code: str, detail: str, remedy: str) -> Outcome:
    return Outcome(source, connection, "failed", "", code, detail, "caller", remedy)
