"""One emulated broker for the session: starting it is most of the work."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local.bench import emulated
from local.bench.ground import Ground


@pytest.fixture(scope="module")
def emulator() -> Iterator[Ground]:
    """The real steps over a local stack. Module by module, as it changes the environment."""
    with emulated.broker(lambda _: None) as ground:
        yield ground
