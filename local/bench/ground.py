"""The real steps in one process, over one of two substrates.

`emulated`: DynamoDB, KMS, SQS and Secrets Manager of the local stack, whose simulated Microsoft
platform waits as long as told. `memory`: the stores of the tests, and a Microsoft that sleeps: what
is left is the broker's own work.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from threading import Lock

from broker.domain.connection import Connection
from broker.domain.grants import Caller
from broker.domain.problems import Problem
from broker.domain.secret import Secret
from broker.ports.ambient import Fact
from broker.ports.outside import Http, RefreshRequest, Reply
from broker.ports.stores import Connections, Consents, Vault
from broker.sealing.envelope import Keys
from broker.steps import refresh, token
from local.bench import sample
from local.bench.randomness import Steady

TEAM = Caller("aws", sample.ACCOUNT_ID, "team-a")


class Silent:
    """`ports.Telemetry` that keeps nothing."""

    def note(self, event: str, **fields: Fact) -> None:
        """Nothing."""

    def count(self, metric: str, value: float = 1, **dimensions: str) -> None:
        """Nothing."""


@dataclass(slots=True)
class Counted:
    """`ports.Http` that counts the redemptions it sends on."""

    http: Http
    calls: Counter[str] = field(default_factory=Counter)
    lock: Lock = field(default_factory=Lock)

    def get(self, url: str, timeout: float) -> Reply:
        return self.http.get(url, timeout)

    def post(self, url: str, form: Mapping[str, str | Secret], timeout: float) -> Reply:
        with self.lock:
            self.calls["microsoft.token"] += 1
        return self.http.post(url, form, timeout)


@dataclass(frozen=True, slots=True)
class InProcess:
    """`ports.Refresher` that calls the step: Lambda's invocation is not what is measured."""

    step: refresh.Step

    def run(self, order: RefreshRequest) -> Problem | None:
        return self.step.run(order)

    def start(self, order: RefreshRequest) -> None:
        self.step.run(order)


@dataclass(frozen=True, slots=True)
class Ground:
    """One broker."""

    substrate: str
    serve: token.Step
    redeem: refresh.Step
    connections: Connections
    consents: Consents
    vault: Vault
    keys: tuple[Keys, Keys]
    http: Counted
    stack: str
    client_id: str
    platform: str
    refresh_token: Secret
    slow: Callable[[float], None]
    """Sets Microsoft's latency, in seconds."""

    def add(self, name: str, expires_at: int, due_at: int) -> Connection:
        """A consented connection whose token expires and whose grant is due then."""
        made = sample.connection(name, self.platform, self.client_id)
        assert self.connections.create(made)
        consent = sample.consent(
            made, self.stack, self.keys, self.refresh_token, expires_at, due_at, Steady()
        )
        assert self.consents.complete(consent)
        return made

    def environment(self) -> token.Step:
        """One more Lambda environment of `token`: it has opened nothing yet."""
        fresh = type(self.serve.opened)()
        return replace(self.serve, opened=fresh, refresher=InProcess(self.redeem))
