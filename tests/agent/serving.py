"""Agents that tests talk to: over HTTP as libraries do, and byte by byte as attackers do."""

from __future__ import annotations

import io
import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any, NamedTuple
from urllib.parse import urlencode

from tests.client.fake import Job
from token_broker.agent import secret, server, service
from token_broker.agent.choice import Choice
from token_broker.agent.journal import Journal
from token_broker.agent.tokens import HostBroker

ADS = "https://ads.microsoft.com"
VERSION = "2019-08-01"


class Reply(NamedTuple):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Served:
    """An agent that serves. `log`: what it wrote."""

    port: int
    plan: service.Plan
    log: io.StringIO
    broker: HostBroker = field(repr=False)

    @property
    def endpoint(self) -> str:
        """IDENTITY_ENDPOINT."""
        return self.plan.endpoint(self.port)

    @property
    def variables(self) -> dict[str, str]:
        """For a program beside it."""
        return {
            "IDENTITY_ENDPOINT": self.endpoint,
            "IDENTITY_HEADER": self.plan.secret,
            "AZURE_TOKEN_CREDENTIALS": "ManagedIdentityCredential",
        }

    def get(
        self, path: str, headers: Mapping[str, str] | None = None, method: str = "GET"
    ) -> Reply:
        """One request with the secret and these headers."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            given = {"X-IDENTITY-HEADER": self.plan.secret, **(headers or {})}
            connection.request(method, path, headers=given)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            data = answer.read()
            return Reply(answer.status, found, json.loads(data) if data else {})
        finally:
            connection.close()

    def ask(self, resource: str = ADS, **fields: str) -> Reply:
        """As a library asks."""
        query = {"api-version": VERSION, "resource": resource, **fields}
        return self.get(f"/msi/token?{urlencode(query)}")

    def send(self, data: bytes, seconds: float = 5.0) -> bytes:
        """Raw bytes, and all that comes back until the end."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as plain:
            plain.sendall(data)
            return received(plain)

    def lines(self) -> list[dict[str, Any]]:
        """The log's lines."""
        return [json.loads(line) for line in self.log.getvalue().splitlines()]


def received(plain: socket.socket) -> bytes:
    """Everything until the other side closes."""
    found = b""
    try:
        while part := plain.recv(65536):
            found += part
    except ConnectionResetError:
        pass
    return found


@contextmanager
def serving(
    api_url: str, choice: Choice | None = None, *, timeout: float = 30.0, **plan: Any
) -> Iterator[Served]:
    """An agent in a thread of this process."""
    protocol = plan.pop("protocol", {})
    log = io.StringIO()
    made = service.Plan(secret.generate(), choice or Choice(), **plan)
    broker = HostBroker(api_url, session=Job(), timeout=timeout)
    listener = server.listen("127.0.0.1", 0)
    running = service.server(broker, made, listener, Journal(log, every=True), **protocol)
    running.start()
    try:
        yield Served(listener.getsockname()[1], made, log, broker)
    finally:
        running.stop(wait=False)
        broker.close()
