"""An agent in front of a fake broker, in this process."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tests.client.fake import Broker

from .serving import Served, serving


@pytest.fixture
def fake() -> Iterator[Broker]:
    """A broker that answers by its script, and counts what it was asked."""
    with Broker() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def agent(fake: Broker) -> Iterator[Served]:
    """Serves whatever connection is named."""
    with serving(fake.url) as served:
        yield served
