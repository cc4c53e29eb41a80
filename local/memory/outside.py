"""Clock, randomness, and all that is outside AWS's stores, in memory: calls are collected."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from broker.domain.connection import Check
from broker.domain.credentials import CredentialKind
from broker.domain.names import Incarnation, Instant, Name
from broker.domain.problems import Problem
from broker.domain.secret import Secret
from broker.ports.ambient import Fact
from broker.ports.credentials import Credential
from broker.ports.errors import Unreachable
from broker.ports.outside import RefreshRequest, Reply

NOON = 1_800_000_000
"""Where test clocks begin: an arbitrary instant in 2027."""


class Clock:
    """`ports.Clock` that stands still until told."""

    def __init__(self, now: float = NOON) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def instant(self) -> Instant:
        return Instant(int(self.now))

    def advance(self, seconds: float) -> None:
        """Let time pass. Its signature is that of `time.sleep`, for steps that wait."""
        self.now += seconds


class Randomness:
    """`ports.Randomness`, the same values in the same order for one seed."""

    def __init__(self, seed: int = 0) -> None:
        self._seed, self._count = seed, 0
        self._random = random.Random(seed)

    def secret(self) -> Secret:
        return Secret(self._next("secret")[:43])

    def id(self) -> str:
        return self._next("id")[:32]

    def between(self, low: float, high: float) -> float:
        return self._random.uniform(low, high)

    def _next(self, kind: str) -> str:
        self._count += 1
        return hashlib.sha256(f"{kind} {self._seed} {self._count}".encode()).hexdigest()


class Credentials:
    """`ports.Credentials`. `now` and `before` may be set by tests; an exception is raised."""

    def __init__(
        self,
        now: Credential | Exception,
        before: Credential | None = None,
        kind: CredentialKind = CredentialKind.SECRET,
    ) -> None:
        self.now, self.before, self.kind = now, before, kind
        self.reads: list[bool] = []

    def current(self, *, fresh: bool = False) -> Credential:
        self.reads.append(fresh)
        if isinstance(self.now, Exception):
            raise self.now
        return self.now

    def previous(self) -> Credential | None:
        return self.before


Answer = Reply | Exception
Form = Mapping[str, str | Secret]
Server = Callable[[str, Form | None], Answer]
"""The answer to a POST of a form, or to a GET (form None)."""


class Http:
    """`ports.Http`: answers from a function, or one after the other from a list."""

    def __init__(self, answers: Server | Iterable[Answer]) -> None:
        if callable(answers):
            self._server = answers
        else:
            script = iter(answers)
            self._server = lambda _url, _form: next(script)
        self.gets: list[str] = []
        self.posts: list[tuple[str, dict[str, str | Secret]]] = []

    def get(self, url: str, timeout: float) -> Reply:
        self.gets.append(url)
        return self._answer(url, None, timeout)

    def post(self, url: str, form: Form, timeout: float) -> Reply:
        self.posts.append((url, dict(form)))
        return self._answer(url, form, timeout)

    def _answer(self, url: str, form: Form | None, timeout: float) -> Reply:
        assert timeout > 0
        answer = self._server(url, form)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Refresher:
    """`ports.Refresher` over a function, which is what `refresh` would do."""

    def __init__(self, refresh: Callable[[RefreshRequest], Problem | None]) -> None:
        self._refresh = refresh
        self.ran: list[RefreshRequest] = []
        self.started: list[RefreshRequest] = []

    def run(self, order: RefreshRequest) -> Problem | None:
        self.ran.append(order)
        return self._refresh(order)

    def start(self, order: RefreshRequest) -> None:
        self.started.append(order)


class Verifier:
    """`ports.Verifier` over a function, which is what `verify` would do."""

    def __init__(self, verify: Callable[[Name, Incarnation, float], Sequence[Check]]) -> None:
        self._verify = verify
        self.ran: list[tuple[Name, float]] = []

    def run(self, name: Name, incarnation: Incarnation, seconds: float) -> Sequence[Check]:
        self.ran.append((name, seconds))
        return self._verify(name, incarnation, seconds)


class Api:
    """`ports.Api`: answers by the end of the URL's path, in turn; the last one for good.

    Tests set `answers`: {"User/Query": [Reply(...), ...]}. Nobody is at other paths.
    """

    def __init__(self) -> None:
        self.answers: dict[str, list[Answer]] = {"": [Unreachable("connect")]}
        self.calls: list[tuple[str, dict[str, str | Secret], Mapping[str, object] | None]] = []

    def call(
        self,
        url: str,
        headers: Mapping[str, str | Secret],
        body: Mapping[str, object] | None,
        timeout: float,
    ) -> Reply:
        assert timeout > 0
        self.calls.append((url, dict(headers), body))
        known = [path for path in self.answers if path and urlsplit(url).path.endswith(path)]
        path = next(iter(known), "")
        answers = self.answers[path]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


class Queue:
    """`ports.Queue`. `refused`: how many orders of each batch it does not accept."""

    def __init__(self, refused: int = 0) -> None:
        self.orders: list[RefreshRequest] = []
        self.refused = refused

    def send(self, orders: Sequence[RefreshRequest]) -> int:
        assert 1 <= len(orders) <= 10, "SQS takes 1 to 10 messages at once"
        accepted = orders[: max(0, len(orders) - self.refused)]
        self.orders.extend(accepted)
        return len(accepted)

    def waiting(self) -> int:
        return len(self.orders)


class Events:
    """`ports.Events`."""

    def __init__(self) -> None:
        self.published: list[tuple[str, dict[str, object]]] = []

    def publish(self, kind: str, detail: Mapping[str, object]) -> None:
        self.published.append((kind, dict(detail)))


class Telemetry:
    """`ports.Telemetry`."""

    def __init__(self) -> None:
        self.notes: list[tuple[str, dict[str, Fact]]] = []
        self.counts: list[tuple[str, float, dict[str, str]]] = []

    def note(self, event: str, **fields: Fact) -> None:
        self.notes.append((event, fields))

    def count(self, metric: str, value: float = 1, **dimensions: str) -> None:
        self.counts.append((metric, value, dimensions))


T = TypeVar("T")


def faulty(port: T, faults: Mapping[str, Exception]) -> T:
    """The port, but methods named in `faults` raise and change nothing. Empty the mapping to heal:
    `faults = {"settle": Unavailable("dynamodb", "Throttled")}; faulty(store, faults)`."""
    return cast("T", _Faulty(port, faults))


class _Faulty:
    def __init__(self, port: object, faults: Mapping[str, Exception]) -> None:
        self._port, self._faults = port, faults

    def __getattr__(self, name: str) -> Any:
        fault = self._faults.get(name)
        if fault is None:
            return getattr(self._port, name)

        def fail(*_: object, **__: object) -> None:
            raise fault

        return fail
