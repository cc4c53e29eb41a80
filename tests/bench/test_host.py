"""The agent's answers from memory: cheap, and many of them take no more memory than some."""

from __future__ import annotations

from local.bench import host


def test_a_cached_answer_is_at_most_twice_a_hello_of_the_same_server() -> None:
    """CPU time of both processes in turn; the least of the rounds, as other work only ever adds."""
    found = host.compare(4, 800)
    print(found)
    assert min(found["ratio"], found["best_ratio"]) <= 2


def test_memory_is_flat() -> None:
    """What is kept for each request would show: 120 bytes of each are 1 MB."""
    found = host.endure(10_000)
    assert found["late"] - found["early"] <= 1.0
