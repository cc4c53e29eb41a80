"""`ports.Vault`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from broker.domain.connection import Due, StoredRefreshToken
from broker.domain.names import Incarnation, Instant
from broker.ports.stores import SHARDS
from tests.contract import samples
from tests.contract.conftest import CROWD, Crowd, Stores
from tests.contract.samples import later


def put(
    stores: Stores, name: str = "marketing-jp", due_at: Instant | None = None
) -> StoredRefreshToken:
    connection = samples.connection(name)
    stores.connections.create(connection)
    consent = samples.consent(connection, stored=samples.stored(connection, due_at=due_at))
    assert stores.consents.complete(consent)
    return consent.stored


def due(stores: Stores, until: Instant, limit: int = 100) -> list[Due]:
    """All that is due, of all shards."""
    found: list[Due] = []
    for shard in range(SHARDS):
        page, after = stores.vault.due(shard, until, limit)
        while True:
            found += page
            assert len(page) <= limit
            if after is None:
                break
            page, after = stores.vault.due(shard, until, limit, after)
    return found


@pytest.mark.parametrize("due_at", [None, later(5)])
def test_what_is_stored_is_read_back(stores: Stores, due_at: Instant | None) -> None:
    stored = put(stores, due_at=due_at)
    assert stores.vault.get(stored.incarnation) == stored


def test_absent(stores: Stores) -> None:
    assert stores.vault.get(Incarnation("nobody")) is None


def test_rotate(stores: Stores) -> None:
    first = put(stores)
    sealed = samples.sealed(first.generation + 1)
    assert stores.vault.rotate(first, sealed, first.generation + 1, later(50))
    second = replace(first, sealed=sealed, generation=first.generation + 1, due_at=later(50))
    assert stores.vault.get(first.incarnation) == second
    assert stores.vault.rotate(second, None, second.generation + 1, None)
    third = replace(second, generation=second.generation + 1, due_at=None)
    assert stores.vault.get(first.incarnation) == third


def test_rotate_again_because_the_answer_was_lost(stores: Stores) -> None:
    first, sealed = put(stores), samples.sealed()
    assert stores.vault.rotate(first, sealed, 2, later(50))
    second = stores.vault.get(first.incarnation)
    assert stores.vault.rotate(first, sealed, 2, later(50))
    assert stores.vault.get(first.incarnation) == second
    assert not stores.vault.rotate(first, samples.sealed(), 2, later(50))
    assert not stores.vault.rotate(first, None, 2, later(50))
    assert stores.vault.get(first.incarnation) == second


def test_rotate_of_what_is_not_current(stores: Stores) -> None:
    first = put(stores)
    for wrong in (
        replace(first, epoch=first.epoch - 1),
        replace(first, generation=first.generation - 1),
        replace(first, generation=first.generation + 1),
        replace(first, incarnation=Incarnation("nobody")),
    ):
        assert not stores.vault.rotate(wrong, samples.sealed(), 9, later(1))
        assert not stores.vault.rotate(wrong, None, 9, None)
        assert not stores.vault.postpone(wrong, later(1))
        assert not stores.vault.postpone(wrong, None)
    assert stores.vault.get(first.incarnation) == first
    assert stores.vault.get(Incarnation("nobody")) is None


def test_one_of_a_crowd_rotates(stores: Stores, crowd: Crowd) -> None:
    first = put(stores)
    wanted = [samples.sealed(2) for _ in range(CROWD)]
    won = crowd([partial(stores.vault.rotate, first, each, 2, later(1)) for each in wanted])
    assert sum(won) == 1
    found = stores.vault.get(first.incarnation)
    assert found is not None
    assert found.sealed == wanted[won.index(True)]


def test_postpone(stores: Stores) -> None:
    first = put(stores, due_at=later(5))
    assert stores.vault.postpone(first, later(50))
    assert stores.vault.get(first.incarnation) == replace(first, due_at=later(50))
    assert stores.vault.postpone(first, None)
    assert stores.vault.get(first.incarnation) == replace(first, due_at=None)
    assert due(stores, later(1000)) == []
    assert stores.vault.postpone(first, later(7))
    assert [entry.due_at for entry in due(stores, later(1000))] == [later(7)]


def test_due_entries_name_what_to_redeem(stores: Stores) -> None:
    stored = put(stores, due_at=later(5))
    entry = Due(stored.name, stored.incarnation, stored.generation, later(5))
    assert due(stores, later(4)) == []
    assert due(stores, later(5)) == [entry]


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_due_finds_each_once_and_the_oldest_first(stores: Stores, limit: int) -> None:
    # Equal times, and more entries than shards.
    stored = [put(stores, f"c-{n}", later(n // 3)) for n in range(3 * SHARDS)]
    put(stores, "never", None)
    until = later(SHARDS - 2)
    for shard in range(SHARDS):
        times = [entry.due_at for entry in stores.vault.due(shard, until, 100)[0]]
        assert times == sorted(times)
    found = due(stores, until, limit)
    wanted = [each.incarnation for each in stored if each.due_at and each.due_at <= until]
    assert sorted(entry.incarnation for entry in found) == sorted(wanted)


def test_due_goes_on_behind_what_has_changed_since(stores: Stores) -> None:
    stored = [put(stores, f"c-{n}", later(n)) for n in range(3 * SHARDS)]
    seen = 0
    for shard in range(SHARDS):
        page, after = stores.vault.due(shard, later(1000), 1)
        while after:
            seen += len(page)
            (entry,) = page
            (holder,) = (each for each in stored if each.incarnation == entry.incarnation)
            assert stores.vault.postpone(holder, later(5000))
            page, after = stores.vault.due(shard, later(1000), 1, after)
        seen += len(page)
    assert seen == len(stored)
