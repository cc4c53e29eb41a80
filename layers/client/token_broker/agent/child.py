"""A program as a child: its signals, its exit code, nothing left behind.

The parent blocks the signals it passes on and waits for them in one place, so that none is lost
between two of them, and no handler interrupts anything. What the keyboard sends
(Ctrl-C, Ctrl-\\) reaches the child by itself, because both are of the terminal's foreground group;
passed on it would arrive twice. Ctrl-Z is not touched: it stops both.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

PASSED_ON = tuple(
    getattr(signal, name)
    for name in ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGWINCH")
)
AWAITED = frozenset({*PASSED_ON, signal.SIGCHLD})
ENDING = frozenset({signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM})
KEYBOARD = frozenset({signal.SIGINT, signal.SIGQUIT, signal.SIGWINCH})
FROM_KERNEL = 0x80
"""SI_KERNEL: sent by the terminal, to the whole group."""
RESTORED = (signal.SIGPIPE, signal.SIGXFSZ)
"""Python ignores these; programs expect them."""

NOT_FOUND, NOT_EXECUTABLE = 127, 126
"""Exit codes of shells for a command that cannot be run."""


class CannotStartError(Exception):
    """The program cannot be started. `code`: the exit code for that."""

    def __init__(self, code: int, text: str) -> None:
        self.code = code
        super().__init__(text)


class Signal(NamedTuple):
    """One that arrived. `everywhere`: the terminal has sent it to the child as well."""

    number: int
    everywhere: bool


class Child:
    """A program that runs. Make it in the main thread, before any other thread."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Raises CannotStartError."""
        self._before = signal.pthread_sigmask(signal.SIG_BLOCK, AWAITED)
        self._kill_at: float | None = None
        try:
            self.pid = os.posix_spawnp(
                command[0], [*command], environment, setsigmask=self._before, setsigdef=RESTORED
            )
        except OSError as error:
            self._restore()
            code = NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE
            raise CannotStartError(code, f"{command[0]}: {error.strerror}.") from None

    def wait(self, kill_after: float | None = None) -> int:
        """The exit code, once the child has ended; as shells give it, 128 and the signal's number
        for one that a signal ended.

        kill_after  seconds from the first signal to end until the child is killed; None: never,
                    because a program may have good reasons to go on
        """
        try:
            while True:
                code = self._ended()
                if code is not None:
                    return code
                self._pass_on(self._next(), kill_after)
        finally:
            self._restore()

    def _pass_on(self, got: Signal | None, kill_after: float | None) -> None:
        """To the child, which has not been waited for yet: its id is still its own."""
        if got is None:
            os.kill(self.pid, signal.SIGKILL)
            self._kill_at = None
        elif got.number != signal.SIGCHLD:
            if not got.everywhere:
                os.kill(self.pid, got.number)
            if got.number in ENDING and kill_after is not None and self._kill_at is None:
                self._kill_at = time.monotonic() + kill_after

    def _next(self) -> Signal | None:
        """The next signal; None when it is time to kill."""
        if self._kill_at is None:
            info: signal.struct_siginfo | None = signal.sigwaitinfo(AWAITED)
        else:
            info = signal.sigtimedwait(AWAITED, max(0.0, self._kill_at - time.monotonic()))
        if info is None:
            return None
        everywhere = info.si_code == FROM_KERNEL and info.si_signo in KEYBOARD
        return Signal(info.si_signo, everywhere)

    def _ended(self) -> int | None:
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid == 0:
            return None
        code = os.waitstatus_to_exitcode(status)
        return code if code >= 0 else 128 - code

    def _restore(self) -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, self._before)
