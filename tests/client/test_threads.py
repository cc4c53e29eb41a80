"""Many threads, one request."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest

from token_broker import TokenBroker, TokenBrokerError

from .fake import Broker, problem

T = TypeVar("T")
CROWD = 1000


@pytest.fixture(autouse=True)
def small_stacks() -> Iterator[None]:
    """A thousand threads on a small machine."""
    before = threading.stack_size(256 * 1024)
    yield
    threading.stack_size(before)


def together(count: int, work: Callable[[], T]) -> list[T | TokenBrokerError]:
    """What each of so many threads gets, all started at the same moment."""
    found: list[T | TokenBrokerError] = []
    barrier = threading.Barrier(count)

    def one() -> None:
        barrier.wait(60)
        try:
            found.append(work())
        except TokenBrokerError as error:
            found.append(error)

    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return found


def test_a_thousand_threads_cause_one_request(fake: Broker, broker: TokenBroker) -> None:
    fake.delay = 0.2
    tokens = together(CROWD, lambda: broker.token("a"))
    assert len(tokens) == CROWD
    assert {token.access_token for token in tokens if not isinstance(token, Exception)} == {
        "token-1"
    }
    assert len(fake.asked) == 1


def test_a_failure_is_shared_as_well(fake: Broker, broker: TokenBroker) -> None:
    fake.delay = 0.5
    fake.script.append(problem("reauthorization_required", 409))
    errors = together(100, lambda: broker.token("a"))
    assert {error.code for error in errors if isinstance(error, TokenBrokerError)} == {
        "reauthorization_required"
    }
    assert len({id(error) for error in errors}) == 100
    assert len(fake.asked) == 1


def test_a_token_refused_by_all_is_replaced_once(fake: Broker, broker: TokenBroker) -> None:
    first = broker.token("a")
    fake.delay = 0.1

    def again() -> str:
        broker.rejected(first)
        return broker.token("a").access_token

    assert set(together(100, again)) == {"token-2"}
    assert len(fake.asked) == 2


def test_keys_do_not_wait_for_each_other(fake: Broker, broker: TokenBroker) -> None:
    fake.delay = 0.3
    names = iter([f"c-{number}" for number in range(10)])
    lock = threading.Lock()

    def one() -> float:
        with lock:
            name = next(names)
        return broker.token(name).expires_at.timestamp()

    ends = [found for found in together(10, one) if isinstance(found, float)]
    assert len(ends) == 10
    assert max(ends) - min(ends) < 1.5  # asked at the same time: one after the other takes 3 s


def test_another_min_ttl_gets_an_answer_of_its_own(fake: Broker, broker: TokenBroker) -> None:
    fake.delay = 0.3
    fake.script.append(problem("min_ttl_unreachable", 422))
    outcomes: list[str] = []

    def strict() -> None:
        try:
            broker.token("a", min_ttl=2700)
        except TokenBrokerError as error:
            outcomes.append(error.code)

    first = threading.Thread(target=strict)
    first.start()
    while not broker._cache._flights:
        pass
    outcomes.append(broker.token("a").access_token)
    first.join()
    assert sorted(outcomes) == ["min_ttl_unreachable", "token-1"]


def test_an_interrupted_leader_does_not_take_the_others_along(broker: TokenBroker) -> None:
    fetch, started, go = broker._cache._fetch, threading.Event(), threading.Event()

    def interrupted(*_: object) -> object:
        broker._cache._fetch = fetch
        started.set()
        go.wait(60)
        raise KeyboardInterrupt

    broker._cache._fetch = interrupted  # type: ignore[assignment]
    seen: list[str] = []

    def lead() -> None:
        with pytest.raises(KeyboardInterrupt):
            broker.token("a")
        seen.append("interrupted")

    leader = threading.Thread(target=lead)
    leader.start()
    started.wait(60)
    follower = threading.Thread(target=lambda: seen.append(broker.token("a").access_token))
    follower.start()
    go.set()
    leader.join(60)
    follower.join(60)
    assert sorted(seen) == ["interrupted", "token-1"]
