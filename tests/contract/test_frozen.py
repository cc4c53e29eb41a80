"""Environments that are frozen, or copied from a snapshot: connections of before are not used."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from broker.adapters import clients
from broker.adapters.invoke import Refresher
from broker.domain.names import Incarnation, Name
from broker.ports.errors import Unavailable
from broker.ports.outside import RefreshRequest
from local.template import ROOT

ORDER = RefreshRequest(Name("a"), Incarnation("i"), "caller")


class Lambda(BaseHTTPRequestHandler):
    """Answers every invocation and keeps the connection, until the server forgets it."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.connection in self.server.forgotten:
            self.close_connection = True
            return
        self.server.peers.append(self.connection)
        answer = b'{"problem": null}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args: Any) -> None:
        """Nothing."""


class Server(ThreadingHTTPServer):
    """With the connections its answers went through."""

    daemon_threads = True

    def __init__(self) -> None:
        self.peers: list[socket.socket] = []
        self.forgotten: list[socket.socket] = []
        super().__init__(("127.0.0.1", 0), Lambda)

    @property
    def url(self) -> str:
        """For AWS_ENDPOINT_URL."""
        return f"http://127.0.0.1:{self.server_port}"

    def forget(self) -> None:
        """Answer nothing any more on the connections there are. Closing them at once would be
        kinder: urllib3 sees that, if the news has come through before it sends."""
        self.forgotten += self.peers


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield made
        made.shutdown()


@pytest.fixture
def refresher(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Refresher]:
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    clients.functions.cache_clear()
    yield Refresher(clients.functions, "refresh:live")
    clients.functions().close()
    clients.functions.cache_clear()


def later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """The wall clock as the clients see it."""
    now = time.time() + seconds
    monkeypatch.setattr(time, "time", lambda: now)


def test_after_a_freeze_the_first_invocation_arrives(
    server: Server, refresher: Refresher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has one attempt only: a second could redeem a second time."""
    assert refresher.run(ORDER) is None
    server.forget()
    later(monkeypatch, clients.IDLE_SECONDS + 1)
    assert refresher.run(ORDER) is None
    assert len(server.peers) == 2


def test_without_the_rule_it_would_be_lost(
    server: Server, refresher: Refresher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What happens to a connection that was not idle for so long: nobody can say what ran."""
    assert refresher.run(ORDER) is None
    server.forget()
    with pytest.raises(Unavailable, match="ConnectionClosedError"):
        refresher.run(ORDER)


def test_a_connection_in_use_is_kept(
    server: Server, refresher: Refresher, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        assert refresher.run(ORDER) is None
        later(monkeypatch, clients.IDLE_SECONDS - 1)
    assert len({peer.getpeername() for peer in server.peers}) == 1


def test_every_client_has_the_rule() -> None:
    """Made nowhere but in `_client`."""
    text = Path(clients.__file__).read_text()
    assert text.count("create_client(") == 1
    others = [path for path in (ROOT / "layers/broker").rglob("*.py") if path.name != "clients.py"]
    assert not [path for path in others if "create_client(" in path.read_text()]


COPIES = """
import json, os, random, sys, types
hooks = []
sys.modules["snapshot_restore_py"] = types.SimpleNamespace(register_after_restore=hooks.append)
from broker.adapters import clients, snapshot
from broker.adapters.randomness import Randomness
snapshot.prepare()
clients.functions().invoke(FunctionName="f", Payload=b"{}")["Payload"].read()
seeded = random.getstate()
for copy in range(2):
    if os.fork() == 0:
        random.setstate(seeded)  # Python gives each fork a seed of its own; nobody does a snapshot
        for hook in hooks:
            hook()
        clients.functions().invoke(FunctionName="f", Payload=b"{}")["Payload"].read()
        own = Randomness()
        print(json.dumps([own.between(0, 1), own.id(), own.secret().open()]), flush=True)
        os._exit(0)
    os.wait()
"""


@pytest.mark.parametrize("kind", ["snap-start", "on-demand"])
def test_two_restored_copies_share_nothing(server: Server, kind: str) -> None:
    """A fork is a copy of a running environment, as a restored snapshot is one. Without the hook
    both would send into the connection of the original, and draw the same jitter."""
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT / "layers" / "broker"),
        "AWS_LAMBDA_INITIALIZATION_TYPE": kind,
        "AWS_ENDPOINT_URL": server.url,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    command = [sys.executable, "-c", COPIES]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True, timeout=60)
    first, second = (json.loads(line) for line in done.stdout.splitlines())
    assert len(server.peers) == 3
    connections = len({id(peer) for peer in server.peers})
    if kind == "snap-start":
        assert all(one != other for one, other in zip(first, second, strict=True))
        assert connections == 3
    else:
        assert first[0] == second[0]
        assert connections == 1
