"""A crowd at one expired token: one redemption, and everyone gets the token."""

from __future__ import annotations

import statistics

import pytest

from local.bench import crowd, memory
from local.bench.ground import Ground


@pytest.mark.parametrize("callers", [1, 10, 100, 1000])
def test_one_redemption_in_memory(callers: int) -> None:
    seen = crowd.gather(memory.broker(), callers, 0.3)
    assert seen.redemptions == 1
    assert (seen.answered, seen.expired) == (callers, 0)
    # A read, a claim that is refused, and a read every 0.1 to 1 s for the 5 s a caller waits.
    assert statistics.mean(seen.calls) <= 8
    assert max(seen.calls) <= 20


def test_one_redemption_over_the_emulator(emulator: Ground) -> None:
    seen = crowd.gather(emulator, 40, 0.2)
    assert seen.redemptions == 1
    assert (seen.answered, seen.expired) == (40, 0)
    assert seen.latency(50) >= 0.2


def test_a_crowd_without_a_lease_would_redeem_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """The measure can tell: without the lease each caller redeems."""
    monkeypatch.setattr(crowd, "PATIENCE", 0.0)
    ground = memory.broker()
    table = ground.connections

    class Open:
        """Gives the lease to everyone."""

        def __getattr__(self, name: str) -> object:
            return getattr(table, name)

        def claim(self, *_: object, **__: object) -> bool:
            return True

        def lease(self, name: str, *_: object, **__: object) -> object:
            return table.get(name)  # type: ignore[arg-type]

    object.__setattr__(ground.serve, "connections", Open())
    object.__setattr__(ground.redeem, "connections", Open())
    assert crowd.gather(ground, 5, 0.05).redemptions > 1
