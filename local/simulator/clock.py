"""Time that can be moved, so that expiries can be played."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Clock:
    """Wall time plus an offset in seconds."""

    def __init__(self) -> None:
        self.offset = 0.0

    def now(self) -> float:
        """Seconds since the epoch, as the platform believes."""
        return time.time() + self.offset

    def stamp(self) -> str:
        """The time as Microsoft writes it in errors: ``2026-11-21 01:25:27Z``."""
        return datetime.fromtimestamp(self.now(), UTC).strftime("%Y-%m-%d %H:%M:%SZ")
