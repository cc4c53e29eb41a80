"""`ports.Http`: a server on this machine misbehaves."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest

from broker.adapters.https import BODY_BYTES, IDLE_SECONDS, Http
from broker.domain.secret import Secret
from broker.ports.errors import Unreachable
from local.memory.outside import Clock

CANARY = "canary+&=% ä/"
FORM: dict[str, str | Secret] = {"grant_type": "refresh_token", "client_secret": Secret(CANARY)}


class Handler(BaseHTTPRequestHandler):
    """Answers by path."""

    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def setup(self) -> None:
        super().setup()
        self.server.opened += 1

    def do_GET(self) -> None:
        self.server.requests.append((self.path, dict(self.headers.items()), ""))
        self._answer()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.requests.append((self.path, dict(self.headers.items()), body))
        self._answer()

    def _answer(self) -> None:
        getattr(self, self.path.strip("/"))()

    def ok(self) -> None:
        self.plain(200, b'{"ok": true}', {"X-Ms-Request-Id": "r", "Set-Cookie": "fpc=1; Path=/"})

    def throttled(self) -> None:
        self.plain(429, b"Too Many Requests", {"Retry-After": "7", "Content-Type": "text/plain"})

    def redirect(self) -> None:
        self.plain(302, b"", {"Location": "/ok"})

    def largest(self) -> None:
        self.plain(200, b"x" * BODY_BYTES, {})

    def huge(self) -> None:
        self.plain(200, b"x" * (BODY_BYTES + 1), {})

    def slow(self) -> None:
        self.server.stop.wait(60)
        self.close_connection = True

    def trickle(self) -> None:
        """A byte at a time: each wait is short, all together are not."""
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        for _ in range(1000):
            if self.server.stop.wait(0.02):
                break
            try:
                self.wfile.write(b"x")
            except OSError:
                break
        self.close_connection = True

    def chunked(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")

    def reset(self) -> None:
        """RST instead of an answer."""
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close_connection = True
        self.connection.close()

    def close(self) -> None:
        self.close_connection = True

    def broken(self) -> None:
        """Less than announced."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nxxx")
        self.close_connection = True

    def nonsense(self) -> None:
        self.wfile.write(b"SMTP ready\r\n\r\n")
        self.close_connection = True

    def plain(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            self.close_connection = True


class Server(ThreadingHTTPServer):
    """What it was asked, and how often a connection was opened."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[tuple[str, dict[str, str], str]] = []
        self.opened = 0
        self.stop = threading.Event()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{path}"

    def handle_error(self, *_: Any) -> None:
        """The resets are wanted."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield made
        made.stop.set()
        made.shutdown()
        thread.join()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def http(clock: Clock, server: Server) -> Iterator[Http]:
    """Closed before the server, which waits for its connections to end."""
    made = Http(clock)
    yield made
    made._session.close()


def test_a_post(server: Server, http: Http) -> None:
    reply = http.post(server.url("ok"), FORM, 2)
    assert (reply.status, reply.body) == (200, b'{"ok": true}')
    assert reply.headers["x-ms-request-id"] == "r"
    ((_, headers, body),) = server.requests
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert parse_qs(body) == {"grant_type": ["refresh_token"], "client_secret": [CANARY]}
    assert not {"Origin", "Authorization", "Cookie"} & headers.keys()


def test_a_get(server: Server, http: Http) -> None:
    assert http.get(server.url("ok"), 2).body == b'{"ok": true}'
    assert [path for path, _, _ in server.requests] == ["/ok"]


def test_a_connection_is_used_again_and_its_cookies_are_not(server: Server, http: Http) -> None:
    for _ in range(3):
        http.post(server.url("ok"), FORM, 2)
    assert server.opened == 1
    assert not any("Cookie" in headers for _, headers, _ in server.requests)


def test_a_connection_idle_for_long_is_not(server: Server, http: Http, clock: Clock) -> None:
    http.post(server.url("ok"), FORM, 2)
    clock.advance(IDLE_SECONDS)
    http.post(server.url("ok"), FORM, 2)
    assert server.opened == 1
    clock.advance(IDLE_SECONDS + 1)
    http.post(server.url("ok"), FORM, 2)
    assert server.opened == 2


def test_plain_text_beside_429(server: Server, http: Http) -> None:
    reply = http.post(server.url("throttled"), FORM, 2)
    assert (reply.status, reply.body) == (429, b"Too Many Requests")
    assert reply.headers["retry-after"] == "7"


def test_a_redirect_is_an_answer(server: Server, http: Http) -> None:
    for reply in (http.post(server.url("redirect"), FORM, 2), http.get(server.url("redirect"), 2)):
        assert reply.status == 302
    assert {path for path, _, _ in server.requests} == {"/redirect"}


def test_bodies_up_to_a_size(server: Server, http: Http) -> None:
    assert len(http.get(server.url("largest"), 5).body) == BODY_BYTES
    assert http.get(server.url("chunked"), 5).body == b"abcde"


def test_proxies_of_the_environment_are_not_asked(
    server: Server, http: Http, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    assert http.post(server.url("ok"), FORM, 2).status == 200


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("slow", "timeout"),
        ("trickle", "timeout"),
        ("reset", "reset"),
        ("close", "reset"),
        ("broken", "reset"),
        ("nonsense", "reset"),
        ("huge", "protocol"),
    ],
)
def test_no_answer(server: Server, http: Http, path: str, reason: str) -> None:
    begun = time.monotonic()
    with pytest.raises(Unreachable) as caught:
        http.post(server.url(path), FORM, 0.3 if reason == "timeout" else 5)
    assert caught.value.reason == reason
    assert time.monotonic() - begun < 15, "the servers take 20 s and longer"
    assert len(server.requests) == 1, "sent once"
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None, "requests' errors hold the body"


def test_nobody_listens(http: Http) -> None:
    with pytest.raises(Unreachable, match=r"^connect$"):
        http.post("http://127.0.0.1:1/", FORM, 2)


def test_no_such_host(http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Unreachable, match=r"^connect$"):
        http.post("http://nowhere.example/", FORM, 2)


def test_no_tls_there(server: Server, http: Http) -> None:
    with pytest.raises(Unreachable, match=r"^tls$"):
        http.post(server.url("ok").replace("http:", "https:"), FORM, 2)
    assert server.requests == []


def test_no_url(http: Http) -> None:
    with pytest.raises(Unreachable, match=r"^protocol$"):
        http.get("http://", 2)
