"""A broker and an API behind it, small enough to see through: the contract's answers over HTTP."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import deque
from collections.abc import Mapping
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from botocore.credentials import Credentials

SCOPE = "https://ads.microsoft.com/msads.manage"


CONTAINER = {
    "AccessKeyId": "AKIDCONTAINER",
    "SecretAccessKey": "canary-secret-key",
    "Token": "canary-container-token",
    "Expiration": "2099-01-01T00:00:00Z",
}
"""What ECS and EKS answer a job that asks for its role's credentials."""


class Job:
    """A session with credentials, as botocore's and boto3's have them."""

    region_name = "eu-west-1"

    def get_credentials(self) -> Credentials:
        """Static ones."""
        return Credentials("AKIDEXAMPLE", "canary-secret-key", "canary-session-token")


class Asked(NamedTuple):
    """One request to the token route."""

    path: str
    query: dict[str, str]
    headers: Mapping[str, str]


class Answer(NamedTuple):
    """What to answer instead of a token."""

    status: int
    body: Any
    headers: Mapping[str, str] = {}


def problem(code: str, status: int, **fields: Any) -> Answer:
    """An error of the contract. `retry_after` goes into the header as well."""
    body = {
        "type": f"urn:token-broker:problem:{code}",
        "title": f"Title of {code}",
        "status": status,
        "detail": f"Detail of {code}.",
        "code": code,
        "actor": "owner",
        "remedy": f"Remedy of {code}.",
        **fields,
    }
    headers = {"x-amzn-RequestId": "request-1"}
    if "retry_after" in fields:
        headers["Retry-After"] = str(fields["retry_after"])
    return Answer(status, body, headers)


def nobody() -> str:
    """A URL at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


class Broker(ThreadingHTTPServer):
    """Hands out ``token-1`` until that one is refused, then ``token-2``, and so on.

    `script`: answers to give first. `/api` takes the newest token only, and counts 401s.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.lock = threading.Lock()
        self.script: deque[Answer] = deque()
        self.asked: list[Asked] = []
        self.bodies: list[bytes] = []
        self.generation = 1
        self.expires_in = 3600
        self.scope = SCOPE
        self.delay = 0.0
        self.open = threading.Event()
        self.open.set()
        self.refuses_all = False
        self.refusals = 0

    @property
    def token(self) -> str:
        """The newest token."""
        return f"token-{self.generation}"

    def expire(self) -> None:
        """From now on the API refuses the token handed out so far."""
        self.generation += 1

    def answer(self, asked: Asked) -> Answer:
        """Of the token route."""
        time.sleep(self.delay)
        self.open.wait(60)
        with self.lock:
            self.asked.append(asked)
            if self.script:
                return self.script.popleft()
            if asked.query.get("rejected") == sha256(self.token.encode()).hexdigest():
                self.generation += 1
            return Answer(200, self.body(asked.path.split("/")[2]))

    def body(self, connection: str) -> dict[str, Any]:
        """The token answer."""
        return {
            "access_token": self.token,
            "token_type": "Bearer",
            "expires_in": self.expires_in,
            "scope": self.scope,
            "connection": connection,
            "expires_at": "2030-01-01T00:00:00Z",
            "parameters": {"developer_token": "canary-developer", "customer_id": "7"},
        }


class Handler(BaseHTTPRequestHandler):
    """Routes: the token route and `/api`."""

    server: Broker
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Answer one request."""
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if parts.path == "/api":
            self._send(self._api(body))
            return
        if parts.path == "/credentials":
            self._send(Answer(200, CONTAINER))
            return
        if parts.path == "/elsewhere":
            target = f"http://localhost:{self.server.server_address[1]}/api"
            self._send(Answer(302, {}, {"Location": target}))
            return
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self._send(self.server.answer(Asked(parts.path, query, dict(self.headers))))

    do_POST = do_PATCH = do_GET  # noqa: N815

    def _api(self, body: bytes) -> Answer:
        self.server.bodies.append(body)
        given = self.headers.get("Authorization")
        if given == f"Bearer {self.server.token}" and not self.server.refuses_all:
            return Answer(200, {"sent": body.decode()})
        self.server.refusals += 1
        return Answer(401, {}, {"WWW-Authenticate": "Bearer"})

    def _send(self, answer: Answer) -> None:
        plain = isinstance(answer.body, bytes)
        data = answer.body if plain else json.dumps(answer.body).encode()
        self.send_response_only(answer.status)
        headers = {"Date": self.date_time_string(), "Content-Type": "application/json"}
        for name, value in {**headers, **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Quiet."""
