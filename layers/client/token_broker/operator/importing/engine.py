"""Rows into the broker: many at a time, and as often as one likes.

A row's connection is created if it is absent, with the row's digest as its label `import`; then the
broker proves the refresh token. An active connection is never touched, unless `replace` says so:
that makes a run repeatable, whatever interrupted the last one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from queue import Empty, Queue, SimpleQueue

from token_broker.operator.client import Operator
from token_broker.operator.importing.files import Item
from token_broker.operator.importing.gate import Gate
from token_broker.operator.importing.interrupts import asked_first
from token_broker.operator.importing.prove import Prover
from token_broker.operator.importing.report import Outcome, failed
from token_broker.operator.importing.rows import BadRow, Row

AHEAD = 4
"""Rows read ahead for each thread."""
TICK = 0.5
"""Seconds between two looks at the gate, for whoever shows a countdown."""


def _nothing(_: int = 0) -> None:
    """Nobody looks."""


@dataclass(slots=True)
class Run:
    """One run. `tell` is called once for each row, `tick` now and then, `interrupted` with the
    number of rows under way after the first Ctrl-C; all from the thread that called `run`."""

    operator: Operator
    tell: Callable[[Outcome], None]
    replace: bool = False
    dry: bool = False
    gate: Gate = field(default_factory=Gate)
    tick: Callable[[], None] = _nothing
    interrupted: Callable[[int], None] = _nothing
    stop: threading.Event = field(default_factory=threading.Event)
    seen: set[str] = field(default_factory=set)
    active: set[str] = field(default_factory=set)
    waiting: int = 0
    told: bool = False
    rows: Queue[Row | None] = field(default_factory=Queue)
    outcomes: SimpleQueue[Outcome | BaseException] = field(default_factory=SimpleQueue)

    def run(self, items: Iterable[Item], threads: int) -> None:
        """All rows. The first interruption lets those under way end, and raises; a second one
        raises at once."""
        for _ in range(threads):
            # Daemons: after a second Ctrl-C the process ends without them.
            threading.Thread(target=self._work, daemon=True).start()
        try:
            with asked_first(self._end):
                for item in items:
                    while self.waiting >= threads * AHEAD:
                        self._next()
                    self._submit(item)
                while self.waiting:
                    self._next()
        except BaseException:
            self._end()
            raise
        finally:
            for _ in range(threads):
                self.rows.put(None)
        if self.gate.abandoned.is_set():
            raise KeyboardInterrupt

    def _submit(self, item: Item) -> None:
        row = self._check(item)
        if isinstance(row, Outcome):
            self.tell(row)
        else:
            self.waiting += 1
            self.rows.put(row)

    def _next(self) -> None:
        """Tell one outcome; look at the gate until there is one."""
        while True:
            self.tick()
            if self.gate.abandoned.is_set() and not self.told:
                self.told = True
                self.interrupted(len(self.active))
            try:
                outcome = self.outcomes.get(timeout=TICK)
            except Empty:
                continue
            self.waiting -= 1
            if isinstance(outcome, BaseException):
                raise outcome
            self.tell(outcome)
            return

    def _end(self) -> None:
        self.stop.set()
        self.gate.abandoned.set()

    def _work(self) -> None:
        """Rows, one after the other, in a thread of its own."""
        prover = Prover(self.operator, self.gate, self.stop, self.replace, self.dry)
        while (row := self.rows.get()) is not None:
            try:
                self.outcomes.put(self._import(prover, row))
            except BaseException as error:  # noqa: BLE001 (raised by whoever runs)
                self.outcomes.put(error)

    def _import(self, prover: Prover, row: Row) -> Outcome:
        if self.stop.is_set():
            return Outcome(row.source, row.connection, "untried", detail="The run ended before.")
        self.active.add(row.connection)
        try:
            return prover.outcome(row)
        finally:
            self.active.discard(row.connection)

    def _check(self, item: Item) -> Row | Outcome:
        """What can be said without the broker."""
        if isinstance(item, BadRow):
            return failed(item.source, item.connection, item.code, item.detail, item.remedy)
        if item.connection in self.seen:
            detail = "Another row has the same connection; the first one counts."
            remedy = "Give each row a connection of its own."
            return failed(item.source, item.connection, "invalid_request", detail, remedy)
        self.seen.add(item.connection)
        return item
