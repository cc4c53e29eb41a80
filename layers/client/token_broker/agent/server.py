"""uvicorn around the application: bounded connections, slow clients, a graceful end.

The server runs in a thread of its own, so that the main thread waits for signals and for the
program. uvicorn bounds the header of a request and idle connections; what it lacks is here: an
end to clients that send a header byte by byte, and a limit to connections that ask nothing.
https://www.uvicorn.org/settings/
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from token_broker.agent.app import Agent

MAX_CONNECTIONS = 800
"""As AWS's own agent for secrets. Each takes some 10 kB here."""
MAX_HEADER_BYTES = 32 * 1024
REQUEST_SECONDS = 10.0
"""From the first byte of a request, or from the connection, to the end of its header."""
IDLE_SECONDS = 15
"""Between two requests of a connection."""
GRACE_SECONDS = 5
"""Requests under way may end when the server ends."""
FETCHES = 32
"""Connections of the broker that are asked at a time."""
BACKLOG = 2048

FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\n"
    b"cache-control: no-store\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
)
FULL_BODY = b'{"statusCode":503,"message":"Too many connections.","correlationId":""}'


class Connection(H11Protocol):
    """A connection whose requests arrive in time, or it ends."""

    limit = MAX_CONNECTIONS
    request_seconds = REQUEST_SECONDS
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.limit:
            transport.write(FULL % len(FULL_BODY) + FULL_BODY)
            transport.close()
        else:
            self._deadline = self.loop.call_later(self.request_seconds, transport.abort)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.transport.is_closing():
            return
        waits = self.conn.their_state is h11.IDLE
        if waits and self._deadline is None:
            self._deadline = self.loop.call_later(self.request_seconds, self.transport.abort)
        elif not waits:
            self._disarm()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def _disarm(self) -> None:
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None


def listen(host: str, port: int) -> socket.socket:
    """A socket that already takes connections: whoever asks before the server runs is answered
    late, not refused. Raises OSError, as for a port in use."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    # Of every connection as well. uvicorn writes a header and then a body: with Nagle's algorithm
    # the body waits for the other side's delayed acknowledgement, 40 ms. asyncio sets this only
    # for sockets that name their protocol, which create_server's do not.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


class Server:
    """An agent that serves, in a thread. A context manager.

    limit     connections at most
    protocol  other attributes of Connection, as `request_seconds`
    """

    def __init__(
        self, agent: Agent, listener: socket.socket, limit: int = MAX_CONNECTIONS, **protocol: Any
    ) -> None:
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        kind = type("Connection", (Connection,), {"limit": limit, **protocol})
        config = uvicorn.Config(
            agent,
            http=kind,
            ws="none",
            loop="asyncio",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=IDLE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
            h11_max_incomplete_event_size=MAX_HEADER_BYTES,
        )
        self._server = uvicorn.Server(config)
        self._listener = listener
        self._ended = threading.Event()
        self._asked = False
        self._thread = threading.Thread(target=self._run, name="agent", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self, *, wait: bool = True) -> None:
        """Answer what is under way, take nothing new, end. Waits for the answers, not for fetches
        whose answer nobody wants any more."""
        self._asked = not self._ended.is_set()
        self._server.should_exit = True
        if wait:
            self._ended.wait(GRACE_SECONDS + 1)

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def failed(self) -> bool:
        """Whether it ended by itself."""
        return self._ended.is_set() and not self._asked

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        pool = ThreadPoolExecutor(FETCHES, thread_name_prefix="fetch")
        asyncio.get_running_loop().set_default_executor(pool)
        try:
            await self._server.serve(sockets=[self._listener])
        finally:
            self._ended.set()
            if not self._asked:  # whoever waits for signals must know
                os.kill(os.getpid(), signal.SIGTERM)
