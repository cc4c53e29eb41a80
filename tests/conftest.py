"""One local stack for the session, on free ports and with a state directory of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from local.stack import Settings
from tests.e2e.harness import Stack, up


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The real template in the emulator, beside the simulated platform."""
    with up(Settings.apart(tmp_path_factory.mktemp("stack"))) as running:
        yield running
