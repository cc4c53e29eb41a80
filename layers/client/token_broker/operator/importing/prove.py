"""One row into the broker: its connection, created or adjusted; then its token, redeemed there."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from token_broker.errors import TokenBrokerError
from token_broker.operator.client import Operator
from token_broker.operator.importing.gate import Abandoned, Gate
from token_broker.operator.importing.report import Outcome, failed
from token_broker.operator.importing.rows import LABEL, Row
from token_broker.operator.shapes import Change, Connection, username
from token_broker.operator.speech import spoken

FATAL = frozenset(
    {
        *("not_authorized", "no_credentials", "clock_skew", "unreachable"),
        *("client_secret_expired", "client_certificate_expired"),
    }
)
"""Codes that every further row would meet as well: the run ends, the rest is untried."""
TRIES = 4
"""Of a row that is told to come back later."""
LONGEST = 900
"""Seconds that the run waits at most for one `Retry-After`."""
LEFT = "a pending connection"
"""What a row leaves behind whose connection was created, and whose token was not accepted."""


@dataclass(frozen=True, slots=True)
class Prover:
    """`replace`: import into active connections, too. `dry`: only look."""

    operator: Operator
    gate: Gate
    stop: threading.Event
    replace: bool
    dry: bool

    def outcome(self, row: Row) -> Outcome:
        """What became of the row. Waits for as long as the broker says, with all others."""
        try:
            return self._tried(row)
        except Abandoned:
            detail = "The run ended while it waited."
            return Outcome(row.source, row.connection, "untried", detail=detail)

    def _tried(self, row: Row) -> Outcome:
        pending = False
        for left in reversed(range(TRIES)):
            self.gate.wait()
            try:
                before = self._before(row)
                pending = before is None or before["status"] == "pending"
                return self._proved(row, before)
            except TokenBrokerError as error:
                if not left or not self._heals(error):
                    return self._failed(row, error, pending and not self.dry)
                seconds = error.retry_after or 0
            self.gate.hold(seconds)
        raise AssertionError("unreachable")

    def _heals(self, error: TokenBrokerError) -> bool:
        waits = error.retry_after is not None and error.retry_after <= LONGEST
        return error.retryable and waits and not self.stop.is_set()

    def _failed(self, row: Row, error: TokenBrokerError, pending: bool) -> Outcome:
        if error.code in FATAL:
            self.stop.set()
        return Outcome(
            row.source,
            row.connection,
            "failed",
            code=error.code,
            detail=error.detail or error.title,
            actor=error.actor,
            remedy=spoken(error.remedy, row.connection),
            left=LEFT if pending else "",
        )

    def _before(self, row: Row) -> Connection | None:
        """The connection that was there before; None if there was none, and it has just been
        created."""
        try:
            return self.operator.show(row.connection)
        except TokenBrokerError as error:
            if error.code != "not_found":
                raise
        if self.dry:
            return None
        labels = {**row.wish.get("labels", {}), LABEL: row.digest}
        try:
            self.operator.create({**row.wish, "labels": labels})
        except TokenBrokerError as error:
            if error.code != "already_exists":
                raise
            return self.operator.show(row.connection)
        return None

    def _proved(self, row: Row, before: Connection | None) -> Outcome:
        settled = before and self._settled(row, before)
        if settled:
            return settled
        if self.dry:
            what = f"Into the {before['status']} connection." if before else "A new connection."
            return Outcome(row.source, row.connection, "ready", detail=what)
        if before and before["labels"].get(LABEL) != row.digest:
            self.operator.change(row.connection, _patch(row))
        after = self.operator.adopt(row.connection, row.refresh_token)
        return Outcome(row.source, row.connection, "imported", account=username(after))

    def _settled(self, row: Row, before: Connection) -> Outcome | None:
        """What needs no import, or must not have one."""
        if before["service"] != row.wish["service"]:
            detail = f"There is a connection of this name for {before['service']}."
            remedy = "Give the row another name."
            return failed(row.source, row.connection, "conflict", detail, remedy)
        if before["status"] != "active":
            return None
        account = username(before)
        if before["labels"].get(LABEL) == row.digest:
            return Outcome(row.source, row.connection, "unchanged", account=account)
        expected: Any = row.wish.get("account", {})
        if differs(expected, before):
            detail = f"The connection is active for another account: {account}."
            remedy = "Give the row another name; or delete the connection first."
            return failed(row.source, row.connection, "account_mismatch", detail, remedy)
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
