"""Marshalling: whatever is written is read back the same, for arbitrary values."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.adapters.dynamodb import items, vault
from broker.adapters.dynamodb.codec import Plain, plain, wrap
from broker.domain.attempts import Ticket
from broker.domain.connection import (
    Account,
    Connection,
    Due,
    Expected,
    Failure,
    Sealed,
    StoredRefreshToken,
    Suspicion,
    Token,
)
from broker.domain.grants import Grant
from broker.domain.problems import Provider
from broker.domain.secret import Secret
from broker.ports.stores import SHARDS, Fault


def register(*kinds: type) -> None:
    """All fields, not only those without a default."""
    for kind in kinds:
        hints = get_type_hints(kind)
        parts = {part.name: st.from_type(hints[part.name]) for part in fields(kind)}
        st.register_type_strategy(kind, st.builds(kind, **parts))


register(Provider, Failure, Sealed, Token, Suspicion, Account, Expected, Grant, Connection)
register(StoredRefreshToken, Ticket, Fault)


def stored(value: Any) -> Plain:
    return plain(wrap(value)["M"])


@given(st.from_type(Connection))
def test_connections(value: Connection) -> None:
    assert items.connection(stored(value)) == value


@given(st.from_type(StoredRefreshToken))
def test_stored_refresh_tokens(value: StoredRefreshToken) -> None:
    item = vault.item(value)
    assert items.stored(item) == value
    assert ("shard" in item) is (value.due_at is not None)
    assert item.get("shard", "0") in {str(number) for number in range(SHARDS)}


@given(st.from_type(StoredRefreshToken).filter(lambda value: value.due_at is not None))
def test_due_entries(value: StoredRefreshToken) -> None:
    assert value.due_at is not None
    wanted = Due(value.name, value.incarnation, value.generation, value.due_at)
    assert items.due(vault.item(value)) == wanted


@given(st.from_type(Ticket))
def test_tickets(value: Ticket) -> None:
    assert items.ticket(stored(value)) == value


@given(st.from_type(Fault))
def test_faults(value: Fault) -> None:
    assert items.fault(stored(value)) == value


def test_what_a_later_version_wrote_is_passed_over() -> None:
    value = Fault("code", "detail", 1, 2)  # type: ignore[arg-type]
    assert items.fault(stored(value) | {"invented_later": "x", "id": "breaker#"}) == value


@pytest.mark.parametrize("value", [Secret("s"), 1.5, {"deep": [Secret("s")]}, object()])
def test_what_is_not_stored(value: object) -> None:
    with pytest.raises(TypeError, match="is not stored"):
        wrap(value)
