"""The platform as a server: in a thread for tests, or in the foreground.

A thread for each connection, so that a slow answer holds nobody else up.
"""

from __future__ import annotations

import threading
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from .app import create
from .world import GoogleRegistration, Registration, World

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

BACKLOG = 2048
"""Connections waiting to be accepted: a thousand callers arrive at once in tests."""


class _Handler(WSGIRequestHandler):
    """Logs nothing: request lines hold codes and states."""

    def log(
        self,
        type: str,  # noqa: A002 (the base class names it)
        message: str,
        *args: Any,
    ) -> None:
        """Silence."""


class _Server(ThreadedWSGIServer):
    request_queue_size = BACKLOG


class Serving:
    """An application that listens; a context manager. `port` 0 picks a free one."""

    def __init__(
        self, application: WSGIApplication, port: int = 0, host: str = "127.0.0.1"
    ) -> None:
        self._server = _Server(host, port, application, handler=_Handler)
        self.port = self._server.port
        self.url = f"http://localhost:{self.port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()

    def run(self) -> None:
        """Serve until interrupted."""
        self._server.serve_forever()


class Server(Serving):
    """The running platform. With a `public_url` it calls itself by that name, as behind a
    proxy. Google has another host name, so that the two are different origins."""

    def __init__(
        self,
        port: int = 0,
        host: str = "127.0.0.1",
        *,
        public_url: str | None = None,
        registration: Registration | None = None,
        google_url: str | None = None,
        google: GoogleRegistration | None = None,
    ) -> None:
        self.world = World(public_url or "http://localhost", registration, google)
        super().__init__(create(self.world), port, host)
        if public_url is None:
            self.world.base_url = self.url
        self.google_url = f"http://127.0.0.1:{self.port}"
        self.world.google.base_url = google_url or self.google_url
