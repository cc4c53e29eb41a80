"""One pause for all rows: who is told to come back later holds up the others as well, for Microsoft
throttles the app, not the row."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Abandoned(Exception):  # noqa: N818 (an end, not an error)
    """Nobody waits any longer."""


class Gate:
    """Safe for threads. `opens_at`: on the monotonic clock."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._opens_at = clock()
        self.abandoned = threading.Event()
        """Set when nobody waits any longer: the run was interrupted."""

    def hold(self, seconds: float) -> None:
        """Keep everybody waiting for so long, and wait oneself."""
        with self._lock:
            self._opens_at = max(self._opens_at, self._clock() + seconds)
        self.wait()

    def wait(self) -> None:
        """Until the gate is open. Raises Abandoned when the run is interrupted meanwhile."""
        while (left := self.left()) > 0:
            if self.abandoned.wait(left):
                raise Abandoned

    def left(self) -> float:
        """Seconds until the gate opens."""
        return max(0.0, self._opens_at - self._clock())
