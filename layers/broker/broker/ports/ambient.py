"""What makes a step depend on more than its arguments: time, randomness, telemetry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from broker.domain.secret import Secret


class Clock(Protocol):
    """Seconds since the epoch, UTC."""

    def __call__(self) -> float: ...


class Randomness(Protocol):
    """Randomness."""

    def secret(self) -> Secret:
        """256 unguessable bits, URL-safe."""
        ...

    def id(self) -> str:
        """128 random bits, for names that are not secret."""
        ...

    def between(self, low: float, high: float) -> float:
        """Jitter: uniform, not for secrets."""
        ...


Fact = str | int | bool | Sequence[str] | None
"""What a field of a log line may hold."""


class Telemetry(Protocol):
    """Logs and metrics of a step: allow-listed fields only."""

    def note(self, event: str, **fields: Fact) -> None:
        """One log line."""
        ...

    def count(self, metric: str, value: float = 1, **dimensions: str) -> None:
        """One metric."""
        ...
