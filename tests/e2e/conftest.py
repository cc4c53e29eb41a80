"""What the end-to-end tests share beside the stack itself."""

from __future__ import annotations

import pytest

from tests.e2e.artifacts import Artifacts
from tests.e2e.harness import Stack


@pytest.fixture(scope="session")
def artifacts(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Artifacts:
    """Functions and layers, as they were deployed."""
    return Artifacts.unpack(tmp_path_factory.mktemp("artifacts"), stack)
