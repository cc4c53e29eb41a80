"""Ctrl-C, counted: the first one asks, the second one interrupts as always."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def asked_first(act: Callable[[], None]) -> Iterator[None]:
    """The first Ctrl-C within calls `act`, in a signal handler: it sets flags and no more. An
    exception at any place could lose what became of a row. Elsewhere than in the main thread, and
    where Ctrl-C is ignored, nothing changes."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before is signal.SIG_IGN:
        yield
        return

    def handle(_: int, __: FrameType | None) -> None:
        signal.signal(signal.SIGINT, before)
        act()

    signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
