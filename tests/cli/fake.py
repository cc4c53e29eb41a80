"""A fast broker over HTTP: the real steps and checks over stores in memory, unsigned."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from broker.domain import names
from broker.domain.problems import Problem
from broker.web import bodies
from broker.web.gateway import Answer, answer, guard
from tests.unit.house import BASE, OPERATOR, House


class Fake:
    """`house`: what is behind it. `calls`: how many requests of each method there were."""

    def __init__(self) -> None:
        self.house = House()
        self.calls: Counter[str] = Counter()
        self._lock = threading.Lock()

    def serve(self, method: str, url: str, sent: bytes) -> Answer:
        """One request; one at a time, for the stores' fakes are simple."""
        with self._lock:
            self.calls[method] += 1
            return guard(lambda: self._route(method, url, sent), self.house.telemetry, "request")

    def _route(self, method: str, url: str, sent: bytes) -> Answer:
        parts, step = urlsplit(url), self.house.connections_step
        data = json.loads(sent) if sent else {}
        _, _, name, *rest = [*parts.path.split("/"), ""]
        match method, bool(name), rest[:1]:
            case "POST", False, _:
                return answer(201, step.create(bodies.creation(data), OPERATOR, BASE).answer)
            case "GET", False, _:
                query = bodies.listing(parse_qs(parts.query))
                return answer(200, step.list(query.status, query.limit, query.after))
            case "GET", True, [""]:
                return answer(200, step.show(names.slug(name)))
            case "PATCH", True, [""]:
                return answer(200, step.change(names.slug(name), bodies.change(data)).answer)
            case "PUT", True, ["refresh-token"]:
                return answer(200, step.adopt(names.slug(name), bodies.refresh_token(data)).answer)
        raise Problem("not_found", "There is no such route.")


@contextmanager
def serving() -> Iterator[tuple[Fake, str]]:
    """A fake and its URL."""
    fake = Fake()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _answer(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            found: dict[str, Any] = fake.serve(self.command, self.path, sent)
            raw = found["body"].encode()
            self.send_response(found["statusCode"])
            for name, text in found["headers"].items():
                self.send_header(name, text)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield fake, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
