"""What was unsealed is remembered, for the place it was sealed for, and within bounds."""

from __future__ import annotations

import pytest

from broker.domain.secret import Secret
from broker.sealing.envelope import Context
from broker.sealing.unsealed import UnsealedCache

HERE: Context = {"incarnation": "one"}


class Unsealing:
    """Gives the bytes as text, and tells which it was asked for."""

    def __init__(self, size: int) -> None:
        self.cache = UnsealedCache(size)
        self.asked: list[bytes] = []

    def get(self, sealed: bytes, where: Context = HERE) -> str:
        def unseal() -> Secret:
            self.asked.append(sealed)
            return Secret(sealed.decode())

        return self.cache.get(where, sealed, unseal).open()


def test_the_same_bytes_in_the_same_place_are_unsealed_once() -> None:
    unsealing = Unsealing(2)
    assert [unsealing.get(b"a"), unsealing.get(b"a")] == ["a", "a"]
    assert unsealing.asked == [b"a"]


def test_another_place_is_another_value() -> None:
    unsealing = Unsealing(2)
    unsealing.get(b"a")
    unsealing.get(b"a", {"incarnation": "two"})
    assert unsealing.asked == [b"a", b"a"]


def test_it_holds_as_many_as_it_may() -> None:
    unsealing = Unsealing(2)
    for sealed in (b"a", b"b", b"b", b"a"):
        unsealing.get(sealed)
    assert unsealing.asked == [b"a", b"b"]


def test_what_was_not_used_for_longest_goes_first() -> None:
    unsealing = Unsealing(2)
    for sealed in (b"a", b"b", b"a", b"c"):  # b goes
        unsealing.get(sealed)
    unsealing.get(b"a")
    assert unsealing.asked == [b"a", b"b", b"c"]
    unsealing.get(b"b")
    assert unsealing.asked == [b"a", b"b", b"c", b"b"]


def test_a_value_that_does_not_open_is_not_remembered() -> None:
    unsealing = Unsealing(2)
    for _ in range(2):
        with pytest.raises(UnicodeDecodeError):
            unsealing.get(b"\xff")
    assert unsealing.asked == [b"\xff", b"\xff"]
