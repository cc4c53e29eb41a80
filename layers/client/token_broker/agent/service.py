"""The agent put together: as a service, or beside one program."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from token_broker.agent import appservice, environment, guard
from token_broker.agent.app import Agent
from token_broker.agent.child import Child
from token_broker.agent.choice import Choice
from token_broker.agent.guard import Guard
from token_broker.agent.journal import Journal
from token_broker.agent.server import MAX_CONNECTIONS, Server, listen
from token_broker.agent.tokens import WAIT, HostBroker, Tokens

ENDING = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})


@dataclass(frozen=True, slots=True)
class Plan:
    """What one agent does.

    host, port   where it listens; port 0: any free one
    names        of Host, beside those of loopback
    metadata     whether it also speaks like the instance metadata service
    connections  of HTTP, at most
    wait         seconds that one request may wait for the broker
    """

    secret: str = field(repr=False)
    choice: Choice = field(default_factory=Choice)
    host: str = "127.0.0.1"
    port: int = 0
    names: tuple[str, ...] = ()
    metadata: bool = False
    connections: int = MAX_CONNECTIONS
    wait: float = WAIT

    def endpoint(self, port: int) -> str:
        """IDENTITY_ENDPOINT."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{port}{appservice.PATH}"


def server(
    broker: HostBroker, plan: Plan, listener: socket.socket, journal: Journal, **protocol: Any
) -> Server:
    """An agent at a socket, not yet started. `protocol`: see Server."""
    port: int = listener.getsockname()[1]
    host = f"[{plan.host}]" if ":" in plan.host else plan.host
    doors = Guard(plan.secret.encode(), guard.hosts(port, (host, *plan.names)))
    tokens = Tokens(broker, plan.wait)
    agent = Agent(doors, plan.choice, tokens, journal, metadata=plan.metadata)
    _listen_to_warnings(journal)
    return Server(agent, listener, plan.connections, **protocol)


def serve(broker: HostBroker, plan: Plan, journal: Journal, secret_file: str | None) -> int:
    """Serve until a signal ends it; the exit code. Raises OSError if it cannot listen."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        listener = listen(plan.host, plan.port)
        endpoint = plan.endpoint(listener.getsockname()[1])
        with server(broker, plan, listener, journal) as running:
            journal.note("ready", endpoint=endpoint, secret_file=secret_file)
            signal.sigwait(ENDING)
        journal.note("ended", code="failed" if running.failed else "asked_to")
        return 1 if running.failed else 0
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def run(
    broker: HostBroker,
    plan: Plan,
    journal: Journal,
    command: Sequence[str],
    more: Mapping[str, str],
    kill_after: float | None,
) -> int:
    """Run a command beside an agent of its own; its exit code. `more`: variables for it alone.
    Raises CannotStartError."""
    listener = listen(plan.host, plan.port)
    running = server(broker, plan, listener, journal)
    endpoint = plan.endpoint(listener.getsockname()[1])
    only = plan.choice.connections if not plan.choice.maps else ()
    meant = only[0] if len(only) == 1 else None
    variables = environment.child({**os.environ, **more}, endpoint, plan.secret, meant)
    try:
        child = Child(command, variables)
    except BaseException:
        listener.close()
        raise
    running.start()
    try:
        return child.wait(kill_after)
    finally:
        running.stop(wait=False)  # nobody is left who could ask


def leave(code: int) -> NoReturn:
    """End the process at once. Python itself would first wait for threads whose request to the
    broker is under way: what these might bring, nobody wants any more."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


class _Warnings(logging.Handler):
    """What the client itself warns of, as lines of the journal."""

    def __init__(self, journal: Journal) -> None:
        super().__init__(logging.WARNING)
        self._journal = journal

    def emit(self, record: logging.LogRecord) -> None:
        """One warning."""
        self._journal.note("warning", detail=record.getMessage())


def _listen_to_warnings(journal: Journal) -> None:
    logger = logging.getLogger("token_broker")
    for handler in [*logger.handlers]:
        if isinstance(handler, _Warnings):
            logger.removeHandler(handler)
    logger.addHandler(_Warnings(journal))
