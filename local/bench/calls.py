"""How often each path calls AWS and Microsoft, counted on the wire: retries would show."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from broker import wiring
from broker.domain.connection import Connection
from broker.domain.names import Instant
from broker.lifecycle.serving import Query
from broker.ports.outside import RefreshRequest
from broker.providers.credential_breaker import Memory
from broker.providers.token_endpoint import Providers
from local.bench.emulated import CLIENTS
from local.bench.ground import TEAM, Ground, Silent

DUE = 25
"""Connections of the rotation that is counted: three batches."""

Calls = dict[str, int]


@contextmanager
def counted(ground: Ground) -> Iterator[Counter[str]]:
    """The calls made while it is open, by service and operation; complete once it is closed."""
    found: Counter[str] = Counter()
    lock = threading.Lock()

    def sending(event_name: str, **_: Any) -> None:
        with lock:
            found[event_name.removeprefix("before-send.")] += 1

    for client in CLIENTS:
        client().meta.events.register("before-send", sending, unique_id="bench")
    before = ground.http.calls.copy()
    try:
        yield found
    finally:
        for client in CLIENTS:
            client().meta.events.unregister("before-send", unique_id="bench")
        found.update(ground.http.calls - before)


def paths(ground: Ground) -> dict[str, Calls]:
    """Each path's calls."""
    now = int(time.time())
    valid = ground.add("calls-valid", now + 3000, now + 2000)
    expired = ground.add("calls-expired", now - 10, now + 2000)
    first, second = (ground.add(f"calls-due-{each}", now + 300, now - 1) for each in "ab")
    known = {TEAM.principal: Instant(now)}
    ground.connections.used(valid.name, valid.incarnation, Instant(now), known)
    warm = ground.environment()

    def measure(work: Callable[[], object]) -> Calls:
        with counted(ground) as calls:
            work()
        return dict(sorted(calls.items()))

    def hit() -> None:
        warm.serve(TEAM, valid.name, Query())

    def order(of: Connection) -> RefreshRequest:
        return RefreshRequest(of.name, of.incarnation, "schedule", generation=1)

    oauth = ground.redeem.providers.clients["microsoft"]
    (breaker,) = oauth.client.breakers
    breaker.credentials.current(fresh=True)  # so that its age does not decide
    client = replace(oauth.client, breakers=(replace(breaker, memory=Memory()),))
    forgotten = replace(oauth, client=client)
    forgetful = replace(ground.redeem, providers=Providers({"microsoft": forgotten}))
    found = {
        "hit, first in an environment": measure(hit),
        "hit, warm": measure(hit),
        "miss (the function token)": measure(
            lambda: ground.serve.serve(TEAM, expired.name, Query())
        ),
        "refresh, first in a while (breaker looked up)": measure(
            lambda: forgetful.run(order(first))
        ),
        "refresh": measure(lambda: forgetful.run(order(second))),
        "refresh, order of work done": measure(lambda: forgetful.run(order(second))),
    }
    silent: Any = Silent()
    rotate = wiring.rotate_step(silent)
    found["rotate, nothing due"] = measure(lambda: rotate.run(lambda: 60.0))
    due = [ground.add(f"calls-rotate-{number}", now + 3000, now - 1) for number in range(DUE)]
    found[f"rotate, {DUE} due"] = measure(lambda: rotate.run(lambda: 60.0))
    for one in due:  # so that nobody else finds them due
        ground.consents.remove(one)
    return found
