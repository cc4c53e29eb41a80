"""Unit tests reach nothing beyond this machine."""

from __future__ import annotations

import socket
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A unit test that connects to anything but a server of its own fails."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        host = address[0] if isinstance(address, tuple) else address
        assert host == "127.0.0.1", "a unit test reaches out"
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)
