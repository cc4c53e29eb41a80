"""A fake broker for each test, and a client of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from token_broker import TokenBroker

from .fake import Broker, Job


@pytest.fixture
def fake() -> Iterator[Broker]:
    with Broker() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def broker(fake: Broker) -> Iterator[TokenBroker]:
    with TokenBroker(fake.url, session=Job()) as client:
        yield client


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch, broker: TokenBroker) -> list[float]:
    """How long the client waited between tries, without waiting."""
    waited: list[float] = []
    monkeypatch.setattr(broker._transport, "_sleep", waited.append)
    return waited
