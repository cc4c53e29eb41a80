"""Sealed values that were moved in the tables: opened nowhere else, from memory neither."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from broker.domain.connection import Sealed
from broker.domain.secret import Secret
from broker.sealing.envelope import SealBroken, encryption_context
from broker.sealing.unsealed import UnsealedCache
from broker.web import bodies
from tests.unit.house import ADS, ADS_RESOURCE, GRAPH, GRAPH_RESOURCE, NAME, House

BASE: dict[str, Any] = {
    "stack": "s",
    "incarnation": "i",
    "purpose": "access_token",
    "generation": 1,
    "epoch": 1,
    "resource": "https://ads.microsoft.com",
}
WHERE = encryption_context(**BASE)


def unreachable() -> Secret:
    raise SealBroken("not known")


@pytest.mark.parametrize("part", [*BASE, "bytes"])
def test_nothing_is_found_for_another_context_or_other_bytes(part: str) -> None:
    cache = UnsealedCache()
    cache.get(WHERE, b"x", lambda: Secret("a"))
    other = {part: 2 if isinstance(BASE.get(part), int) else "refresh_token"}
    where = WHERE if part == "bytes" else encryption_context(**(BASE | other))
    with pytest.raises(SealBroken):
        cache.get(where, b"y" if part == "bytes" else b"x", unreachable)


def test_context_and_bytes_never_run_together() -> None:
    cache = UnsealedCache()
    cache.get({"a": "b"}, b"}x", lambda: Secret("a"))
    with pytest.raises(SealBroken):
        cache.get({"a": "b}"}, b"x", unreachable)


def test_a_token_moved_to_another_resource_is_not_served_from_memory() -> None:
    """This environment has opened it before; it was once served under any name."""
    house = House().connected(scopes=[ADS, GRAPH])
    house.fetch()
    house.fetch(scope=GRAPH)
    tokens = dict(house.one().tokens)
    house.change(tokens=tokens | {ADS_RESOURCE: replace(tokens[GRAPH_RESOURCE])})
    with pytest.raises(SealBroken):
        house.fetch()


def test_a_token_of_an_earlier_consent_is_not_opened() -> None:
    house = House().connected()
    house.fetch()
    old = house.one().tokens[ADS_RESOURCE]
    assert house.consent(house.renew()["authorize_url"]).good
    current = house.one().tokens[ADS_RESOURCE]
    house.change(tokens={ADS_RESOURCE: replace(current, sealed=replace(old.sealed, epoch=2))})
    with pytest.raises(SealBroken):
        house.fetch()


def test_a_parameter_moved_to_another_one_is_not_opened_from_memory() -> None:
    house = House().connected()
    wish = bodies.change({"parameters": {"developer_token": "canary-d", "customer_id": "42"}})
    house.connections_step.change(NAME, wish)
    assert house.fetch()["parameters"]["developer_token"] == "canary-d"
    parameters: dict[str, Sealed] = dict(house.one().parameters)
    house.change(parameters=parameters | {"customer_id": parameters["developer_token"]})
    with pytest.raises(SealBroken):
        house.fetch()
