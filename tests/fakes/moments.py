"""Moments: right before and right after each call of a port, where a test may let something happen.

A process that is killed at a moment leaves behind exactly what it had done until then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

T = TypeVar("T")


class Killed(BaseException):
    """The process ended here. No `except Exception` sees it."""


@dataclass(slots=True)
class Moments:
    """The moments that passed, and what shall happen at some of them."""

    passed: list[str] = field(default_factory=list)
    fail_at: int | None = None
    """The index of the moment at which something happens to the process."""
    fault: Callable[[str], BaseException | None] = Killed
    """By moment: what happens; None if that moment cannot fail so."""
    injected: int = 0
    once: dict[str, Callable[[], object]] = field(default_factory=dict)
    """By moment: what happens there, the first time."""

    def reach(self, moment: str) -> None:
        """A call begins or has ended."""
        self.passed.append(moment)
        if self.fail_at == len(self.passed) - 1:
            self.fail_at = None
            if fault := self.fault(moment):
                self.injected += 1
                raise fault
        if action := self.once.pop(moment, None):
            action()

    def tap(self, port: T, name: str) -> T:
        """The port, with a moment before and after each of its calls."""
        return cast("T", _Tapped(port, name, self))


class _Tapped:
    def __init__(self, port: object, name: str, moments: Moments) -> None:
        self._port, self._name, self._moments = port, name, moments

    def __getattr__(self, method: str) -> Any:
        found = getattr(self._port, method)

        def call(*args: Any, **kwargs: Any) -> Any:
            self._moments.reach(f"before {self._name}.{method}")
            result = found(*args, **kwargs)
            self._moments.reach(f"after {self._name}.{method}")
            return result

        return call
