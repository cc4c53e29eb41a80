"""One local stack as tests use it: signed callers, a browser, the platform, the administrator's
view of tables and logs."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import requests

from local import deploy
from local import stack as local_stack
from local.browser import Browser
from local.settings import Settings
from local.signed import Caller
from local.simulator.client import Platform
from tests.e2e import logs
from tests.e2e.table import Table

T = TypeVar("T")

TENANT = "contoso.example"
GRAPH = "https://graph.microsoft.com"
ADS = "https://ads.microsoft.com"

POLL_SECONDS = 0.05

LOG_SECONDS = 30.0
"""The emulator files a function's log before the answer, what a queue or schedule starts later."""


def until(look: Callable[[], T | None], seconds: float, wanted: str) -> T:
    """What `look` finds, once it finds something; fails saying what was wanted."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"{wanted}: not within {seconds} s"
        time.sleep(POLL_SECONDS)


PROBLEM = {"type", "title", "status", "detail", "code", "actor", "remedy"}
"""Fields of every refusal (RFC 9457 and the contract's)."""


def refused(answer: requests.Response, status: int, code: str) -> dict[str, Any]:
    """The problem of an answer, in the contract's shape."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "no-store" in answer.headers["Cache-Control"]
    body: dict[str, Any] = answer.json()
    assert set(body) - {"provider", "retry_after"} == PROBLEM
    assert (body["code"], body["status"]) == (code, status)
    if "retry_after" in body:
        assert answer.headers["Retry-After"] == str(body["retry_after"])
    return body


@contextmanager
def up(settings: Settings) -> Iterator[Stack]:
    """A stack that is up; ended at the end."""
    document = local_stack.up(settings, lambda line: None)
    found = Stack(settings, document, local_stack.outputs(settings.state))
    try:
        yield found
    finally:
        found.close()
        local_stack.down(settings.state)


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack that is up. `document`: of stack.json; `outputs`: of the template."""

    settings: Settings
    document: Mapping[str, Any] = field(repr=False)
    outputs: Mapping[str, str] = field(repr=False)
    clients: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def api_url(self) -> str:
        """The API's base URL."""
        return str(self.document["api_url"])

    @property
    def platform(self) -> Platform:
        """The simulated platform's control."""
        return Platform(self.settings.platform)

    @property
    def operator(self) -> Caller:
        """May call every route."""
        return self._caller("operator")

    @property
    def team_a(self) -> Caller:
        """May fetch tokens; `create` grants it the connection."""
        return self._caller("team-a")

    @property
    def team_b(self) -> Caller:
        """May fetch tokens; has no grant."""
        return self._caller("team-b")

    def _caller(self, name: str) -> Caller:
        principal = self.document["principals"][name]
        return Caller(self.api_url, self.document["region"], principal)

    def client(self, service: str) -> Any:
        """A boto3 client of the emulator's administrator."""
        if service not in self.clients:
            self.clients[service] = deploy.Cloud(self.settings.endpoint).client(service)
        return self.clients[service]

    def close(self) -> None:
        """Close the clients' sockets."""
        for client in self.clients.values():
            client.close()

    def browse(self, path: str, **params: str) -> requests.Response:
        """GET a browser route without cookies."""
        query = requests.Request("GET", self.api_url + path, params=params).prepare().url
        return Browser().open(str(query))

    # ------------------------------------------------------------ the main job

    def user(self, **fields: Any) -> str:
        """A new account at Contoso, so that no test meets another one's throttling."""
        username = f"u{secrets.token_hex(4)}@{TENANT}"
        self.platform.add_user(username, name="Someone", **fields)
        return username

    def create(self, **fields: Any) -> dict[str, Any]:
        """A new connection of Microsoft Advertising, granted to team-a; the answer."""
        body = {
            "connection": f"c-{secrets.token_hex(4)}",
            "service": "microsoft-advertising",
            "grants": [{"principal": self.team_a.role_arn}],
            **fields,
        }
        answer = self.operator.post("/connections", body)
        assert answer.status_code == 201, answer.text
        created: dict[str, Any] = answer.json()
        return created

    def connect(self, user: str | None = None, **fields: Any) -> str:
        """A new connection to which its owner has consented; its name."""
        created = self.create(**fields)
        self.consent(created["authorize_url"], user or self.user())
        return str(created["connection"])

    def consent(self, link: str, user: str) -> None:
        """The owner opens the link, presses Continue, accepts, comes back."""
        page = Browser().consent(link, self.platform, user)
        assert page.status_code == 200, page.text

    def renew(self, name: str, **fields: Any) -> str:
        """A new authorize link."""
        answer = self.operator.post(f"/connections/{name}/authorizations", fields)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["authorize_url"])

    def show(self, name: str) -> dict[str, Any]:
        """GET the connection."""
        answer = self.operator.get(f"/connections/{name}")
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    def fetch(self, name: str, **params: Any) -> dict[str, Any]:
        """A token, as team-a."""
        answer = self.team_a.get(f"/connections/{name}/token", **params)
        assert answer.status_code == 200, answer.text
        token: dict[str, Any] = answer.json()
        return token

    # ------------------------------------------------------------ the tables

    def item(self, name: str) -> dict[str, Any] | None:
        """The connection's item."""
        return self._table("ConnectionsTableName").item(name=name)

    def kept(self, name: str) -> dict[str, Any] | None:
        """The item of the connection's refresh token."""
        item = self.item(name)
        return item and self._table("VaultTableName").item(incarnation=item["incarnation"])

    def edit(self, name: str, **changes: Any) -> None:
        """Write attributes of the connection's item, behind the broker's back."""
        self._table("ConnectionsTableName").edit(changes, name=name)

    def edit_kept(self, name: str, **changes: Any) -> None:
        """Write attributes of the refresh token's item, behind the broker's back."""
        item = self.item(name)
        assert item
        self._table("VaultTableName").edit(changes, incarnation=item["incarnation"])

    def edit_underway(self, identifier: str, **changes: Any) -> None:
        """Write attributes of a ticket's or state's item, behind the broker's back."""
        self._table("AuthorizationsTableName").edit(changes, id=identifier)

    def expire(self, name: str) -> None:
        """All stored access tokens have expired."""
        item = self.item(name)
        assert item
        past = int(time.time()) - 10
        tokens = {
            key: {**token, "expires_at": past, "ahead_at": past - 60, "obtained_at": past - 3600}
            for key, token in item["tokens"].items()
        }
        self.edit(name, tokens=tokens)

    def tables(self) -> dict[str, list[dict[str, Any]]]:
        """Every item of the three tables, as they are."""
        wanted = ("ConnectionsTableName", "VaultTableName", "AuthorizationsTableName")
        return {name: list(self._table(name).items()) for name in wanted}

    def _table(self, output: str) -> Table:
        return Table(self.client("dynamodb"), self.outputs[output])

    # ------------------------------------------------------------ the logs

    def log_group(self, function: str) -> str:
        """Where a function writes."""
        if function in ("token", "connections", "verify"):
            return self.outputs["AuditLogName"]
        return f"/aws/lambda/{deploy.NAME}-{function}"

    def log(self, function: str, since: int = 0) -> list[str]:
        """Every line of a function's log. `since`: milliseconds since the epoch."""
        found = logs.events(self.client("logs"), self.log_group(function), since)
        return [event["message"] for event in found]

    def lines(self, function: str, since: int = 0) -> list[dict[str, Any]]:
        """The log's JSON lines: what the broker wrote itself, metrics included."""
        written = (text for message in self.log(function, since) for text in message.splitlines())
        return [json.loads(text) for text in written if text.startswith("{")]
