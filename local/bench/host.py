"""The agent's cached answer beside a bare "hello" of the same server: CPU, requests a second, and
what memory comes to after many of them.

Both are processes of their own, asked in turn over one connection that is kept; each tells its CPU
and memory at every line it reads.
"""

from __future__ import annotations

import json
import re
import resource
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from local.template import ROOT

SECRET = "s" * 43
ADS = "https://ads.microsoft.com"
ACCESS_BYTES = 2200
"""About as long as Microsoft's tokens."""
LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds so far, and resident memory now (MB)."""

    cpu: float
    memory: float


@dataclass(frozen=True, slots=True)
class Round:
    """CPU seconds and requests a second, of one round."""

    cpu: float
    rate: float


class Server:
    """A server process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._port = int(self._line())
        self._request = request(self._port)

    def usage(self) -> Usage:
        """Of its process until now."""
        assert self._process.stdin
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return Usage(**json.loads(self._line()))

    def round(self, count: int) -> Round:
        """So many requests over one connection, one after the other."""
        with socket.create_connection(("127.0.0.1", self._port)) as plain:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            before, begun = self.usage(), time.perf_counter()
            for _ in range(count):
                self._ask(plain)
            seconds = time.perf_counter() - begun
        return Round((self.usage().cpu - before.cpu) / count, count / seconds)

    def _ask(self, plain: socket.socket) -> None:
        plain.sendall(self._request)
        head, _, body = plain.recv(65536).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = LENGTH.search(head)
        assert length
        left = int(length[1]) - len(body)
        while left > 0:
            left -= len(plain.recv(left))

    def _line(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline()


def request(port: int) -> bytes:
    """As azure-identity for Python sends it."""
    query = urlencode({"api-version": "2019-08-01", "resource": ADS, "client_id": "ads-jp"})
    return (
        f"GET /msi/token?{query} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"X-IDENTITY-HEADER: {SECRET}\r\nMetadata: true\r\n"
        "User-Agent: azsdk-python-identity/1.27.0 Python/3.13\r\nAccept: */*\r\n"
        "Accept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\n\r\n"
    ).encode()


@contextmanager
def running(kind: str) -> Iterator[Server]:
    """A server of a kind."""
    paths = [str(ROOT), str(ROOT / "layers" / "client")]
    code = f"import sys; sys.path[:0] = {paths}; from local.bench import host; host.main({kind!r})"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Server(process)
        finally:
            process.terminate()


def compare(rounds: int, count: int) -> dict[str, Any]:
    """Rounds in turn, so that other work on the machine meets both alike."""
    found: dict[str, list[Round]] = {"hello": [], "agent": []}
    with running("hello") as hello, running("agent") as agent:
        servers = {"hello": hello, "agent": agent}
        for server in servers.values():
            server.round(max(200, count // 10))
        for _ in range(rounds):
            for kind, server in servers.items():
                found[kind].append(server.round(count))
    ratios = [b.cpu / a.cpu for a, b in zip(found["hello"], found["agent"], strict=True)]
    return {
        **{kind: _median(each) for kind, each in found.items()},
        "ratio": statistics.median(ratios),
        "best_ratio": min(each.cpu for each in found["agent"])
        / min(each.cpu for each in found["hello"]),
    }


def endure(count: int) -> dict[str, Any]:
    """Memory after a tenth of the requests, and after all (MB)."""
    with running("agent") as agent:
        agent.round(count // 10)
        early = agent.usage().memory
        agent.round(count - count // 10)
        return {"requests": count, "early": early, "late": agent.usage().memory}


def _median(rounds: list[Round]) -> Mapping[str, float]:
    return {
        "cpu": statistics.median(each.cpu for each in rounds),
        "rate": statistics.median(each.rate for each in rounds),
    }


async def hello(_scope: object, _receive: object, send: Any) -> None:
    """As little as an application can do."""
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"5")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"hello"})


def main(kind: str) -> None:
    """Serve, and tell the usage at each line that is read."""
    from token_broker.agent import server

    listener = server.listen("127.0.0.1", 0)
    port: int = listener.getsockname()[1]
    application: Any = hello if kind == "hello" else _agent(port)
    with server.Server(application, listener):
        print(port, flush=True)
        while sys.stdin.readline():
            told = {"cpu": time.process_time(), "memory": _resident()}
            print(json.dumps(told), flush=True)


def _resident() -> float:
    """MB. Not `ru_maxrss`, which a process inherits from the one that started it (Linux)."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


def _agent(port: int) -> Any:
    """The agent, whose broker answers at once with a token of a day."""
    from token_broker import Token
    from token_broker.agent import guard
    from token_broker.agent.app import Agent
    from token_broker.agent.choice import Choice
    from token_broker.agent.journal import Journal
    from token_broker.agent.tokens import HostBroker, Tokens

    broker = HostBroker("https://broker.example/v1")
    token = Token("a" * ACCESS_BYTES, datetime.now(UTC) + timedelta(days=1), connection="ads-jp")
    broker._transport.fetch = lambda ask: token  # type: ignore[method-assign]  # noqa: ARG005
    doors = guard.Guard(SECRET.encode(), guard.hosts(port))
    tokens, served = Tokens(broker), Choice(("ads-jp",))
    return Agent(doors, served, tokens, Journal(None), metadata=False)
