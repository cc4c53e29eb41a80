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
    kill_at: int | None = None
    """The index of the moment at which the process ends."""
    once: dict[str, Callable[[], object]] = field(default_factory=dict)
    """By moment: what happens there, the first time."""

    def reach(self, moment: str) -> None:
        """A call begins or has ended."""
        self.passed.append(moment)
        if self.kill_at == len(self.passed) - 1:
            self.kill_at = None
            raise Killed(moment)
        if action := self.once.pop(moment, None):
            action()

    def tap(self, port: T, name: str) -> T:
        """The port, with a moment before and after each of its calls."""
        return cast(T, _Tapped(port, name, self))


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
