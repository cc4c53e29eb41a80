"""Everything is due, over the stores in memory: the broker's own part in the time."""

from __future__ import annotations

from local.bench import memory, others, rotation


def test_rotates_close_to_the_ideal() -> None:
    """The best of three: other work on the machine only ever adds."""
    best = 0.0
    for _ in range(3):
        seen = rotation.run(memory.broker(), 300, 20, 0.2)
        assert (seen.redemptions, seen.problems, seen.left) == (300, 0, 0)
        assert seen.progress[0] == (0.0, 0)
        assert seen.progress[-1][1] == 300
        best = max(best, seen.throughput / seen.ideal)
        if best >= 0.8:
            break
    assert best >= 0.8


def test_every_library_redeems_once_a_worker() -> None:
    assert set(others.redemptions(7).values()) == {7}
